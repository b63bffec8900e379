"""What plans of two segments share: chunks of whole sentences, and truncation. See `segment_pairs` and
`sentence_order`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext, uniforms
from kobert_pipeline.dataset.store import Block

COIN_BITS = 48


class PairBuilder:
    """Collects pairs, and draws the random numbers that they need.

    A document is `usable` if it has two sentences or more and its sentences continue each other. `counts` holds how
    many documents are not usable, and how many usable ones fit into one example.
    """

    def __init__(self, block: Block, context: PlanContext, short_probability: float) -> None:
        self.block, self.short_probability = block, short_probability
        self.rng = context.generator()
        self.room = context.max_length - 3  # [CLS] A [SEP] B [SEP]
        self.first_sentence: list[int] = block.document_offsets.tolist()
        self.first_token: list[int] = block.sentence_offsets.tolist()
        self.draw = uniforms(self.rng).__next__
        several = np.diff(block.document_offsets) > 1
        self.usable = several & block.continuity
        self.counts = Counter(
            one_sentence=int((~several & block.continuity).sum()),
            no_continuity=int((~block.continuity).sum()),
            short_documents=int((self.usable & (np.diff(block.token_offsets) <= self.room)).sum()),
        )
        self._ranges: list[tuple[int, int, int, int]] = []
        self._labels: list[int] = []

    def below(self, number: int) -> int:
        """Draws an integer from 0 to `number` - 1."""
        return int(self.draw() * number)

    def target(self) -> int:
        """Draws the number of tokens that the next example aims at."""
        return 2 + self.below(self.room - 1) if self.draw() < self.short_probability else self.room

    def end(self, sentence: int, stop: int, length: int) -> int:
        """The end (exclusive) of the shortest chunk from `sentence` that has `length` tokens or more; at most
        `stop`."""
        return bisect_left(self.first_token, self.first_token[sentence] + length, sentence + 1, stop)

    def append(self, first: tuple[int, int], second: tuple[int, int], label: int) -> None:
        """Adds a pair of token ranges, truncated as in the paper: from the longer segment, at its front or its end at
        random (Devlin et al. 2019, code release)."""
        (a_start, a_end), (b_start, b_end) = first, second
        excess = (a_end - a_start) + (b_end - b_start) - self.room
        if excess > 0:
            self.counts["truncated_tokens"] += excess
            a_cut, b_cut = truncation(a_end - a_start, b_end - b_start, excess)
            a_front, b_front = self._heads(a_cut), self._heads(b_cut)
            a_start, a_end = a_start + a_front, a_end - (a_cut - a_front)
            b_start, b_end = b_start + b_front, b_end - (b_cut - b_front)
        self._ranges.append((a_start, a_end, b_start, b_end))
        self._labels.append(label)

    def _heads(self, coins: int) -> int:
        """Tosses `coins` fair coins, one random bit each, and counts the heads."""
        heads = 0
        for tossed in range(0, coins, COIN_BITS):
            unused = max(0, COIN_BITS - (coins - tossed))
            heads += (self.below(1 << COIN_BITS) >> unused).bit_count()
        return heads

    def examples(self, label: str) -> Examples:
        ranges = np.array(self._ranges, dtype=np.int64).reshape(-1, 4)
        starts, ends = ranges[:, [0, 2]].ravel(), ranges[:, [1, 3]].ravel()
        lengths = (ends - starts).reshape(-1, 2).sum(axis=1) + 3
        labels = {label: np.array(self._labels, dtype=np.int64)}
        return Examples(self.block, starts, ends, np.arange(len(lengths) + 1) * 2, lengths, labels, self.counts)


def truncation(first: int, second: int, excess: int) -> tuple[int, int]:
    """How many tokens each segment loses if `excess` are removed one by one, each from the segment that is then
    longer."""
    difference = first - second
    if abs(difference) >= excess:
        return (excess, 0) if difference > 0 else (0, excess)
    shared = excess - abs(difference)
    larger, smaller = (shared + 1) // 2, shared // 2
    return (abs(difference) + larger, smaller) if difference > 0 else (smaller, abs(difference) + larger)
