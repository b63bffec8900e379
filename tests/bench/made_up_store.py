"""A token store of any size that costs a few megabytes of disk: one file of 65,536 made-up sentences with many
names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kobert_pipeline.dataset.annotations import EOJEOL_START
from kobert_pipeline.dataset.store import SENTENCES_PER_BLOCK, TRAIN, VALIDATION, Block, Columns, write_shard
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest


def block(sentences: int = SENTENCES_PER_BLOCK) -> Block:
    """Sentences of 24 tokens in documents of 12 sentences, both on average."""
    rng = np.random.default_rng(0)
    lengths = 1 + rng.poisson(23, sentences)
    borders = np.unique(np.append(rng.choice(sentences, sentences // 12, replace=False), [0, sentences]))
    documents = len(borders) - 1
    return Block(
        tokens=np.zeros(lengths.sum(), np.uint16),
        annotations={},
        sentence_offsets=np.append(0, np.cumsum(lengths)),
        document_offsets=borders,
        source=np.zeros(documents, np.uint8),
        continuity=np.ones(documents, dtype=bool),
        paragraph_end=np.isin(np.arange(1, sentences + 1), borders),
    )


def build(root: Path, tokenizer: Path, files: int, vocab_size: int) -> Path:
    """The finished artifact. Its files are hard links to one file, and are mapped one by one like any others."""
    made = block()
    rng = np.random.default_rng(1)
    sentences = len(made.sentence_offsets) - 1
    columns = Columns(
        input_ids=rng.integers(200, vocab_size, len(made.tokens)),
        sentence_offsets=made.sentence_offsets,
        annotations={EOJEOL_START: rng.random(len(made.tokens)) < 0.5},
        document=np.repeat(np.arange(len(made.source)), np.diff(made.document_offsets)),
        source=np.zeros(sentences, dtype=np.int64),
        paragraph_end=made.paragraph_end,
    )
    inputs = {"tokenizer": read_manifest(tokenizer).fingerprint}
    with Workspace(root, Identity("dataset", 1, {"files": files}, inputs, 0, {})) as out:
        names = [f"{number:05d}.arrow" for number in range(files)]
        for split in (TRAIN, VALIDATION):
            (out.path / split).mkdir(exist_ok=True)
        write_shard(out.path / TRAIN / names[0], columns, vocab_size)
        for name in names[1:]:
            os.link(out.path / TRAIN / names[0], out.path / TRAIN / name)
        tokens = files * len(columns.input_ids)
        summary = {
            "vocab_size": vocab_size, "files": {TRAIN: dict.fromkeys(names, sentences), VALIDATION: {}}, "annotations": [EOJEOL_START],
            TRAIN: {"documents": files * len(made.source), "sentences": files * sentences, "tokens": tokens},
            VALIDATION: {"documents": 0, "sentences": 0, "tokens": 0}, "unigram_entropy": 0.0,
            "sources": [{"name": "made up", "continuity": True, "tokens": tokens}],
        }  # fmt: skip
        return out.finish(summary, {})
