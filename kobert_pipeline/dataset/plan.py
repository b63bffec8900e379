"""Plans: which pieces of a block form which example. A plan is a pure function of (seed, epoch, block, phase).

Examples are ranges of pieces, never copies; rows are put together when a batch is drawn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from kobert_pipeline.dataset.store import Block

IS_NEXT, IS_RANDOM = 0, 1
"""transformers' convention for `next_sentence_label`."""


@dataclass(frozen=True)
class PlanContext:
    """What a plan may depend on besides the block and the objective's options."""

    seed: int
    epoch: int
    block: int
    phase: int
    max_length: int
    """Pieces of one example, special tokens included."""

    def generator(self) -> np.random.Generator:
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence((self.seed, self.epoch, self.block, self.phase)))
        )


@dataclass(frozen=True)
class Examples:
    """n examples, each of one or more ranges of the block's pieces, in the order in which they are read.

    Ranges of example i: `starts[offsets[i]:offsets[i + 1]]` to `ends[…]`. `lengths` counts special tokens.
    """

    block: Block
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """What the plan left out, by reason."""

    def __len__(self) -> int:
        return len(self.lengths)

    def ranges(self, example: int) -> list[tuple[int, int]]:
        part = slice(self.offsets[example], self.offsets[example + 1])
        return list(zip(self.starts[part].tolist(), self.ends[part].tolist(), strict=True))


def contiguous(block: Block, context: PlanContext) -> Examples:
    """Full rows: documents in a new order, one after the other, cut every `max_length` pieces, [SEP] after each document's part.

    RoBERTa's FULL-SENTENCES (Liu et al. 2019, section 4.2) with rows cut at pieces instead of sentences: no padding, every
    shape the same, at the price of a sentence cut at each border. Every piece of the block is used but the last, short row.
    """
    rng = context.generator()
    room = context.max_length - 1  # [CLS]
    starts: list[int] = []
    ends: list[int] = []
    offsets, lengths = [0], []
    used = 0
    for document in rng.permutation(len(block.document_offsets) - 1).tolist():
        position = int(block.sentence_offsets[block.document_offsets[document]])
        stop = int(block.sentence_offsets[block.document_offsets[document + 1]])
        while position < stop:
            take = min(stop - position, room - used - 1)  # [SEP]
            starts.append(position)
            ends.append(position + take)
            position, used = position + take, used + take + 1
            if used >= room - 1:
                offsets.append(len(starts))
                lengths.append(used + 1)
                used = 0
    if used:
        offsets.append(len(starts))
        lengths.append(used + 1)
    return _examples(block, starts, ends, offsets, lengths, {}, Counter())


def segment_pairs(block: Block, context: PlanContext, *, short_probability: float = 0.1) -> Examples:
    """BERT's pairs (Devlin et al. 2019, appendix A.2, and its released `create_pretraining_data`).

    Segments of whole sentences fill `max_length`; one in ten examples aims shorter. Half of the second segments come from
    another document. Every sentence lies in exactly one first or true-next segment an epoch, but for what `counts` names:
    documents of one sentence, and documents whose lines do not continue each other, have no next sentence and are left out;
    truncated pieces fall away. A chunk of one sentence can only be followed by a random segment; the next chunk that
    can be followed truly is, so that labels stay balanced.
    """
    planner = _PairPlanner(block, context, short_probability)
    for document in planner.rng.permutation(planner.documents).tolist():
        planner.add_document(document)
    return planner.finish()


class _PairPlanner:
    """The state of one plan of pairs: what has been drawn, and how many true pairs are owed to the balance."""

    def __init__(self, block: Block, context: PlanContext, short_probability: float) -> None:
        self.block, self.short_probability = block, short_probability
        self.rng = context.generator()
        self.room = context.max_length - 3  # [CLS] A [SEP] B [SEP]
        self.first = block.document_offsets.tolist()
        self.at = block.sentence_offsets.tolist()
        sizes = np.diff(block.document_offsets)
        usable = (sizes > 1) & block.continuity
        self.documents = np.flatnonzero(usable)
        self.counts = Counter(
            one_sentence=int(((sizes == 1) & block.continuity).sum()), no_continuity=int((~block.continuity).sum())
        )
        self.owed = 0
        self.ranges: list[tuple[int, int, int, int]] = []
        self.labels: list[int] = []

    def add_document(self, document: int) -> None:
        sentence, stop = self.first[document], self.first[document + 1]
        while sentence < stop:
            target = self._target()
            end = sentence + 1
            while end < stop and self.at[end] - self.at[sentence] < target:
                end += 1
            sentence = self._add_chunk(document, sentence, end, target)

    def _target(self) -> int:
        short = self.rng.random() < self.short_probability
        return int(self.rng.integers(2, self.room + 1)) if short else self.room

    def _add_chunk(self, document: int, sentence: int, end: int, target: int) -> int:
        """One example from sentences [sentence, end). Returns the first sentence that was not used."""
        alone = end - sentence == 1
        if alone and len(self.documents) < 2:
            self.counts["no_other_document"] += 1
            return end
        split = end if alone else sentence + int(self.rng.integers(1, end - sentence))
        if not self._random_next(alone):
            self._append(self.at[sentence], self.at[split], self.at[split], self.at[end], IS_NEXT)
            return end
        other = self._random_segment(document, target - (self.at[split] - self.at[sentence]))
        self._append(self.at[sentence], self.at[split], *other, IS_RANDOM)
        return split

    def _random_next(self, alone: bool) -> bool:
        if len(self.documents) < 2:
            return False
        if alone:
            self.owed += 1
            return True
        if self.owed:
            self.owed -= 1
            return False
        return bool(self.rng.random() < 0.5)

    def _random_segment(self, document: int, length: int) -> tuple[int, int]:
        """Sentences of another document from a random one on, up to `length` pieces (at least one sentence)."""
        other = document
        while other == document:
            other = int(self.documents[self.rng.integers(len(self.documents))])
        begin, stop = self.first[other], self.first[other + 1]
        sentence = int(self.rng.integers(begin, stop))
        end = sentence + 1
        while end < stop and self.at[end] - self.at[sentence] < length:
            end += 1
        return self.at[sentence], self.at[end]

    def _append(self, a_start: int, a_end: int, b_start: int, b_end: int, label: int) -> None:
        """Adds a pair, cut to the room as in the paper: from the longer segment, at its front or its end by chance."""
        excess = (a_end - a_start) + (b_end - b_start) - self.room
        if excess > 0:
            self.counts["truncated_pieces"] += excess
            a_cut, b_cut = shares_of_cut(a_end - a_start, b_end - b_start, excess)
            a_front, b_front = (int(self.rng.binomial(cut, 0.5)) for cut in (a_cut, b_cut))
            a_start, a_end = a_start + a_front, a_end - (a_cut - a_front)
            b_start, b_end = b_start + b_front, b_end - (b_cut - b_front)
        self.ranges.append((a_start, a_end, b_start, b_end))
        self.labels.append(label)

    def finish(self) -> Examples:
        ranges = np.array(self.ranges, dtype=np.int64).reshape(-1, 4)
        starts, ends = ranges[:, [0, 2]].ravel(), ranges[:, [1, 3]].ravel()
        lengths = (ends - starts).reshape(-1, 2).sum(axis=1) + 3
        labels = {"next_sentence_label": np.array(self.labels, dtype=np.int64)}
        return _examples(self.block, starts, ends, np.arange(len(lengths) + 1) * 2, lengths, labels, self.counts)


def shares_of_cut(first: int, second: int, excess: int) -> tuple[int, int]:
    """How many pieces each segment loses when the longer one always loses the next."""
    difference = first - second
    if abs(difference) >= excess:
        return (excess, 0) if difference > 0 else (0, excess)
    rest = excess - abs(difference)
    head, tail = (rest + 1) // 2, rest // 2
    return (abs(difference) + head, tail) if difference > 0 else (tail, abs(difference) + head)


def _examples(
    block: Block,
    starts: object,
    ends: object,
    offsets: object,
    lengths: object,
    labels: dict[str, np.ndarray],
    counts: Counter[str],
) -> Examples:
    integers = [np.asarray(values, dtype=np.int64) for values in (starts, ends, offsets, lengths)]
    return Examples(block, integers[0], integers[1], integers[2], integers[3], labels, counts)
