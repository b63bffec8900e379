"""Source formats: what is written comes back; what cannot be read is counted or named."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import office_files
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import web_archives
import zstandard

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.inputs import input_files
from corpora.phases.every_document import raw_shards
from corpora.sources import SOURCES
from kobert_pipeline.ground.errors import InputError, RecipeError

TEXTS = ("첫째 글이다.\n두 줄로 되어 있다.", "둘째 글이다.", "셋째 글, 이모지 😂와 漢字가 있다.")

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def _text(texts: list[str]) -> bytes:
    return "\n\n".join(texts).encode()


def _lines_of_json(texts: list[str]) -> bytes:
    return _jsonl(*({"text": text} for text in texts))


def _parquet(texts: list[str]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), stream)
    return stream.getvalue()


def _csv(texts: list[str]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([["text"], *([text] for text in texts)])
    return stream.getvalue().encode()


def _tsv(texts: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in ["title\ttext", *(f"\t{text}" for text in texts)]).encode()


def _mediawiki(texts: list[str]) -> bytes:
    pages = "".join(
        f"<page><title>글</title><ns>0</ns><revision><id>9</id><text>{text}</text></revision></page>" for text in texts
    )
    return f"<mediawiki xml:lang='ko'><siteinfo/>{pages}</mediawiki>".encode()


def _wikiextractor(texts: list[str]) -> bytes:
    return "".join(f'<doc id="" url="u" title="글">\n글\n\n{text}\n</doc>\n' for text in texts).encode()


def _namuwiki(texts: list[str]) -> bytes:
    return json.dumps([{"namespace": "0", "title": "글", "text": text} for text in texts], ensure_ascii=False).encode()


def _modu(texts: list[str]) -> bytes:
    documents = [{"paragraph": [{"form": line} for line in text.split("\n")]} for text in texts]
    return json.dumps({"id": "WARW", "document": documents}, ensure_ascii=False).encode()


def _ai_hub(texts: list[str]) -> bytes:
    data = [{"sentences": [{"text": line} for line in text.split("\n")]} for text in texts]
    return json.dumps({"name": "시험", "data": data}, ensure_ascii=False).encode()


def _html(texts: list[str]) -> bytes:
    return texts[0].encode()


def _pdf(texts: list[str]) -> bytes:
    return office_files.pdf([[(700, text)] for text in texts])


@dataclass(frozen=True)
class Sample:
    """How one format holds `texts`, and what a reader needs to know to get them back."""

    name: str
    pack: Callable[[list[str]], bytes]
    texts: tuple[str, ...] = TEXTS
    settings: dict[str, Any] = field(default_factory=dict)


SAMPLES = {
    "text": Sample("글.txt", _text),
    "jsonl": Sample("글.jsonl", _lines_of_json),
    "parquet": Sample("글.parquet", _parquet),
    "csv": Sample("글.csv", _csv),
    "tsv": Sample("글.tsv", _tsv, ('"따옴표로 시작하는 글', "둘째 글이다.")),
    "mediawiki": Sample("글.xml", _mediawiki),
    "wikiextractor": Sample("wiki_00", _wikiextractor),
    "namuwiki": Sample("글.json", _namuwiki),
    "modu": Sample("글.json", _modu),
    "ai_hub": Sample("글.json", _ai_hub, settings={"format": "ai_hub", "text_field": "data[].sentences[].text"}),
    "html": Sample("글.html", _html, TEXTS[:1]),
    "html_main": Sample("글.html", _html, TEXTS[:1], {"format": "html_main"}),
    "warc": Sample("글.warc", web_archives.warc),
    "warc_main": Sample("글.warc", web_archives.warc, settings={"format": "warc_main"}),
    "wet": Sample("글.warc.wet", web_archives.wet),
    "hwp": Sample("글.hwp", office_files.hwp, TEXTS[1:2]),
    "hwpx": Sample("글.hwpx", office_files.hwpx, TEXTS[1:2]),
    "docx": Sample("글.docx", office_files.docx, TEXTS[1:2]),
    "pdf": Sample("글.pdf", _pdf, TEXTS[1:2]),
}
OF_FILES = [name for name in SOURCES if SOURCES[name].has_bytes]


def _jsonl(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _read(path: Path, **settings: Any) -> list[Document | Drop]:
    """Reads as the stage does: the format by name, with errors raised."""
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    return [raw.document for shard in raw_shards(config, input_files(config)) for raw in shard.items]


def _texts(items: list[Document | Drop]) -> list[str]:
    return [item.text.strip() for item in items if isinstance(item, Document)]


# --- every format ----------------------------------------------------------------------------------------------------


def test_every_format_has_a_sample_here() -> None:
    assert list(SAMPLES) == OF_FILES


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("name", OF_FILES)
def test_every_format_gives_back_its_documents_compressed_or_not(name: str, ending: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    path = tmp_path / f"{sample.name}{ending}"
    path.write_bytes(COMPRESS[ending](sample.pack(list(sample.texts))))
    items = _read(path, **sample.settings)
    assert _texts(items) == list(sample.texts)
    stem = {"wikiextractor": "wiki_00", "wet": "글.warc"}.get(name, "글")
    ids = [stem] if len(sample.texts) == 1 else [f"{stem}-{number:06d}" for number in range(len(sample.texts))]
    assert [item.doc_id for item in items if isinstance(item, Document)] == ids
    assert {item.source for item in items if isinstance(item, Document)} == {"시험"}
    assert _read(path, **(sample.settings | {"format": name})) == items


@pytest.mark.parametrize("name", OF_FILES)
def test_every_format_names_a_file_that_is_not_of_it(name: str, tmp_path: Path) -> None:
    """With an error, or, where formats are read line by line, with a drop for each line."""
    path = tmp_path / "그림"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    settings = SAMPLES[name].settings | {"format": name}
    if name in ("text", "jsonl", "html", "html_main"):
        assert any(isinstance(item, Drop) and "그림" in item.place for item in _read(path, **settings))
    else:
        with pytest.raises(InputError, match="그림"):
            _read(path, **settings)


def test_every_ending_belongs_to_one_format() -> None:
    endings = [suffix for source in SOURCES.values() for suffix in source.suffixes]
    assert len(endings) == len(set(endings))


@pytest.mark.parametrize("name", OF_FILES)
def test_markup_of_any_kind_is_rendered_without_an_error(name: str) -> None:
    broken = ("", "글", "[[{{{||<div ''== &#0; {| <ref", "]]}}}|}</div>-->", "\0\ud800", "[[" * 500, "{{" * 500)
    render = SOURCES[name].render
    for text in broken if render else ():
        assert isinstance(render(text), str)  # type: ignore[misc]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("name", OF_FILES)
def test_damage_of_any_kind_is_an_error_of_ours_or_a_drop(name: str, ending: str, tmp_path: Path) -> None:
    """A few bytes changed, put in or taken away, anywhere. No other exception leaves a reader."""
    sample = SAMPLES[name]
    whole = COMPRESS[ending](sample.pack(list(sample.texts)))
    draw = random.Random(7)
    path = tmp_path / f"{sample.name}{ending}"
    for _ in range(25):
        start, end = (draw.randrange(len(whole)) for _ in range(2))
        path.write_bytes(
            whole[:start] + draw.randbytes(draw.randrange(4)) + whole[draw.choice((start, start + 1, end)) :]
        )
        with contextlib.suppress(InputError):
            _read(path, **(sample.settings | {"format": name, "damaged": draw.choice(("stop", "skip"))}))


# --- compression and encoding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", COMPRESS)
def test_parts_compressed_one_by_one_and_joined_are_read_to_the_end(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"글.txt{ending}"
    path.write_bytes(b"".join(COMPRESS[ending](f"{text}\n\n".encode()) for text in TEXTS))
    assert _texts(_read(path)) == list(TEXTS)


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


@pytest.mark.parametrize("ending", ["", ".zst"])
@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("name", ["글.txt", "글.jsonl", "글.csv", "글.html", "글.json"])
def test_every_common_encoding_is_read_and_counted(name: str, encoding: str, ending: str, tmp_path: Path) -> None:
    text = "가나다라 완성형 한글이다."
    content = {
        "글.txt": text, "글.jsonl": json.dumps({"text": text}, ensure_ascii=False), "글.csv": f"title,text\n제목,{text}",
        "글.html": text, "글.json": json.dumps({"document": [{"paragraph": [{"form": text}]}]}, ensure_ascii=False),
    }[name]  # fmt: skip
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(COMPRESS[ending](content.encode(encoding)))
    settings = {"format": "modu"} if name == "글.json" else {}
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    (shard,) = raw_shards(config, input_files(config))
    assert _texts([raw.document for raw in shard.items]) == [text]
    counted = {"euc-kr": "cp949", "utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    assert shard.encodings == {"시험": {counted: 1}}


def test_a_named_encoding_is_taken_at_its_word(tmp_path: Path) -> None:
    path = tmp_path / "글.txt"
    path.write_bytes("한글 하나".encode("johab"))
    assert _texts(_read(path, encoding="johab")) == ["한글 하나"]
    with pytest.raises(RecipeError, match=r"encoding.*'한글' is not an encoding"):
        SourceConfig.parse({"name": "시험", "path": "a", "encoding": "한글"})


def test_a_page_is_decoded_as_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "글.html"
    page = '<html><head><meta charset="EUC-KR"><title>옛 &amp; 글</title></head><body>펲시콜라와 한글</body></html>'
    path.write_bytes(page.encode("cp949"))
    assert _read(path) == [Document("글", "시험", page, "옛 & 글")]


# --- dialogues -------------------------------------------------------------------------------------------------------


def _messenger(*said: tuple[str | None, str]) -> bytes:
    utterances = [{"form": form} | ({} if speaker is None else {"speaker_id": speaker}) for speaker, form in said]
    return json.dumps(
        {"id": "MDRW", "document": [{"id": "MDRW.1", "utterance": utterances}]}, ensure_ascii=False
    ).encode()


@pytest.mark.parametrize(
    ("speakers", "said", "text"),
    [
        (
            True,
            [("2", "밥 먹었어?"), ("1", "응"), ("1", " 너는? "), ("2", "나도")],
            "A: 밥 먹었어?\nB: 응 너는?\nA: 나도",
        ),
        (True, [("1", "안녕"), (None, "안녕하세요")], "안녕\n안녕하세요"),
        (True, [("1", " "), ("2", "여기 있어요")], "A: 여기 있어요"),
        (False, [("2", "밥 먹었어?"), ("1", "응"), ("1", "너는?")], "밥 먹었어?\n응\n너는?"),
    ],
)
def test_turns_of_a_messenger_dialogue_say_who_speaks_if_that_is_asked_and_known(
    tmp_path: Path, speakers: bool, said: list[tuple[str | None, str]], text: str
) -> None:
    path = tmp_path / "대화.json"
    path.write_bytes(_messenger(*said))
    assert _texts(_read(path, format="modu", speakers=speakers)) == [text]


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
    assert items == [
        Document("7", "시험", "글", "가"), Document("글-000001", "시험", "글둘", ""), Drop("no_text", f"{path}:3"),
    ]  # fmt: skip


def test_a_missing_column_names_the_columns_there_are(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    pq.write_table(pa.table({"body": ["글"], "title": ["제목"]}), path)
    with pytest.raises(InputError, match=r"글\.parquet: no column `text`; there are body, title.*source `시험`"):
        _read(path)


def test_numbers_of_documents_go_on_from_batch_to_batch(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    path.write_bytes(_parquet([str(number) for number in range(2_500)]))
    items = _read(path)
    assert [item.doc_id for item in items if isinstance(item, Document)] == [f"글-{n:06d}" for n in range(2_500)]


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    path.write_bytes(_parquet(list(TEXTS))[:-20])
    with pytest.raises(InputError, match=r"글\.parquet: cannot be read as parquet"):
        _read(path)


def test_a_row_of_parquet_that_is_not_utf_8_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "글.parquet"
    texts = pa.array(["가".encode(), b"\xff\xff", "나".encode()], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts}), path)
    items = _read(path)
    assert _texts(items) == ["가", "나"]
    assert Drop("undecodable", f"{path}:2") in items
