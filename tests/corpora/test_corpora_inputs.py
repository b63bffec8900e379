"""From the paths of a recipe to files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import fsspec
import pytest

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.inputs import input_files, read
from corpora.sources import SOURCES
from kobert_pipeline.ground.addresses import package_path
from kobert_pipeline.ground.errors import InputError, RecipeError


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
    with pytest.raises(
        InputError, match=r"글\.md: the format cannot be seen from the ending\. Set `format` of source `시험`"
    ):
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
    assert [item.text for item, _ in read(file)] == ["한글"]  # type: ignore[union-attr]


# --- what is shown, and how documents are numbered -------------------------------------------------------------------


def _shown(path: object, **settings: Any) -> list[tuple[str, str]]:
    return [(file.place, file.stem) for file in input_files(_config(path, **settings))]


def test_a_place_shows_no_more_of_the_path_than_the_user_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "가.txt", "하위/가.txt")
    monkeypatch.setenv("KOBERT_TEST_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    given = "${KOBERT_TEST_FOLDER}"
    assert _shown(f"{given}/가.txt") == [(f"{given}/가.txt", "가")]
    assert _shown(given) == [(f"{given}/가.txt", "가"), (f"{given}/하위/가.txt", "하위/가")]
    assert _shown(f"{given}/*/가.txt") == [(f"{given}/하위/가.txt", "하위/가")]
    assert _shown("하위/가.txt") == [("하위/가.txt", "가")]
    assert _shown("하위/*.txt") == [("하위/가.txt", "가")]
    assert _shown(".") == [("./가.txt", "가"), ("./하위/가.txt", "하위/가")]
    assert _shown("*.txt") == [("가.txt", "가")]
    assert _shown("package:corpora/sample/howto.txt") == [("package:corpora/sample/howto.txt", "howto")]


def test_documents_of_equally_named_files_are_numbered_apart(tmp_path: Path) -> None:
    for name in ("글.txt", "글.txt.gz", "하위/글.txt", "글 1.5.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress("글".encode()) if name.endswith("gz") else "글".encode())
    assert [stem for _, stem in _shown(tmp_path)] == ["글 1.5", "글.txt", "글.txt.gz", "하위/글"]
    items = [item for file in input_files(_config(tmp_path)) for item, _ in read(file)]
    assert [item.doc_id for item in items if isinstance(item, Document)] == [
        "글 1.5-000000", "글.txt-000000", "글.txt.gz-000000", "하위/글-000000",
    ]  # fmt: skip


# --- formats that a name alone does not tell --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("글.json", '[{"namespace": "0", "title": "가", "text": "글"}]', "namuwiki"),
        ("글.json", '\ufeff{"id": "x", "document": [{"paragraph": [{"form": "글"}]}]}', "modu"),
        ("글.json", '{"text": "글"}\n{"text": "글"}\n', "jsonl"),
        ("wiki_07", '<doc id="1" url="" title="">\n글\n</doc>', "wikiextractor"),
        ("dump.xml", "<mediawiki><page><ns>0</ns><revision><text>글</text></revision></page></mediawiki>", "mediawiki"),
    ],
)
def test_the_beginning_or_the_name_tells_the_format(name: str, content: str, found: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    for path in (tmp_path, tmp_path / name):
        (file,) = input_files(_config(path))
        items = list(read(file))
        texts = [(item.text.strip(), kind) for item, kind in items if isinstance(item, Document)]
        assert set(texts) == {("글", found)}


def test_json_of_another_shape_asks_for_a_format(tmp_path: Path) -> None:
    (tmp_path / "글.json").write_text('{"data": [{"text": "글"}]}', encoding="utf-8")
    (file,) = input_files(_config(tmp_path))
    with pytest.raises(
        InputError,
        match=r"글\.json: the JSON format cannot be seen from its beginning\. Set `format` of source `시험`: `ai_hub`",
    ):
        list(read(file))


def test_a_named_format_reads_its_own_files_of_a_folder(tmp_path: Path) -> None:
    _touch(tmp_path, "가.json", "나.txt", "다.jsonl", "라.zip", "마.png")
    assert _names(tmp_path, tmp_path, format="modu") == ["가.json", "라.zip"]
    assert _names(tmp_path, tmp_path, format="jsonl") == ["가.json", "다.jsonl", "라.zip"]
    assert _names(tmp_path, tmp_path) == ["가.json", "나.txt", "다.jsonl", "라.zip"]


# --- fsspec ----------------------------------------------------------------------------------------------------------


def test_a_file_a_glob_and_a_folder_are_read_from_any_file_system(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    for name in ("/말뭉치/가.txt", "/말뭉치/하위/나.txt.gz", "/말뭉치/그림.png"):
        system.pipe(name, gzip.compress("글".encode()) if name.endswith("gz") else "글".encode())
    assert _shown("memory://말뭉치") == [
        ("memory://말뭉치/가.txt", "가"),
        ("memory://말뭉치/하위/나.txt.gz", "하위/나"),
    ]
    assert _shown("memory://말뭉치/*.txt") == [("memory://말뭉치/가.txt", "가")]
    assert _shown("memory://말뭉치/가.txt") == [("memory://말뭉치/가.txt", "가")]
    for path in ("memory://말뭉치", "memory://말뭉치/**/*.gz", "memory://말뭉치/가.txt"):
        for file in input_files(_config(path)):
            assert not file.is_local
            assert [item.text for item, _ in read(file) if isinstance(item, Document)] == ["글"]
    with pytest.raises(InputError, match=r"memory://말뭉치/\*\.csv: no file"):
        input_files(_config("memory://말뭉치/*.csv"))
    with pytest.raises(InputError, match=r"nosuch://a/\*: cannot be listed"):
        input_files(_config("nosuch://a/*"))


def test_parquet_and_archives_are_read_from_any_file_system(tmp_path: Path) -> None:
    import zipfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["글"]}), tmp_path / "글.parquet")
    with zipfile.ZipFile(tmp_path / "글.zip", "w") as archive:
        archive.write(tmp_path / "글.parquet", "속.parquet")
    for name in ("글.parquet", "글.zip"):
        fsspec.filesystem("memory").pipe(f"/묶음/{name}", (tmp_path / name).read_bytes())
        (file,) = input_files(_config(f"memory://묶음/{name}"))
        assert [item.text for item, _ in read(file) if isinstance(item, Document)] == ["글"]


# --- datasets --------------------------------------------------------------------------------------------------------


def test_a_folder_written_by_datasets_is_read(tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["가", None], "title": ["나", "다"]})
    rows.save_to_disk(str(tmp_path / "하나"))
    datasets.DatasetDict({"train": rows, "test": rows.select([0])}).save_to_disk(str(tmp_path / "둘"))
    for path, split, count in (("하나", "train", 2), ("둘", "train", 2), ("둘", "test", 1)):
        (file,) = input_files(_config(tmp_path / path, format="datasets", split=split))
        assert file.is_local
        items = [item for item, _ in read(file)]
        assert len(items) == count
        assert items[0] == Document(f"{file.stem}-000000", "시험", "가", "나")
        assert all(isinstance(item, Drop) and item.reason == "no_text" for item in items[1:])


def test_a_folder_that_datasets_understands_is_read_by_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps({"text": split}) + "\n", encoding="utf-8")
    (file,) = input_files(_config(tmp_path, format="datasets", split="test"))
    assert [item.text for item, _ in read(file) if isinstance(item, Document)] == ["test"]
    with pytest.raises(InputError, match=r"`datasets` cannot read it .*`split` \(validation\)"):
        input_files(_config(tmp_path, format="datasets", split="validation"))


def test_a_data_set_of_the_hub_is_one_file_with_its_address() -> None:
    (file,) = input_files(_config("hub:klue/klue@v1", subset="ynat", split="validation"))
    assert (file.address, file.format, file.place, file.is_local) == (
        "hf://datasets/klue/klue@v1", "datasets", "hub:klue/klue@v1", False,
    )  # fmt: skip
    with pytest.raises(RecipeError, match=r"hub:klue/klue is read as `datasets`"):
        input_files(_config("hub:klue/klue", format="jsonl"))
