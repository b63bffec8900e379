"""The records that travel between processes."""

from __future__ import annotations

import pickle
from pathlib import Path

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop, Raw
from corpora.inputs import input_files
from corpora.phases.every_document import raw_shards


def test_records_arrive_in_another_process_as_they_were() -> None:
    document = Document("1", "시험", "글", "제목", "html", (("phone", 2),))
    for record in (document, Drop("no_text", "글.jsonl:3"), Raw(document, "시험", "html")):
        assert pickle.loads(pickle.dumps(record)) == record


def test_a_raw_record_knows_its_source_and_format_even_where_the_document_is_missing(tmp_path: Path) -> None:
    (tmp_path / "가.txt").write_text("글", encoding="utf-8")
    (tmp_path / "나.jsonl").write_text('{"text": "<b>글</b>"}\n깨진 줄\n', encoding="utf-8")
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(tmp_path)),))
    (shard,) = raw_shards(config, input_files(config))
    text, line, broken = shard.items
    assert text == Raw(Document("가-000000", "시험", "글"), "시험", "text")
    assert line == Raw(Document("나-000000", "시험", "<b>글</b>"), "시험", "jsonl")
    assert broken.document == Drop("unreadable_line", f"{tmp_path}/나.jsonl:2")
    assert (broken.source, broken.format, broken.size()) == ("시험", "jsonl", 0)
    assert text.size() == len("글".encode())
