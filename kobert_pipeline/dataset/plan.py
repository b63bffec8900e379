"""Plans: which tokens of a block form which example. A plan is a pure function of (seed, epoch, block, phase).

Examples are ranges of tokens, never copies; rows are assembled when a batch is drawn. D documents of a block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kobert_pipeline.dataset.store import Block


@dataclass(frozen=True)
class PlanContext:
    """What a plan may depend on besides the block and the objective's options."""

    seed: int
    epoch: int
    block: int
    phase: int
    max_length: int
    """Tokens of one example, special tokens included."""
    repeats: tuple[float, ...] = ()
    """How often an epoch reads the documents of each source; empty: once each."""

    def generator(self) -> np.random.Generator:
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence((self.seed, self.epoch, self.block, self.phase)))
        )


@dataclass(frozen=True)
class Examples:
    """n examples, each of one or more ranges of the block's tokens, in reading order.

    Ranges of example i: `starts[offsets[i]:offsets[i + 1]]` to `ends[…]`. `lengths` counts special tokens.
    """

    block: Block
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """What the plan left out or treated in another way, by reason."""

    def __len__(self) -> int:
        return len(self.lengths)

    def ranges(self, example: int) -> list[tuple[int, int]]:
        part = slice(self.offsets[example], self.offsets[example + 1])
        return list(zip(self.starts[part].tolist(), self.ends[part].tolist(), strict=True))


def drawn_documents(block: Block, usable: np.ndarray, context: PlanContext, rng: np.random.Generator) -> list[int]:
    """Returns the numbers of the `usable` (D,) bool documents in the order in which this epoch reads them.

    A document whose source is read 2.3 times occurs twice in every epoch, and a third time in three epochs of ten.
    """
    numbers = np.flatnonzero(usable)
    if context.repeats:
        times = np.array(context.repeats)[block.source[numbers]]
        numbers = np.repeat(numbers, (times + rng.random(len(times))).astype(np.int64))
    drawn: list[int] = rng.permutation(numbers).tolist()
    return drawn


def uniforms(rng: np.random.Generator) -> Iterator[float]:
    """Yields numbers in [0, 1), drawn thousands at a time: ten times faster than one by one."""
    while True:
        yield from rng.random(4_096).tolist()
