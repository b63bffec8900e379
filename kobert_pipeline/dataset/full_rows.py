"""Full rows: documents in random order, one after the other, with [SEP] after each document's part."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext, drawn_documents
from kobert_pipeline.dataset.store import Block


def full_rows(
    block: Block, context: PlanContext, *, whole_sentences: bool = False, across_documents: bool = True
) -> Examples:
    """Plans rows of at most `max_length` tokens that hold every token of the block, once for each reading of its
    document.

    `whole_sentences` across documents is RoBERTa's FULL-SENTENCES, within them its DOC-SENTENCES (Liu et al. 2019,
    section 4.2); a sentence longer than a row is cut, and counted. Rows cut at tokens hold no padding, so that all shapes
    are the same, but a sentence is cut at each border.
    """
    rows = _Rows(block, context.max_length - 1, whole_sentences)  # [CLS]
    offsets, rng = block.token_offsets.tolist(), context.generator()
    for document in drawn_documents(block, np.ones(len(block.source), dtype=bool), context, rng):
        rows.add(offsets[document], offsets[document + 1])
        if not across_documents:
            rows.close()
    rows.close()
    return rows.examples()


class _Rows:
    """The finished rows, and the one that is being filled."""

    def __init__(self, block: Block, room: int, whole_sentences: bool) -> None:
        self.block, self.room = block, room
        self.borders = block.sentence_offsets.tolist() if whole_sentences else None
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.offsets: list[int] = [0]
        self.lengths: list[int] = []
        self.used = 0
        self.counts: Counter[str] = Counter()

    def add(self, start: int, stop: int) -> None:
        """Adds the tokens [start, stop) of one document, over as many rows as they need."""
        while start < stop:
            end = self._end(start, stop)
            if end > start:
                self.starts.append(start)
                self.ends.append(end)
                start, self.used = end, self.used + end - start + 1  # [SEP]
            if start < stop or self.used >= self.room - 1:
                self.close()

    def _end(self, start: int, stop: int) -> int:
        """How far from `start` the row has room: to the end of a sentence if required, unless the row would stay
        empty."""
        furthest = start + self.room - self.used - 1
        if furthest >= stop or self.borders is None:
            return min(furthest, stop)
        border = int(self.borders[bisect_right(self.borders, furthest) - 1])
        if border <= start and not self.used:
            self.counts["cut_sentences"] += 1
            return furthest
        return border

    def close(self) -> None:
        if self.used:
            self.offsets.append(len(self.starts))
            self.lengths.append(self.used + 1)
            self.used = 0

    def examples(self) -> Examples:
        starts, ends, offsets, lengths = (
            np.array(values, dtype=np.int64) for values in (self.starts, self.ends, self.offsets, self.lengths)
        )
        return Examples(self.block, starts, ends, offsets, lengths, counts=self.counts)
