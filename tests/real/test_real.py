"""Checks that only real data allows. They need KOBERT_DATA and are skipped, with the reason, if it is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.build import build
from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.inputs import input_files, read
from klue_eval.data import read_split
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("task", "split", "rows", "unlabelled"),
    [("ynat", "train", 36_547, 9_131), ("ynat", "dev", 9_107, 0), ("sts", "train", 11_668, 0), ("sts", "dev", 519, 0)],
)
def test_the_released_klue_files_are_read_whole(klue: Path, task: str, split: str, rows: int, unlabelled: int) -> None:
    data = read_split(task, str(klue), split)
    assert (len(data.rows), data.unlabelled) == (rows, unlabelled)


def _read(source: SourceConfig) -> Iterator[tuple[Document | Drop, str]]:
    return read(input_files(CorporaConfig(sources=(source,)))[0])


def test_real_articles_come_through_the_corpus_stage(real_data: Path, tmp_path: Path) -> None:
    source = SourceConfig(name="wikinews", path=str(real_data / "raw" / "wikinews.jsonl.zst"))
    documents = [item.text for item, _ in itertools.islice(_read(source), 60) if isinstance(item, Document)]
    text = tmp_path / "few.txt"
    text.write_text("\n\n".join(document.replace("\n\n", "\n") for document in documents), encoding="utf-8")
    config = CorporaConfig(sources=(source.model_copy(update={"path": str(text)}),))
    with Workspace(tmp_path / "artifacts", Identity("corpora", 1, config.content(), {}, 0, {})) as out:
        summary = build(config, out, execution=ExecutionConfig(workers=1))
    totals = summary["totals"]
    assert totals["documents"] == 60
    assert totals["kept"] >= 55
    assert 5 < totals["sentences"] / totals["kept"] < 100


def test_every_raw_file_opens_and_its_first_document_reads(real_data: Path) -> None:
    for path in sorted((real_data / "raw").glob("*.jsonl.zst")):
        first, _ = next(_read(SourceConfig(name="raw", path=str(path))))
        assert isinstance(first, Document), path.name
        assert first.text, path.name
