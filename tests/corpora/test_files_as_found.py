"""Files as people have them: next to files of systems, with settings that do not fit, with rows that break their own rules."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Drop
from corpora.file_names import is_system_file
from corpora.inputs import input_files, read
from corpora.not_read import SYSTEM, NotRead
from corpora.sources import SOURCES, ai_hub
from corpora.sources.csv import CSV, TSV
from corpora.sources.raw_file import RawFile
from kobert_pipeline.ground.errors import InputError

TEXT = "우리나라의 가을 하늘은 유난히 높고 푸르다."
SYSTEM_FILES = (
    "._a.txt", "__MACOSX/._a.txt", "__MACOSX/하위/b.txt", ".git/description.txt", ".ipynb_checkpoints/a-checkpoint.txt", "하위/~$보고서.txt",
    "하위/.~lock.보고서.txt", "Thumbs.db", "하위/desktop.ini", ".DS_Store", "@eaDir/a.txt", "$RECYCLE.BIN/a.txt", ".svn/entries.txt",
)  # fmt: skip


def found_in(path: Path, **settings: Any) -> tuple[list[str], dict[str, int]]:
    """Texts, or reasons in brackets, of one source, and what was not read."""
    not_read: NotRead = {}
    config = CorporaConfig(sources=(SourceConfig(name="s", path=str(path), **settings),))
    items = [
        (item, name) for file in input_files(config, not_read) for item, name in read(file, None, not_read["s"])
    ]  # fmt: skip
    texts = [
        f"[{item.reason}]" if isinstance(item, Drop) else (SOURCES[name].render or str)(item.text)
        for item, name in items
    ]
    return texts, dict(not_read["s"])


def texts_of(tmp_path: Path, name: str, content: str, **settings: Any) -> list[str]:
    (tmp_path / name).write_text(content, encoding="utf-8")
    return found_in(tmp_path / name, **settings)[0]


# --- files of systems ------------------------------------------------------------------------------------------------


def test_files_of_systems_in_a_folder_are_counted_and_not_read(tmp_path: Path) -> None:
    for name in (*SYSTEM_FILES, "글.txt", ".숨긴 글.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    assert found_in(tmp_path) == ([TEXT, TEXT], {SYSTEM: len(SYSTEM_FILES)})
    assert found_in(tmp_path / "**/*.txt") == ([TEXT], {SYSTEM: 4})  # `*` and `**` leave out names with a dot


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_files_of_systems_in_an_archive_are_counted_and_not_read(kind: str, tmp_path: Path) -> None:
    names, path = (*SYSTEM_FILES, "__MACOSX/._b.zip", "글.txt"), tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, TEXT)
    else:
        with tarfile.open(path, "w") as tar:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(TEXT.encode())
                tar.addfile(info, io.BytesIO(TEXT.encode()))
    assert found_in(path) == ([TEXT], {SYSTEM: len(SYSTEM_FILES) + 1})


def test_a_file_that_is_named_is_read_and_so_is_a_folder_within_such_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".git" / "글"
    folder.mkdir(parents=True)
    (folder / "._a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    assert found_in(folder / "._a.txt") == ([TEXT], {})
    assert found_in(folder) == ([TEXT], {SYSTEM: 1})


@pytest.mark.parametrize(
    "name", ["a._txt", "깃.git.txt", "macosx/a.txt", "~a.txt", "하위/_a.txt", "thumbs.txt", ".a.txt"]
)
def test_names_that_only_look_alike_are_read(name: str) -> None:
    assert not is_system_file(name)


# --- settings and shapes that do not fit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "settings", "message"),
    [
        ("a.txt", "id\tdocument\n1\t글\n", {"text_field": "document"}, r"a text has no fields.*`text_field: document`.*tsv"),
        ("a.jsonl", '[{"text": "글"}, {"text": "나"}]', {}, r"one JSON array.*`format: ai_hub`.*`text_field: \[\]\.text`"),
        ("a.jsonl", '[\n{"text": "글"}\n]\n', {}, r"one JSON array"),
        ("a.jsonl", '{\n  "data": []\n}\n', {}, r"one JSON object.*data\[\]\.text"),
        ("a.jsonl", '{"text": ["글", "나"]}\n', {}, r"`text` holds a list, not a string.*`format: ai_hub`"),
        ("a.jsonl", '{"text": {"ko": "글"}}\n', {}, r"`text` holds an object"),
        ("a.jsonl", '{"text": 3}\n', {}, r"`text` holds a number"),
        ("a.jsonl", '{"body": null}\n', {}, r"no field `text`; its fields are body"),
    ],
)  # fmt: skip
def test_a_first_file_in_another_shape_is_one_line_that_helps(
    name: str, content: str, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        texts_of(tmp_path, name, content, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "settings", "expected"),
    [
        ("a.jsonl", '{"text": null}\n{"text": "글"}\n', {}, ["[no_text]", "글"]),
        ("a.jsonl", '{"text": "탭\t안"}\n', {}, ["탭\t안"]),
        ("a.json", '{"data": [{"t": "탭\t안\x01"}]}', {"format": "ai_hub", "text_field": "data[].t"}, ["탭\t안\x01"]),
        ("a.csv", "id,text\n1,그는 왔다, 그리고 갔다.\n2,끝,\n3,끝\n", {}, ["[cells_beyond_header]", "끝", "끝"]),
        ("a.tsv", "id\ttext\n1\t글\t남는 칸\n2\t끝\t\n", {}, ["[cells_beyond_header]", "끝"]),
        ("a.tsv", 'text\n"따옴표로 묶은 ""글"""\n"좋다 라고\n"끝"\n""\n', {}, ['따옴표로 묶은 "글"', '"좋다 라고', '"끝"', ""]),
        ("a.json", '{"문서": [{"본문": "가"}, {"본문": "나"}]}', {"format": "ai_hub", "text_field": "문서[].본문"}, ["가\n나"]),
        ("a.json", '{"자료": {"글 모음": [{"글": "가"}]}}', {"format": "ai_hub", "text_field": '자료."글 모음"[].글'}, ["가"]),
        ("a.json", '[{"글2": "가", "k": "나"}]', {"format": "ai_hub", "text_field": "[].[글2, k][]"}, ["가\n나"]),
        ("a.json", '{"data": [{"t": "#@이름#아 #@전번# ㅋㅋ#@시스템#사진##@URL#"}]}', {"format": "ai_hub", "text_field": "data[].t"},
         ["[이름]아 [전화번호] ㅋㅋ"]),
    ],
)  # fmt: skip
def test_rows_that_break_the_rules_of_their_file(
    name: str, content: str, settings: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    assert texts_of(tmp_path, name, content, **settings) == expected


def test_the_last_revision_of_a_page_is_read_and_earlier_ones_do_not_count_towards_its_size(tmp_path: Path) -> None:
    revisions = "".join(
        f"<revision><text>{text * 400}</text></revision>" for text in ("옛 글. ", "다음 글. ", "새 글. ")
    )
    page = f"<page><title>가</title><ns>0</ns><id>1</id>{revisions}</page>"
    dump = f"<mediawiki xml:lang='ko'>{page}{page.replace('새 글. ', '끝. ')}</mediawiki>"
    texts = texts_of(tmp_path, "a.xml", dump, max_document_bytes=5_000)
    assert [text.strip() for text in texts] == [("새 글. " * 400).strip(), ("끝. " * 400).strip()]


@given(st.lists(st.text(alphabet='가나 ",\t.', min_size=1, max_size=12), min_size=1, max_size=5))
def test_cells_are_read_whole_or_the_row_is_dropped(cells: list[str]) -> None:
    """Whatever the cells are, a text is never a part of what its row has."""
    row = ",".join(cell.replace('"', "").replace("\t", " ") for cell in ["1", *cells])
    raw = _raw(f"id,text\n{row}\n")
    (item,) = CSV.read(raw, SourceConfig(name="s", path="-"))
    assert isinstance(item, Drop) or (row.startswith(f"1,{item.text}") and not row[2 + len(item.text) :].strip(", "))


@given(st.lists(st.text(alphabet='가나 ",.', max_size=12), min_size=1, max_size=5))
def test_tsv_as_spreadsheets_write_it_comes_back(texts: list[str]) -> None:
    """They put quotation marks around a field that has some, and double those inside."""
    lines = ['"' + text.replace('"', '""') + '"' if '"' in text else text for text in texts]
    raw = _raw("id\ttext\n" + "".join(f"1\t{line}\n" for line in lines))
    assert [
        item.text for item in TSV.read(raw, SourceConfig(name="s", path="-")) if not isinstance(item, Drop)
    ] == texts


def _raw(content: str) -> Any:
    return RawFile("a", "a", "a", lambda: io.BytesIO(content.encode()))


@given(
    st.dictionaries(
        st.text(alphabet="가나_a1", min_size=1).filter(lambda key: not key[0].isdigit()),
        st.text(min_size=1),
        min_size=1,
        max_size=4,
    )
)
def test_any_key_of_letters_can_be_named_in_a_path(record: dict[str, str]) -> None:
    for key, value in record.items():
        raw = _raw(json.dumps({"자료": [record]}, ensure_ascii=False))
        settings = SourceConfig(name="s", path="-", format="ai_hub", text_field=f"자료[].{key}")
        assert [item.text for item in ai_hub.read(raw, settings) if not isinstance(item, Drop)] == [value]
