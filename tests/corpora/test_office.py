"""Office documents: text in reading order, and every file that cannot be read a Drop with its reason."""

from __future__ import annotations

import os
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import office_files
import pytest

from corpora import inputs, not_read
from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, library_versions
from corpora.office.process import Converter, converter
from corpora.phases.every_document import raw_shards
from corpora.sources import SOURCES
from kobert_pipeline.ground.errors import InputError

FIRST, SECOND = "첫째 문단은 여기에서 끝난다.", "둘째 문단이 이어진다."
NOTE, HEADER = "각주는 문단 다음에 온다.", "쪽마다 되풀이되는 머리글"
TABLE = (("이름", "나이"), ("하늘", "서른"))
LONG = "이 문단은 한 칸에 들어가기에는 너무 길어서 표의 줄이 아니라 문단으로 읽어야 한다. " * 6
ROWS = "이름\t나이\n하늘\t서른"
PACKAGES: dict[str, Callable[..., bytes]] = {"docx": office_files.docx, "hwpx": office_files.hwpx}
LINE = "줄의 너비를 넘은 문장은 다음 줄로 이어지고 낱말 가운데에서"


def items(path: Path, **settings: str) -> list[str]:
    """Texts, and `!reason place` for drops, the place from the source's own path on."""
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    found = [raw.document for shard in raw_shards(config, input_files(config)) for raw in shard.items]
    return [
        item.text if isinstance(item, Document) else f"!{item.reason} {item.place.removeprefix(str(path))}" for item in found
    ]  # fmt: skip


def read(folder: Path, name: str, content: bytes) -> list[str]:
    """Reads a folder in which it is the only file."""
    (folder / name).write_bytes(content)
    return items(folder)


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PACKAGES)
def test_tables_are_rows_notes_follow_their_paragraph_and_headers_are_left_out(kind: str, tmp_path: Path) -> None:
    content = PACKAGES[kind]([FIRST, TABLE, SECOND], note=NOTE, header=HEADER)
    assert read(tmp_path, f"글.{kind}", content) == [f"{FIRST}\n\n{NOTE}\n\n{ROWS}\n\n{SECOND}"]


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_row_with_prose_in_it_is_read_cell_by_cell(kind: str, tmp_path: Path) -> None:
    content = PACKAGES[kind]([(("제목", "값"), ("내용", LONG), ("끝", "값"))])
    assert read(tmp_path, f"글.{kind}", content) == [f"제목\t값\n\n내용\n\n{LONG.strip()}\n\n끝\t값"]


def test_a_note_of_hwp_follows_its_paragraph(tmp_path: Path) -> None:
    content = office_files.hwp([FIRST, SECOND], note=NOTE)
    assert read(tmp_path, "글.hwp", content) == [f"{FIRST}\n\n{NOTE}\n\n{SECOND}"]


def test_the_name_of_hancom_is_written_with_letters(tmp_path: Path) -> None:
    assert read(tmp_path, "글.hwp", office_files.hwp(["\uf53a글 문서이다."])) == ["ᄒᆞᆫ글 문서이다."]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"{LINE}\n끝난다.", f"{LINE} 끝난다."),
        (f"{LINE} 끝난다.\n새 문장이다.", f"{LINE} 끝난다.\n새 문장이다."),
        ("짧은 줄\n다른 줄", "짧은 줄\n다른 줄"),
        (f"{LINE}\n- 목록의 첫째\n- 둘째", f"{LINE}\n- 목록의 첫째\n- 둘째"),
        (f"{LINE}\n1. 목록의 첫째", f"{LINE}\n1. 목록의 첫째"),
    ],
)
def test_lines_broken_for_their_width_are_joined(given: str, expected: str, tmp_path: Path) -> None:
    assert read(tmp_path, "글.docx", office_files.docx([given])) == [expected]


def test_lines_and_pages_of_a_pdf_become_paragraphs(tmp_path: Path) -> None:
    first = [(700, "이 문단의 첫 줄은 너비를 모두 채우고 나서 다음 줄로 이어지며 그"), (685, "둘째 줄에서 끝난다.")]
    cut = [(640, "쪽의 끝에서 끊어진 문단은 다음 쪽의 첫 줄로 이어지므로 한 문단이 되어야"), (625, "하고 그 사이에는")]
    text = read(tmp_path, "글.pdf", office_files.pdf([first + cut[:1], [(700, "한다. 그래야 문장이 남는다.")]]))
    assert text == [
        "이 문단의 첫 줄은 너비를 모두 채우고 나서 다음 줄로 이어지며 그 둘째 줄에서 끝난다.\n\n"
        f"{cut[0][1]} 한다. 그래야 문장이 남는다."
    ]


def test_radicals_and_ligatures_of_a_pdf_are_letters(tmp_path: Path) -> None:
    assert read(tmp_path, "글.pdf", office_files.pdf([[(700, "⼤學은 o\ufb03ce에 있다.")]])) == [
        "大學은 office에 있다."
    ]


def test_a_page_without_a_text_layer_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    content = office_files.pdf([[(700, FIRST)], None, [(700, SECOND)], None])
    assert read(tmp_path, "글.pdf", content) == [
        "!scanned_page /글.pdf:2",
        "!scanned_page /글.pdf:4",
        f"{FIRST}\n\n{SECOND}",
    ]


def test_a_scanned_document_is_its_pages_and_no_empty_document(tmp_path: Path) -> None:
    assert read(tmp_path, "글.pdf", office_files.pdf([None])) == ["!scanned_page /글.pdf:1"]


# --- bad files -------------------------------------------------------------------------------------------------------

BOMB = {"Contents/section1.xml": b" " * (17 << 20), "word/more.xml": b" " * (17 << 20)}
BAD = {
    "encrypted": ("hwp", office_files.hwp([FIRST], flags=2)),
    "hwp_3": ("hwp", b"HWP Document File V3.00 \x1a\x01\x02\x03" + bytes(200)),
    "other_format": ("hwp", b"<html>\xec\x95\x84\xeb\x8b\x88\xeb\x8b\xa4</html>"),
    "macro": ("docx", office_files.docx([FIRST], more={"word/vbaProject.bin": b"macro"})),
    "zip_bomb": ("docx", office_files.docx([FIRST], more=BOMB)),
    "no_text": ("hwpx", office_files.hwpx([""])),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_file_that_cannot_be_read_is_dropped_for_its_reason(reason: str, tmp_path: Path) -> None:
    kind, content = BAD[reason]
    assert read(tmp_path, f"글.{kind}", content) == [f"!{reason} /글.{kind}"]


def test_a_bomb_is_found_in_every_package(tmp_path: Path) -> None:
    assert read(tmp_path, "글.hwpx", office_files.hwpx([FIRST], more=BOMB)) == ["!zip_bomb /글.hwpx"]


def test_a_locked_package_is_encrypted(tmp_path: Path) -> None:
    locked = bytearray(office_files.docx([FIRST]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + offset] |= 1
    assert read(tmp_path, "글.docx", bytes(locked)) == ["!encrypted /글.docx"]


@pytest.mark.parametrize("kind", ["hwp", "hwpx", "docx", "pdf"])
def test_a_file_that_is_cut_off_is_never_taken_for_a_shorter_one(kind: str, tmp_path: Path) -> None:
    make = {
        **PACKAGES,
        "hwp": office_files.hwp,
        "pdf": lambda texts: office_files.pdf([[(700, text)] for text in texts]),
    }
    whole = make[kind]([FIRST, SECOND, LONG])
    (text,) = read(tmp_path, f"글.{kind}", whole)
    for length in range(1, len(whole) - 8, len(whole) // 20):
        (found,) = read(tmp_path, f"글.{kind}", whole[:length])
        assert found in (f"!damaged /글.{kind}", f"!other_format /글.{kind}", text), length


def test_a_damaged_file_that_the_recipe_names_stops_the_run_and_is_a_drop_if_damage_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "글.hwp"
    path.write_bytes(office_files.hwp([FIRST])[:900])
    with pytest.raises(InputError, match=r"글\.hwp: cannot be read as hwp: it is cut off or damaged"):
        items(path)
    assert items(path, damaged="skip") == ["!damaged "]


def test_a_wrong_ending_does_not_matter_among_these_formats(tmp_path: Path) -> None:
    assert read(tmp_path, "글.hwp", office_files.hwpx([FIRST])) == [FIRST]


def test_files_are_read_in_archives_one_document_each(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "글.zip", "w") as archive:
        archive.writestr("가.hwp", office_files.hwp([FIRST]))
        archive.writestr("나.hwpx", office_files.hwpx([SECOND])[:100])
        archive.writestr("다.pdf", office_files.pdf([[(700, SECOND)]]))
    assert items(tmp_path / "글.zip") == [FIRST, "!damaged /나.hwpx", SECOND]
    assert items(tmp_path / "글.zip", format="pdf") == [SECOND]


# --- the process -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "reason"), [(signal.SIGKILL, "parser_died"), (signal.SIGPROF, "too_slow")])
def test_a_document_that_ends_the_parser_is_a_drop_and_the_next_is_read(
    sent: signal.Signals, reason: str, tmp_path: Path
) -> None:
    """The pipe has no writer, so the parser waits at it until it is ended."""
    os.mkfifo(tmp_path / "관")
    (tmp_path / "글.docx").write_bytes(office_files.docx([FIRST]))
    parser = Converter()
    assert parser.convert(str(tmp_path / "글.docx")).text == FIRST
    assert parser._process is not None
    threading.Thread(target=lambda pid=parser._process.pid: (time.sleep(0.2), os.kill(pid, sent))).start()
    assert parser.convert(str(tmp_path / "관")).reason == reason
    assert parser.convert(str(tmp_path / "글.docx")).text == FIRST
    parser.close()


def test_a_parser_that_ended_between_two_documents_costs_none(tmp_path: Path) -> None:
    path = tmp_path / "글.docx"
    path.write_bytes(office_files.docx([FIRST]))
    assert converter().convert(str(path)).text == FIRST
    running = converter()._process
    assert running is not None
    running.kill()
    running.wait()
    assert converter().convert(str(path)).text == FIRST


# --- without the extra -----------------------------------------------------------------------------------------------


def test_without_its_library_a_named_file_says_what_to_install_and_a_folder_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {name: replace(row, modules=("no_such_module",)) if row.extra == "office" else row for name, row in SOURCES.items()}  # fmt: skip
    for module in (inputs, not_read):
        monkeypatch.setattr(module, "SOURCES", MappingProxyType(rows))
    (tmp_path / "가.hwp").write_bytes(office_files.hwp([FIRST]))
    command = r"pip install 'kobert-pipeline\[office\]'"
    for settings in ({}, {"format": "hwp"}):
        with pytest.raises(InputError, match=rf"가\.hwp: reading hwp needs no_such_module\. Run: {command}"):
            items(tmp_path / "가.hwp", **settings)
    with pytest.raises(InputError, match=rf"\.hwp 1 not read: {command} reads \.hwp"):
        items(tmp_path)
    (tmp_path / "나.txt").write_text(SECOND, encoding="utf-8")
    assert items(tmp_path) == [SECOND]


def test_the_version_of_the_library_is_an_input_only_where_it_reads(tmp_path: Path) -> None:
    (tmp_path / "가.hwp").write_bytes(office_files.hwp([FIRST]))
    (tmp_path / "나.txt").write_text(SECOND, encoding="utf-8")

    def libraries(name: str) -> dict[str, str]:
        return library_versions(
            input_files(CorporaConfig(sources=(SourceConfig(name="시험", path=str(tmp_path / name)),)))
        )

    assert libraries("나.txt") == {}
    assert list(libraries("가.hwp")) == ["dochan"]
