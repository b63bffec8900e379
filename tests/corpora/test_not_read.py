"""Files of folders and archives that no reader takes: counted by ending, with the command that would read them."""

from __future__ import annotations

import io
import json
import logging
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from corpora import build as stage
from corpora.config import CorporaConfig, SourceConfig
from corpora.inputs import input_files, read
from corpora.not_read import NO_ENDING, NotRead, ending, explain_not_read
from corpora.sources import SOURCES
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.parallel import ALONE

NAMES = ("그림.PNG", "하위/그림.png", "표.xlsx.gz", "README")
COUNTS = {".png": 2, ".xlsx": 1, NO_ENDING: 1}
TEXT = "우리나라의 가을 하늘은 유난히 높고 푸르다. 사람들은 산으로 단풍을 보러 간다."


def config(path: Path, **settings: str) -> CorporaConfig:
    return CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(TEXT, encoding="utf-8")
    return root


def zip_of(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return path


def tar_of(path: Path, *names: str) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(TEXT.encode())
            archive.addfile(info, io.BytesIO(TEXT.encode()))
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("보고서.HWP", ".hwp"), ("하위.d/표.xlsx.zst", ".xlsx"), ("wiki_00", NO_ENDING), (".gitignore", NO_ENDING), ("a.", NO_ENDING),
        ("이력서.01012345678", NO_ENDING), ("v1.2", NO_ENDING), ("면접 결과.홍길동", NO_ENDING), ("노래.mp3", ".mp3"),
    ],
)  # fmt: skip
def test_an_ending_is_lower_case_and_never_a_part_of_a_name(name: str, expected: str) -> None:
    assert ending(name) == expected


def test_files_of_a_folder_that_are_not_read_are_counted_by_ending(tmp_path: Path) -> None:
    counts: NotRead = {}
    assert len(input_files(config(folder_of(tmp_path, "글.txt", "글.jsonl", *NAMES)), counts)) == 2
    assert counts == {"시험": COUNTS}


def test_files_of_another_format_than_the_named_one_are_counted_too(tmp_path: Path) -> None:
    counts: NotRead = {}
    assert len(input_files(config(folder_of(tmp_path, "글.txt", "글.md", "글.jsonl"), format="text"), counts)) == 2
    assert counts == {"시험": {".jsonl": 1}}


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_members_of_an_archive_that_are_not_read_are_counted_by_ending(pack: object, tmp_path: Path) -> None:
    path = pack(tmp_path / ("글.zip" if pack is zip_of else "글.tar.gz"), "글.txt", *NAMES)  # type: ignore[operator]
    counts: Counter[str] = Counter()
    (file,) = input_files(config(path))
    assert len(list(read(file, not_read=counts))) == 1
    assert counts == COUNTS


def test_a_folder_without_a_readable_file_lists_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file of a known format.*\.png 2, \.xlsx 1, no ending 1 not read"):
        input_files(config(folder_of(tmp_path, *NAMES)))


def test_the_stage_reports_folders_and_archives_in_its_log_and_its_manifest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path / "자료", "그림.png", "README")
    (folder / "글.jsonl").write_text(json.dumps({"text": TEXT}), encoding="utf-8")
    zip_of(folder / "글.zip", "그림.png", "표.xlsx")
    with Workspace(tmp_path / "out", Identity("corpora", 1, {}, {}, 0, {})) as out, caplog.at_level(logging.WARNING):
        artifact = out.finish(stage.build(config(folder), out, execution=ALONE), {})
    expected = {".png": 2, ".xlsx": 1, NO_ENDING: 1}
    assert "source `시험`: .png 2, .xlsx 1, no ending 1 not read" in caplog.text
    assert Corpus(artifact).summary.total.not_read == expected
    assert Corpus(artifact).summary.sources[0].not_read == expected


def test_a_long_list_of_endings_is_cut_and_its_rest_counted() -> None:
    counts = {f".a{number}": 100 - number for number in range(12)} | {".hwp": 10_000}
    shown = explain_not_read(counts)
    assert shown.startswith(".hwp 10,000, .a0 100, ")
    assert ".a8 92 and 270 more not read" in shown


def test_formats_without_an_extra_need_no_module() -> None:
    assert [name for name, source in SOURCES.items() if bool(source.extra) != bool(source.modules)] == []
