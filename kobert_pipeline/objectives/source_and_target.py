"""Objectives of encoder-decoders: a source that the encoder reads, a target that the decoder writes.

Shapes: B examples, a source of L tokens, a target of T tokens, V vocabulary, n tokens that are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kobert_pipeline.dataset.plan import Examples
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.objective import Batch, Figure, Learners, Term

if TYPE_CHECKING:
    from torch import Tensor

TARGET_TOKEN = "target_token"
"""The head that scores the next token of a target: (n, H) -> (n, V)."""
LABELS = "decoder_labels"
"""(B, T) the target, IGNORE_INDEX after its end. The architecture makes of it what the decoder reads."""
MISSING = "decoder_missing"
"""(B, T) bool: text of the target that its source lacks."""
NOISE = 5
"""Purpose of random words: see `kobert_pipeline.masking.tokens`."""


def texts_of(examples: Examples, chosen: np.ndarray) -> list[tuple[int, int]]:
    """The place in the block of each chosen example, which is one range of tokens."""
    ranges = examples.offsets[chosen]
    return list(zip(examples.starts[ranges].tolist(), examples.ends[ranges].tolist(), strict=True))


def batch_of(
    sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], missing: Sequence[np.ndarray], pad_id: int
) -> Batch:
    """`input_ids`, `attention_mask` (B, L), LABELS and MISSING (B, T)."""
    import torch

    lengths = np.array([len(source) for source in sources])
    arrays = {
        "input_ids": _padded(sources, pad_id),
        "attention_mask": np.arange(lengths.max()) < lengths[:, None],
        LABELS: _padded(targets, IGNORE_INDEX),
        MISSING: _padded(missing, False),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _padded(rows: Sequence[np.ndarray], fill: int) -> np.ndarray:
    kind = bool if isinstance(fill, bool) else np.int64
    padded = np.full((len(rows), max(map(len, rows))), fill, dtype=kind)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded


def figures(headline: str, title: str) -> tuple[Figure, ...]:
    """Of the terms of `target_terms`."""
    return (
        Figure(headline, title, "nats", better=-1),
        Figure("missing_tokens", "Loss of the tokens that the source lacks", "nats", better=-1),
        Figure("target_accuracy", "Tokens of the target predicted right", "share"),
        Figure("missing_accuracy", "Tokens that the source lacks predicted right", "share"),
    )


def target_terms(models: Learners, batch: Batch, headline: str) -> dict[str, Term]:
    """The cross-entropy (nats) of every token of the target, given the source and the target before it."""
    from torch.nn import functional

    is_written = batch[LABELS] != IGNORE_INDEX
    labels, missing = batch[LABELS][is_written], batch[MISSING][is_written]
    logits = models.student.logits(TARGET_TOKEN, models.student.hidden(batch)[is_written]).float()
    nats = functional.cross_entropy(logits, labels, reduction="none")
    right, count = (logits.argmax(dim=-1) == labels).float(), target_counts(batch, headline)
    return {
        headline: Term(nats.sum(), count[headline]),
        "missing_tokens": Term((nats.detach() * missing).sum(), count["missing_tokens"], weight=0.0),
        "target_accuracy": Term(right.sum(), count["target_accuracy"], weight=0.0),
        "missing_accuracy": Term((right * missing).sum(), count["missing_accuracy"], weight=0.0),
    }


def target_counts(batch: Batch, headline: str) -> dict[str, Tensor]:
    written, missing = (batch[LABELS] != IGNORE_INDEX).sum().float(), batch[MISSING].sum().float()
    return {
        headline: written,
        "missing_tokens": missing,
        "target_accuracy": written,
        "missing_accuracy": missing,
    }
