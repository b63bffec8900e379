"""Office documents that public offices and Hancom's programs wrote. They need KOBERT_DATA."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, read

pytestmark = pytest.mark.real
WITHOUT_BODY = {"table.hwp": "no_text", "reader_writer_HeaderFooter.hwpx": "no_text", "password-12345.hwp": "encrypted"}
"""A table of empty cells, a page that has only a header, and a file with a password."""


@pytest.fixture(scope="module")
def documents(real_data: Path) -> dict[str, str]:
    """File -> text, or `!reason`."""
    config = CorporaConfig(sources=(SourceConfig(name="office", path=str(real_data / "formats" / "office")),))
    return {
        Path(file.address).name: item.text if isinstance(item, Document) else f"!{item.reason}"
        for file in input_files(config)
        for item, _ in read(file)
    }


def test_all_files_are_read_or_named_with_their_reason(documents: dict[str, str]) -> None:
    assert len(documents) == 22
    assert {name: text[1:] for name, text in documents.items() if text.startswith("!")} == WITHOUT_BODY


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("footnote-endnote.hwp", "각주참조\n\n각주입니다.\n\n각주 두 번째입니다.\n\n미주참조\n\n미주입니다.\n\n미주 두 번째입니다."),
        ("viewtext.hwp", "pyhwp 테스트를 위한 배포 문서 예제입니다."),
        ("headerfooter.hwp", "첫 페이지"),
        ("textbox.hwp", "글상자\n\n그림  캡션"),
        ("reader_writer_SimpleTable.hwpx", "1\t2\n3\n5\t4"),
    ],
)  # fmt: skip
def test_notes_distribution_documents_headers_boxes_and_tables(name: str, text: str, documents: dict[str, str]) -> None:
    assert documents[name] == text


def test_a_public_notice_is_read_whole(documents: dict[str, str]) -> None:
    notice = documents["error_20230413_test.hwpx"]
    assert notice.startswith("서울특별시 강남구 공고 제2023-745호\n\n")
    assert notice.endswith("○ 그 밖의 필요한 의견사항")
