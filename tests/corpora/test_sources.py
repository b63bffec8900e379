"""Source formats: what is written comes back; what cannot be read is counted or named."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from corpora.build import raw_shards
from corpora.config import CorporaConfig, SourceConfig
from corpora.inputs import input_files
from corpora.sources import SOURCES
from kobert_pipeline.errors import InputError
from kobert_pipeline.records import Document, Drop

TEXTS = ["첫째 글이다.\n두 줄로 되어 있다.", "둘째 글이다.", "셋째 글, 이모지 😂와 漢字가 있다."]

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def _write_text(path: Path, texts: list[str]) -> None:
    path.write_text("\n\n".join(texts), encoding="utf-8")


def _write_jsonl(path: Path, texts: list[str]) -> None:
    path.write_bytes(_jsonl(*({"text": text} for text in texts)))


def _write_parquet(path: Path, texts: list[str]) -> None:
    pq.write_table(pa.table({"text": texts}), path)


WRITERS = {"text": _write_text, "jsonl": _write_jsonl, "parquet": _write_parquet}


def _jsonl(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _read(path: Path, **settings: Any) -> list[Document | Drop]:
    """As the stage reads it: format by name, errors told."""
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    return [item for shard in raw_shards(config, input_files(config)) for item in shard.items]


def _texts(items: list[Document | Drop]) -> list[str]:
    return [item.text.strip() for item in items if isinstance(item, Document)]


# --- every format ----------------------------------------------------------------------------------------------------


def test_every_format_has_a_writer_here() -> None:
    assert set(WRITERS) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_gives_back_its_documents(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"글{SOURCES[name].suffixes[0]}"
    WRITERS[name](path, TEXTS)
    items = _read(path)
    assert _texts(items) == TEXTS
    assert [item.doc_id for item in items if isinstance(item, Document)] == ["글-000000", "글-000001", "글-000002"]
    assert {item.source for item in items if isinstance(item, Document)} == {"시험"}
    assert _read(path, format=name) == items


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_names_a_file_that_is_not_of_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"그림{SOURCES[name].suffixes[0]}"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    with pytest.raises(InputError, match="그림"):
        _read(path)


@pytest.mark.parametrize("name", SOURCES)
def test_every_ending_belongs_to_one_format(name: str) -> None:
    others = {suffix for other in SOURCES.values() if other.name != name for suffix in other.suffixes}
    assert SOURCES[name].suffixes
    assert not others & set(SOURCES[name].suffixes)


# --- compression and encoding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("name", ["text", "jsonl"])
def test_compressed_files_read_like_plain_ones(name: str, ending: str, tmp_path: Path) -> None:
    plain = tmp_path / f"plain{SOURCES[name].suffixes[0]}"
    WRITERS[name](plain, TEXTS)
    path = tmp_path / f"글{SOURCES[name].suffixes[0]}{ending}"
    path.write_bytes(COMPRESS[ending](plain.read_bytes()))
    items = _read(path)
    assert _texts(items) == TEXTS
    assert isinstance(items[0], Document)
    assert items[0].doc_id == "글-000000"


@pytest.mark.parametrize("ending", COMPRESS)
def test_parts_compressed_one_by_one_and_joined_are_read_to_the_end(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"글.txt{ending}"
    path.write_bytes(b"".join(COMPRESS[ending](f"{text}\n\n".encode()) for text in TEXTS))
    assert _texts(_read(path)) == TEXTS


@pytest.mark.parametrize("ending", [ending for ending in COMPRESS if ending])
def test_a_truncated_file_is_never_taken_for_a_shorter_one(ending: str, tmp_path: Path) -> None:
    whole = COMPRESS[ending]("\n\n".join(f"글 {number}: 내용이 이어진다." for number in range(40)).encode())
    path = tmp_path / f"글.txt{ending}"
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"글\.txt.*cannot be read as text"):
            _read(path)


@pytest.mark.parametrize("ending", [ending for ending in COMPRESS if ending])
def test_a_file_that_is_not_compressed_as_its_name_says_is_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"글.txt{ending}"
    path.write_text("압축하지 않은 글이다.", encoding="utf-8")
    with pytest.raises(InputError, match=r"글\.txt.*cannot be read as text"):
        _read(path)


def test_a_damaged_gzip_file_is_named(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress("\n\n".join(TEXTS).encode(), mtime=0))
    whole[10] = 0xFF  # the first byte of the compressed stream: an invalid block type
    path = tmp_path / "글.txt.gz"
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"글\.txt\.gz: cannot be read as text"):
        _read(path)


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_byte_order_mark_is_no_part_of_the_text(ending: str, tmp_path: Path) -> None:
    text, lines = tmp_path / f"글.txt{ending}", tmp_path / f"글.jsonl{ending}"
    text.write_bytes(COMPRESS[ending](b"\xef\xbb\xbf" + "한글".encode()))
    lines.write_bytes(COMPRESS[ending](b"\xef\xbb\xbf" + _jsonl({"text": "한글"})))
    assert _texts(_read(text)) == _texts(_read(lines)) == ["한글"]
    assert _read(text)[0].text == "한글"  # type: ignore[union-attr]


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("encoding", ["cp949", "utf-16"])
def test_another_encoding_names_the_file_and_the_remedy(ending: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"옛글.txt{ending}"
    path.write_bytes(COMPRESS[ending]("가나다라 완성형 한글이다.".encode(encoding)))
    with pytest.raises(InputError, match=r"옛글\.txt.*not UTF-8.*iconv"):
        _read(path)


# --- plain text ------------------------------------------------------------------------------------------------------


def test_blank_lines_separate_documents(tmp_path: Path) -> None:
    path = tmp_path / "글.txt"
    path.write_bytes("\n\n하나\n둘\n \t\n\n\n셋\r\n\r\n넷".encode())
    assert _texts(_read(path)) == ["하나\n둘", "셋", "넷"]


def test_an_empty_text_file_holds_no_document(tmp_path: Path) -> None:
    path = tmp_path / "글.txt"
    path.write_text("\n \n", encoding="utf-8")
    assert _read(path) == []


# --- JSON Lines ------------------------------------------------------------------------------------------------------


def test_fields_go_where_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "글.ndjson"
    path.write_bytes(_jsonl({"번호": 7, "제목": "소나기", "본문": "소년은"}, {"본문": "소녀는", "제목": None}))
    items = _read(path, text_field="본문", title_field="제목", id_field="번호")
    assert items == [Document("7", "시험", "소년은", "소나기"), Document("글-000001", "시험", "소녀는", "")]


def test_lines_that_cannot_be_read_are_counted_and_their_neighbours_kept(tmp_path: Path) -> None:
    path = tmp_path / "글.jsonl"
    lines = [
        '{"text": "하나"}', '{"text": "깨진', "[1, 2]", '"글"', '{"title": "글이 없다"}', '{"text": null}', '{"text": 3}',
        "", "   ", "[" * 100_000, '{"text": "둘\\u2028줄"}', '{"text": "\\ud800홀로"}',
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    items = _read(path)
    assert _texts(items) == ["하나", "둘\u2028줄", "\ud800홀로"]
    assert [item.reason for item in items if isinstance(item, Drop)] == [
        "unreadable_line", "not_an_object", "not_an_object", "no_text", "no_text", "no_text", "unreadable_line",
    ]  # fmt: skip


def test_a_first_line_without_the_field_names_the_fields_there_are(tmp_path: Path) -> None:
    path = tmp_path / "글.jsonl"
    path.write_bytes(_jsonl({"body": "글", "title": "제목"}, {"text": "글"}))
    with pytest.raises(InputError, match=r"글\.jsonl.*`text`.*body, title.*`text_field` of source `시험`"):
        _read(path)


# --- Parquet ---------------------------------------------------------------------------------------------------------


def test_columns_go_where_the_settings_say_and_missing_texts_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    pq.write_table(pa.table({"id": [7, None, 9], "name": ["가", None, "다"], "body": ["글", "글둘", None]}), path)
    items = _read(path, text_field="body", title_field="name", id_field="id")
    assert items == [Document("7", "시험", "글", "가"), Document("글-000001", "시험", "글둘", ""), Drop("no_text")]


def test_a_missing_column_names_the_columns_there_are(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    pq.write_table(pa.table({"body": ["글"], "title": ["제목"]}), path)
    with pytest.raises(InputError, match=r"글\.parquet: no column `text`; there are body, title.*source `시험`"):
        _read(path)


def test_numbers_of_documents_go_on_from_batch_to_batch(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    _write_parquet(path, [str(number) for number in range(2_500)])
    items = _read(path)
    assert [item.doc_id for item in items if isinstance(item, Document)] == [f"글-{n:06d}" for n in range(2_500)]


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    _write_parquet(path, TEXTS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"글\.parquet: cannot be read as parquet"):
        _read(path)
