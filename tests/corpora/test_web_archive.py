"""WARC and WET: pages by encoding, compression and transfer; what is no page is counted; the main text of a page."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from web_archives import archive, record, response, warc, wet

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, library_versions, read
from corpora.sources import SOURCES
from kobert_pipeline.ground.errors import InputError

PAGE = "<html><head><title>가을 하늘</title></head><body><p>한글 펲시콜라와 하늘이다.</p></body></html>"


def items(path: Path, **settings: object) -> list[str]:
    """Texts, and `!reason place` for drops."""
    (file,) = input_files(CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),)))
    found = (item for item, _ in read(file))
    return [
        item.text if isinstance(item, Document) else f"!{item.reason} {item.place.removeprefix(str(path))}" for item in found
    ]  # fmt: skip


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "answer",
    [
        response(PAGE.encode()),
        response(PAGE.encode("cp949"), content_type="text/html; charset=euc-kr"),
        response(PAGE.encode("cp949"), content_type="text/html"),
        response(PAGE.encode(), content_type="text/html; charset=no-such"),
        response(b"\xef\xbb\xbf" + PAGE.encode(), content_type="text/html; charset=euc-kr"),
        response(gzip.compress(PAGE.encode()), headers=["Content-Encoding: gzip"]),
        response(chunked(PAGE.encode()), headers=["Transfer-Encoding: chunked"]),
        response(PAGE.encode(), content_type="application/xhtml+xml"),
    ],
)
def test_a_page_is_read_however_it_was_sent(answer: bytes, tmp_path: Path) -> None:
    assert items(written(tmp_path / "글.warc", archive(record("response", answer)))) == [PAGE]


def test_records_that_are_no_pages_are_counted_with_their_number(tmp_path: Path) -> None:
    answers = [
        response(PAGE.encode()),
        response(b"", status="404 Not Found"),
        response(b"\x89PNG", content_type="image/png"),
        response(b"<p>\xff\xff</p>", content_type="text/html"),
        response(PAGE.encode() * 20),
    ]
    path = written(tmp_path / "글.warc.gz", gzip.compress(archive(*(record("response", answer) for answer in answers))))
    assert items(path, max_document_bytes=1_000) == [
        PAGE, "!not_delivered :2", "!not_html :3", "!undecodable :4", "!too_large :5",
    ]  # fmt: skip


def test_the_title_is_that_of_the_page_and_ids_are_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "글.warc", warc([PAGE]))
    (file,) = input_files(CorporaConfig(sources=(SourceConfig(name="시험", path=str(path)),)))
    ((document, name),) = read(file)
    assert (document, name) == (Document("글-000000", "시험", PAGE, "가을 하늘"), "warc")
    assert library_versions([file]) == {}


@pytest.mark.parametrize("make", [warc, wet])
def test_an_archive_that_is_cut_off_stops_the_run_or_keeps_what_is_before(make: object, tmp_path: Path) -> None:
    whole = make(["하나", "둘"])  # type: ignore[operator]
    path = tmp_path / f"글.{make.__name__}"  # type: ignore[attr-defined]
    ends = {at + 4 for at in range(len(whole)) if whole[at:].startswith(b"\r\n\r\nWARC")}
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        if length not in ends:
            with pytest.raises(InputError, match=r"글\.\w+: cannot be read as"):
                items(path)
    assert items(written(path, whole[:-3]), damaged="skip") == ["하나", "!damaged "]


def test_a_damaged_gzip_file_is_named(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(warc([PAGE]), mtime=0))
    whole[10] = 0xFF
    with pytest.raises(InputError, match=r"글\.warc\.gz: cannot be read as warc"):
        items(written(tmp_path / "글.warc.gz", bytes(whole)))


def test_an_archive_with_something_else_between_its_records_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "글.wet", wet(["하나"]) + b"<html>" * 20 + wet(["둘"]))
    with pytest.raises(InputError, match=r"글\.wet: cannot be read as wet"):
        items(path)


def test_the_version_of_trafilatura_is_an_input_where_it_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "글.warc", warc([PAGE]))
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), format="warc_main"),))
    assert list(library_versions(input_files(config))) == ["trafilatura"]


def test_the_main_text_of_a_page_leaves_out_what_surrounds_it() -> None:
    prose = "<p>우리나라의 가을 하늘은 유난히 높고 푸르다. 사람들은 산으로 단풍을 보러 간다.</p>" * 5
    menu = "<div class='menu'><ul>" + "<li><a href='/'>메뉴 항목</a></li>" * 20 + "</ul></div>"
    main = SOURCES["html_main"].render
    assert main is not None
    found = main(f"<html><body>{menu}<div class='article'><h1>가을</h1>{prose}</div>{menu}</body></html>")
    assert "단풍을 보러 간다." in found
    assert "메뉴" not in found
    assert main("<html><body></body></html>") == ""
