"""The baseline of models that read from left to right: a 5-gram of the same training tokens, asked about the same validation tokens.

Shapes: B windows of L tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kobert_pipeline.dataset.kneser_ney import Sequences, log2_probabilities
from kobert_pipeline.dataset.store import TRAIN, Block, Store
from kobert_pipeline.objectives.objective import Baseline, Batch, TokenizerInfo

MOST_TOKENS = 64_000_000
"""Training tokens that are counted at most, in whole blocks, each of which is a sample of all text."""


def five_gram_bits(store: Store, batches: Sequence[Batch], info: TokenizerInfo) -> Baseline:
    """Bits per character. Like the model, it sees nothing before the window that it is asked in."""
    training, share = _training(store, info)
    windows = [row[mask] for batch in batches for row, mask in zip(*_arrays(batch), strict=True)]
    asked = Sequences.of(np.concatenate(windows), np.array([len(window) for window in windows]))
    bits = log2_probabilities(training, asked, info.vocab_size, predictable=len(info.replacements) + 1)
    characters = sum(int(batch["characters"][:, 1:].sum()) for batch in batches)
    read = "" if share == 1 else f" ({share:.0%} of the text)"
    return Baseline(f"5-gram bits per character{read}", float(-bits.sum()) / max(1, characters))


def _arrays(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    return batch["input_ids"].numpy(), batch["attention_mask"].bool().numpy()


def _training(store: Store, info: TokenizerInfo) -> tuple[Sequences, float]:
    """The documents of the training split, and which share of its tokens they have."""
    tokens: list[np.ndarray] = []
    lengths: list[np.ndarray] = []
    count = 0
    for files in store.blocks(TRAIN):
        block = store.read(files)
        if tokens and count + len(block.tokens) > MOST_TOKENS:
            break
        count += len(block.tokens)
        laid, sizes = _documents(block, info)
        tokens.append(laid)
        lengths.append(sizes)
    share = count / max(1, store.summary.train.tokens)
    return Sequences.of(np.concatenate(tokens), np.concatenate(lengths)), share


def _documents(block: Block, info: TokenizerInfo) -> tuple[np.ndarray, np.ndarray]:
    """Documents as [CLS] tokens [SEP], end to end, and the length of each."""
    offsets = block.token_offsets
    ends = np.stack([offsets[:-1], offsets[1:]], axis=1).ravel()
    marks = np.tile([info.cls_id, info.sep_id], len(offsets) - 1)
    return np.insert(block.tokens.astype(np.int32), ends, marks), np.diff(offsets) + 2
