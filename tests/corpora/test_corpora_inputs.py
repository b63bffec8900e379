"""From the paths of a recipe to files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from corpora.config import CorporaConfig, SourceConfig
from corpora.inputs import input_files
from corpora.sources import SOURCES
from kobert_pipeline.config import package_path
from kobert_pipeline.errors import InputError, RecipeError


def _config(path: object, **settings: Any) -> CorporaConfig:
    return CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))


def _names(path: object, base: Path, **settings: Any) -> list[str]:
    return [Path(file.address).relative_to(base).as_posix() for file in input_files(_config(path, **settings))]


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_file_is_found_and_its_format_guessed(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt", "b.JSONL", "c.ndjson.gz", "d.parquet")
    found = {name: input_files(_config(tmp_path / name))[0].format for name in ("a.txt", "b.JSONL", "c.ndjson.gz", "d.parquet")}  # fmt: skip
    assert found == {"a.txt": "text", "b.JSONL": "jsonl", "c.ndjson.gz": "jsonl", "d.parquet": "parquet"}


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("name", SOURCES)
def test_every_ending_of_every_format_is_guessed(name: str, ending: str, tmp_path: Path) -> None:
    for suffix in SOURCES[name].suffixes:
        _touch(tmp_path, f"글{suffix}{ending}")
        assert input_files(_config(tmp_path / f"글{suffix}{ending}"))[0].format == name


def test_a_missing_file_names_the_path_and_the_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"없다\.txt: no such file \(source `시험`\)"):
        input_files(_config(tmp_path / "없다.txt"))


def test_an_empty_folder_says_what_it_looked_for(tmp_path: Path) -> None:
    _touch(tmp_path, "그림.png", "README")
    with pytest.raises(InputError, match=r"no file of a known format.*\.txt.*\.jsonl.*\.parquet.*\.zst"):
        input_files(_config(tmp_path))


def test_a_folder_is_read_with_its_subfolders_in_the_order_of_names(tmp_path: Path) -> None:
    names = ["나.txt", "가.txt", "하위/다.jsonl", "하위/가.txt.gz", "하위/더/나.parquet", "a.txt", "B.txt"]
    _touch(tmp_path, *names, "하위/그림.png")
    assert _names(tmp_path, tmp_path) == sorted(names)


def test_a_glob_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    _touch(tmp_path, "wiki_02.txt", "wiki_01.txt", "다른.txt", "하위/wiki_03.txt", "wiki_00.txt/속.txt")
    assert _names(tmp_path / "wiki_*.txt", tmp_path) == ["wiki_01.txt", "wiki_02.txt"]
    assert _names(tmp_path / "**" / "wiki_*.txt", tmp_path) == ["wiki_01.txt", "wiki_02.txt", "하위/wiki_03.txt"]


def test_a_file_whose_name_looks_like_a_glob_is_found(tmp_path: Path) -> None:
    _touch(tmp_path, "말뭉치[1].txt", "말뭉치1.txt")
    assert _names(tmp_path / "말뭉치[1].txt", tmp_path) == ["말뭉치[1].txt"]


def test_an_unknown_format_gives_the_nearest_name(tmp_path: Path) -> None:
    _touch(tmp_path, "글.txt")
    with pytest.raises(
        RecipeError, match=r"corpora\.sources\.시험\.format: 'jsonnl' is unknown; did you mean `jsonl`\?"
    ):
        input_files(_config(tmp_path / "글.txt", format="jsonnl"))


def test_an_ending_that_tells_no_format_asks_for_one(tmp_path: Path) -> None:
    _touch(tmp_path, "글.md")
    with pytest.raises(InputError, match=r"글\.md: the ending tells no format\. Set `format` of source `시험`"):
        input_files(_config(tmp_path / "글.md"))
    assert input_files(_config(tmp_path / "글.md", format="text"))[0].format == "text"


def test_variables_are_expanded_and_a_missing_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "글.txt")
    monkeypatch.setenv("KOBERT_TEST_FOLDER", str(tmp_path))
    assert _names("${KOBERT_TEST_FOLDER}/글.txt", tmp_path) == ["글.txt"]
    monkeypatch.delenv("KOBERT_TEST_FOLDER")
    assert _names(f"${{KOBERT_TEST_FOLDER:-{tmp_path}}}/글.txt", tmp_path) == ["글.txt"]
    with pytest.raises(RecipeError, match=r"corpora\.sources\.시험\.path: .*KOBERT_TEST_FOLDER is not set"):
        input_files(_config("${KOBERT_TEST_FOLDER}/글.txt"))


def test_a_file_of_our_package_is_found_wherever_it_is_installed() -> None:
    file = input_files(_config("package:corpora/sample/howto.txt"))[0]
    assert Path(file.address).read_text(encoding="utf-8")
    assert Path(file.address) == package_path("package:corpora/sample/howto.txt")


@pytest.mark.parametrize(
    "path", ["package:없는꾸러미/글.txt", "package:no_such_package/a.txt", "package:../etc", "package:"]
)
def test_a_package_that_is_not_there_is_named(path: str) -> None:
    with pytest.raises(RecipeError, match="there is no package"):
        input_files(_config(path))


def test_a_file_missing_from_our_package_is_named() -> None:
    with pytest.raises(InputError, match=r"sample/없다\.txt: no such file"):
        input_files(_config("package:corpora/sample/없다.txt"))


def test_an_address_elsewhere_is_left_to_fsspec() -> None:
    file = input_files(_config("https://example.com/corpus.jsonl.gz"))[0]
    assert (file.address, file.format, file.is_local) == ("https://example.com/corpus.jsonl.gz", "jsonl", False)


def test_sources_keep_the_order_of_the_recipe(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt", "b.txt")
    sources = (SourceConfig(name="둘째", path=str(tmp_path / "b.txt")), SourceConfig(name="첫째", path=str(tmp_path)))
    files = input_files(CorporaConfig(sources=sources))
    assert [(file.source.name, Path(file.address).name) for file in files] == [
        ("둘째", "b.txt"), ("첫째", "a.txt"), ("첫째", "b.txt"),
    ]  # fmt: skip


def test_two_sources_of_one_name_are_refused() -> None:
    source = {"name": "위키", "path": "a.txt"}
    with pytest.raises(RecipeError, match="two sources are named '위키'"):
        CorporaConfig.parse({"sources": [source, source]}, "corpora")


def test_the_address_of_a_source_is_no_part_of_its_content(tmp_path: Path) -> None:
    first, second = _config(tmp_path / "a.txt").content(), _config(tmp_path / "b.txt").content()
    assert first == second
    assert str(tmp_path) not in str(first)


def test_what_is_read_does_not_depend_on_how_a_file_is_packed(tmp_path: Path) -> None:
    (tmp_path / "글.txt.gz").write_bytes(gzip.compress("한글".encode()))
    file = input_files(_config(tmp_path))[0]
    assert [item.text for item in SOURCES[file.format].read(file.address, file.source)] == ["한글"]  # type: ignore[union-attr]
