"""Bad input: refused, or dropped with a reason and a place; the documents around it are kept, in bounded memory."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop, Raw
from corpora.inputs import input_files
from corpora.phases.every_document import raw_shards
from corpora.sources import SOURCES
from kobert_pipeline.ground.errors import InputError

SMALL = 10_000
"""`max_document_bytes` of the tests of size."""


def _shards(path: Path | str, **settings: Any) -> Iterator[Document | Drop]:
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    return (raw.document for shard in raw_shards(config, input_files(config)) for raw in shard.items)


def _read(path: Path, **settings: Any) -> list[str]:
    """Texts, and `!reason place` for drops, the place from the source's own path on."""
    return [_shown(item, path) for item in _shards(path, **settings)]


def _shown(item: Document | Drop, path: Path) -> str:
    return item.text.strip() if isinstance(item, Document) else f"!{item.reason} {item.place.removeprefix(str(path))}"


def _written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _jsonl(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# --- lines -----------------------------------------------------------------------------------------------------------


def test_a_line_that_cannot_be_decoded_is_dropped_and_its_neighbours_live(tmp_path: Path) -> None:
    lines = _written(tmp_path / "글.jsonl", b'{"text": "\xea\xb0\x80"}\n{"text": "\xff"}\n{"text": "\xeb\x82\x98"}\n')
    assert _read(lines) == ["가", "!undecodable :2", "나"]
    text = _written(tmp_path / "글.txt", "가\n나\n".encode() + b"\xff\xfe \n" + "다\n\n라".encode())
    assert _read(text) == ["!undecodable :3", "가\n나\n다", "라"]
    page = _written(tmp_path / "글.html", b"<p>\xff\xff</p>")
    assert _read(page) == ["!undecodable "]
    assert _read(text, documents="file") == ["!undecodable "]


def test_a_broken_character_of_utf_16_costs_its_line(tmp_path: Path) -> None:
    broken = "가나다\n".encode("utf-16-le") + b"\x00\xd8" + "\n라마바\n사".encode("utf-16-le") + b"\x00"
    path = _written(tmp_path / "글.txt", b"\xff\xfe" + broken)
    assert _read(path, documents="line") == ["가나다", "!undecodable :2", "라마바", "!undecodable :4"]


def test_nul_bytes_survive_reading(tmp_path: Path) -> None:
    for encoding in ("utf-8", "cp949"):
        path = _written(tmp_path / f"{encoding}.txt", "가\0나 한국어 글이다. 이어진다".encode(encoding))
        assert _read(path) == ["가\0나 한국어 글이다. 이어진다"]


def test_json_that_is_no_object_or_has_no_text_is_dropped_with_its_line(tmp_path: Path) -> None:
    path = _written(tmp_path / "글.jsonl", _jsonl({"text": "가"}, [1], "글", {"title": "나"}, {"text": 3}) + "{깨진\n")
    assert _read(path) == [
        "가", "!not_an_object :2", "!not_an_object :3", "!no_text :4", "!no_text :5", "!unreadable_line :6",
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_line_of_100_mb_is_skipped_without_being_held(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"글.jsonl{ending}"
    with gzip.open(path, "wb", 1) if ending else path.open("wb") as stream:
        stream.write(b'{"text": "\xea\xb0\x80"}\n{"text": "')
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n{"text": "\xeb\x82\x98"}\n')
    tracemalloc.start()
    assert _read(path, max_document_bytes=SMALL) == ["가", "!too_large :2", "나"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_document_of_many_lines_is_bounded_too(tmp_path: Path) -> None:
    long = "긴 글의 한 줄이다.\n" * 1_000
    text = _written(tmp_path / "글.txt", f"가\n\n{long}\n나")
    assert _read(text, max_document_bytes=SMALL) == ["가", "!too_large :3", "나"]
    assert _read(text, max_document_bytes=SMALL, documents="file") == ["!too_large "]
    table = _written(tmp_path / "글.csv", f'text\n가\n"{long}"\n나\n')
    assert _read(table, max_document_bytes=SMALL)[0] == "가"
    assert _read(table, max_document_bytes=SMALL)[-1] == "나"
    assert _read(table, max_document_bytes=SMALL)[1].startswith("!too_large")
    articles = _written(tmp_path / "wiki_00", f'<doc id="1" url="" title="글">\n{long}</doc>\n<doc id="2" url="" title="나">\n나다\n</doc>')  # fmt: skip
    assert _read(articles, max_document_bytes=SMALL) == ["!too_large :1", "나다"]


# --- JSON arrays, XML, HTML ------------------------------------------------------------------------------------------


def test_an_element_beyond_the_limit_is_skipped_in_a_stream(tmp_path: Path) -> None:
    pages = [{"namespace": "0", "title": "글", "text": text} for text in ("가", 'x\\"' * 20_000, "나]},{")]
    path = _written(tmp_path / "글.json", json.dumps(pages, ensure_ascii=False))
    assert _read(path, max_document_bytes=SMALL) == ["가", "!too_large [1]", "나]},{"]


def test_elements_are_cut_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [{"id": f"{n}", "paragraph": [{"form": f'글 "{n}" \\ ] }} , {{'}]} for n in range(5)]
    whole = {"metadata": {"document": ["가짜"], "a": '"document": ['}, "document": documents, "뒤": []}
    path = _written(tmp_path / "글.json", json.dumps(whole, ensure_ascii=False))
    expected = _read(path, format="modu")
    assert expected == [f'글 "{n}" \\ ] }} , {{' for n in range(5)]
    for size in (1, 2, 3, 7):
        monkeypatch.setattr("corpora.sources.json_elements._CHUNK_BYTES", size)
        assert _read(path, format="modu") == expected


def test_an_element_that_is_no_json_or_no_object_is_dropped(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    path = _written(tmp_path / "글.json", f'[{{"text": "가"}}, 깨진, 3, {{"title": "나"}}, {deep}, {{"text": "다"}}]')
    assert _read(path, format="namuwiki") == [
        "가", "!unreadable_element [1]", "!not_an_object [2]", "!no_text [3]", "!unreadable_element [4]", "다",
    ]  # fmt: skip


DUMP = "<mediawiki><page><title>글</title><ns>0</ns><revision><text>가나다</text></revision></page>{}</mediawiki>"


def test_a_billion_laughs_are_not_heard(tmp_path: Path) -> None:
    entities = '<!ENTITY a "하">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise("abcdefghij"))  # fmt: skip
    bomb = f"<!DOCTYPE m [{entities}]>" + DUMP.replace("가나다", "&j;").format("")
    path = _written(tmp_path / "글.xml", bomb)
    with pytest.raises(InputError, match=r"글\.xml: cannot be read as mediawiki.*Entit.*damaged: skip"):
        _read(path)
    assert _read(path, damaged="skip") == ["!damaged "]


def test_broken_xml_keeps_the_pages_before_it(tmp_path: Path) -> None:
    path = _written(tmp_path / "글.xml", DUMP.format("<page></title>"))
    assert _read(path, damaged="skip") == ["가나다", "!damaged "]
    cut = _written(tmp_path / "끝.xml", DUMP.format("")[:-5])
    assert _read(cut, damaged="skip") == ["가나다", "!damaged "]
    other = _written(tmp_path / "rss.xml", "<rss><page/></rss>")
    with pytest.raises(InputError, match=r"rss\.xml.*not a MediaWiki dump: its outermost element is <rss>"):
        _read(other)


def test_a_page_of_a_dump_beyond_the_limit_is_skipped_in_a_stream(tmp_path: Path) -> None:
    path = _written(tmp_path / "글.xml", DUMP.format(DUMP[11:-14].replace("가나다", "긴 글 " * 9_000) + DUMP[11:-14]))
    assert _read(path, max_document_bytes=SMALL) == ["가나다", "!too_large [1]", "가나다"]
    tag = _written(tmp_path / "표.xml", DUMP.format(f"<page x='{'x' * 300_000}'/>"))
    assert _read(tag, max_document_bytes=SMALL, damaged="skip") == ["가나다", "!damaged "]


def test_deeply_nested_html_is_rendered(tmp_path: Path) -> None:
    path = _written(tmp_path / "글.html", "<div>" * 100_000 + "깊은 글<script>x()</script>" + "</div>" * 100_000)
    (page,) = _shards(path)
    render = SOURCES["html"].render
    assert isinstance(page, Document)
    assert render is not None
    assert render(page.text) == "깊은 글"


# --- damage ----------------------------------------------------------------------------------------------------------


def _paragraphs(count: int) -> bytes:
    return "\n\n".join(f"글 {number}: 내용이 이어진다 {os.urandom(40).hex()}." for number in range(count)).encode()


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_what_stands_before_the_damage_is_kept_when_asked_for(ending: str, tmp_path: Path) -> None:
    whole = _paragraphs(20_000)
    packed = gzip.compress(whole, 1) if ending == ".gz" else zstandard.compress(whole)
    _written(tmp_path / f"글.txt{ending}", packed[: len(packed) // 2])
    _written(tmp_path / "뒤.txt", "뒤의 글")
    with pytest.raises(InputError, match=rf"글\.txt{ending}: cannot be read as text.*`damaged: skip` of source `시험`"):
        _read(tmp_path)
    *kept, last, drop, after = _read(tmp_path, damaged="skip")
    assert drop == f"!damaged /글.txt{ending}"
    assert after == "뒤의 글"
    assert len(kept) > 8_000
    assert "\n\n".join(kept) + "\n\n" + last == whole.decode()[: len("\n\n".join(kept)) + 2 + len(last)]


def test_a_missing_file_is_never_skipped(tmp_path: Path) -> None:
    config = CorporaConfig(sources=(SourceConfig(name="시험", path="memory://없다.txt", damaged="skip"),))
    with pytest.raises(InputError, match=r"memory://없다\.txt: cannot be read"):
        list(raw_shards(config, input_files(config)))


def test_an_empty_file_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    _written(tmp_path / "가.txt", "")
    _written(tmp_path / "나.parquet", "")
    _written(tmp_path / "다.xml.bz2", "")
    _written(tmp_path / "라.json.gz", gzip.compress(b""))
    _written(tmp_path / "마.txt", "글")
    assert _read(tmp_path) == [
        "!empty_file /가.txt", "!empty_file /나.parquet", "!empty_file /다.xml.bz2", "!empty_file /라.json.gz", "글",
    ]  # fmt: skip


def test_the_same_file_is_read_once_under_all_its_names(tmp_path: Path) -> None:
    first = _written(tmp_path / "가.txt", "글")
    (tmp_path / "나.txt").symlink_to(first)
    os.link(first, tmp_path / "다.txt")
    assert _read(tmp_path) == ["글", "!same_file /나.txt", "!same_file /다.txt"]
    sources = tuple(SourceConfig(name=name, path=str(first)) for name in ("하나", "둘"))
    config = CorporaConfig(sources=sources)
    (shard,) = raw_shards(config, input_files(config))
    assert shard.items == [
        Raw(Document("가-000000", "하나", "글"), "하나", "text"),
        Raw(Drop("same_file", str(first)), "둘", "text"),
    ]


# --- archives --------------------------------------------------------------------------------------------------------

FILES = {"가.txt": "가", "하위/나.jsonl": '{"text": "나"}\n', "하위/다.txt.gz": "", "그림.png": "x", "하위/빈.txt": ""}
EXPECTED = ["가", "나", "다", "!empty_file /하위/빈.txt"]


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("하위")
        for name, content in FILES.items():
            archive.writestr(name, gzip.compress("다".encode()) if name.endswith(".gz") else content)


def _tar(path: Path, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in FILES.items():
            data = gzip.compress("다".encode()) if name.endswith(".gz") else content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.tar.zst"])
def test_an_archive_is_a_folder_of_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".zip"):
        _zip(path)
    elif name.endswith(".zst"):
        _tar(tmp_path / "a.tar")
        path.write_bytes(zstandard.compress((tmp_path / "a.tar").read_bytes()))
        (tmp_path / "a.tar").unlink()
    else:
        _tar(path, {"a.tar": "w", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}.get(name, "w:gz"))
    assert _read(path) == EXPECTED
    ids = [item.doc_id for item in _shards(tmp_path) if isinstance(item, Document)]
    assert ids == ["a/가.txt-000000", "a/하위/나.jsonl-000000", "a/하위/다.txt.gz-000000"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize("name", ["../밖.txt", "/밖.txt", "하위/../../밖.txt", "C:\\밖.txt", "..\\밖.txt"])
def test_a_member_outside_its_archive_is_dropped(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(name, "밖")
        packed.writestr("안.txt", "안")
    assert _read(tmp_path / "a.zip") == [f"!unsafe_member /{name}", "안"]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    assert _read(tmp_path / "a.tar") == [f"!unsafe_member /{name}"]


def test_links_devices_archives_and_passwords_inside_an_archive_are_dropped(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("링크.txt", tarfile.SYMTYPE), ("같은.txt", tarfile.LNKTYPE), ("장치.txt", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("속.zip"))
    kinds = [
        "!unsafe_member /링크.txt",
        "!unsafe_member /같은.txt",
        "!unsafe_member /장치.txt",
        "!nested_archive /속.zip",
    ]
    assert _read(tmp_path / "a.tar") == kinds
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("비밀.txt", "비밀")
        link = zipfile.ZipInfo("링크.txt")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    _written(tmp_path / "b.zip", bytes(content))
    assert _read(tmp_path / "b.zip") == ["!encrypted_member /비밀.txt", "!unsafe_member /링크.txt"]


def test_names_of_korean_windows_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("xx.txt", "글")
    raw = (tmp_path / "a.zip").read_bytes().replace(b"xx.txt", "글".encode("cp949") + b".txt")
    _written(tmp_path / "a.zip", raw)
    assert [item.doc_id for item in _shards(tmp_path / "a.zip") if isinstance(item, Document)] == ["a/글.txt-000000"]


def test_a_zip_bomb_is_a_stream_with_a_long_line(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("앞.txt", "앞의 글")
        with packed.open("폭탄.txt", "w") as member:
            for _ in range(200):
                member.write(bytes(1_000_000))
        packed.writestr("폭탄.json", "[" + "[" * 3_000_000)
        packed.writestr("뒤.txt", "뒤의 글")
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    items = _read(path, max_document_bytes=100_000, damaged="skip", format="text")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert items == ["앞의 글", "!too_large /폭탄.txt:1", "뒤의 글"]
    assert peak < 16_000_000


def test_a_zstandard_bomb_is_decompressed_in_bounded_steps(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    parts = [packer.compress(bytes(1_000_000)) for _ in range(200)]
    path = _written(tmp_path / "폭탄.txt.zst", b"".join([*parts, packer.flush()]))
    tracemalloc.start()
    assert _read(path, max_document_bytes=SMALL) == ["!too_large :1"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 110_000_000


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_a_truncated_archive_is_named_or_counted(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.zip":
        _zip(path)
    else:
        _tar(path, "w:gz" if name.endswith("gz") else "w")
    whole = path.read_bytes()
    end = len(whole) if name != "a.tar" else whole.rindex(b"ustar")
    for length in (end // 3, end // 2, end - 20):
        _written(path, whole[:length])
        with pytest.raises(InputError, match=r"a\.(zip|tar).*cannot be read as"):
            _read(path)
        assert _read(path, damaged="skip")[-1].startswith("!damaged")


def test_a_damaged_member_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("가.txt", "가나다")
        packed.writestr("나.txt", "나")
    _written(path, path.read_bytes().replace("가나다".encode(), "가나라".encode()))
    assert _read(path, damaged="skip")[-1] == "나"
    assert "!damaged /가.txt" in _read(path, damaged="skip")
    with pytest.raises(InputError, match=r"a\.zip/가\.txt: cannot be read as text: Bad CRC"):
        _read(path)


def test_an_archive_with_nothing_to_read_is_counted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("그림.png", "x")
    assert _read(tmp_path / "a.zip") == ["!empty_archive "]
