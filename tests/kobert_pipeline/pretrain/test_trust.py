"""What validation figures are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kobert_pipeline.dataset.build import build
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.contents.pretrained_run import MeasuredOn
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import validation_batches
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.pretrain.trust import measured_on, shared_share
from tokenizer.load import load_tokenizer

CONFIG = PretrainConfig.parse({
    "objective": {"name": "mlm"}, "architecture": {"name": "bert", "layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16},
    "phases": [{"max_length": 64, "batch_size": 8}], "max_steps": 1,
})  # fmt: skip


def test_the_masked_tokens_and_documents_of_a_measurement_are_counted_and_said(tiny: Any, caplog: Any) -> None:
    store, objective = Store(tiny.dataset), OBJECTIVES["mlm"]
    batches = validation_batches(store, objective, CONFIG, tokenizer_info(tiny.tokenizer))
    found = measured_on(store, objective, batches)
    assert found.targets == sum(int((batch["labels"] != IGNORE_INDEX).sum()) for batch in batches) > 0
    assert found.documents == store.summary.validation.documents
    assert found.words("fill_mask") in caplog.text


@pytest.mark.parametrize(
    ("targets", "documents", "words"),
    [
        (130, 4, "on 130 masked tokens of 4 documents: too few to trust"),
        (39_000, 1, "on 39,000 masked tokens of 1 document: too few to trust"),
        (39_000, 812, "on 39,000 masked tokens of 812 documents"),
    ],
)
def test_few_tokens_or_few_documents_are_too_few_to_trust(targets: int, documents: int, words: str) -> None:
    assert MeasuredOn(targets, documents).words("fill_mask") == words


def test_sentences_of_validation_that_training_has_are_found_and_warned_of(
    tiny: Any, tmp_path: Path, caplog: Any
) -> None:
    assert shared_share(Store(tiny.dataset)) == 0
    store = Store(twice(tiny, tmp_path))
    share = shared_share(store)
    assert share > 0.5
    found = measured_on(store, OBJECTIVES["mlm"], [])
    assert found.shared == round(share, 4)
    assert "are in the training text, too" in caplog.text


def twice(tiny: Any, root: Path) -> Path:
    """The token store of a corpus in which every document occurs twice."""
    with Workspace(root, Identity("corpora", 1, {}, {}, 0, {})) as out:
        for path in sorted((tiny.corpora / "shards").glob("*.parquet")):
            rows = pq.read_table(path).to_pylist()
            rows += [row | {"doc_id": f"{row['doc_id']}-again"} for row in rows]
            (out.path / "shards").mkdir(exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows), out.path / "shards" / path.name)
        corpora = out.finish(read_manifest(tiny.corpora).summary, {})
    inputs = {name: read_manifest(folder).fingerprint for name, folder in {"corpora": corpora, "tokenizer": tiny.tokenizer}.items()}  # fmt: skip
    with Workspace(root, Identity("dataset", 1, {}, inputs, 0, {})) as out:
        summary = build(
            DatasetConfig(validation_share=0.3), corpora, tiny.tokenizer, out,
            load=load_tokenizer, execution=ExecutionConfig(workers=1),
        )  # fmt: skip
        return out.finish(summary, {})
