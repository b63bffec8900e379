"""Statistics of BERT's pairs over more than a million pieces, taken from the batches of two epochs, with a fixed seed.

Every piece of the text is its own number, so that what a batch shows tells where it comes from.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from kobert_pipeline.dataset.segment_pairs import IS_NEXT, IS_RANDOM
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream

DOCUMENTS, SENTENCES, LENGTH = 250, 200, 128
SPECIAL = 5
MASK_ID = 4


def text() -> Block:
    """250 documents of 200 sentences of 5 to 39 pieces: 1.1 million."""
    lengths = np.random.default_rng(0).integers(5, 40, DOCUMENTS * SENTENCES)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    return Block(
        tokens=np.arange(SPECIAL, SPECIAL + offsets[-1], dtype=np.uint32),
        annotations={},
        sentence_offsets=offsets,
        document_offsets=np.arange(0, DOCUMENTS * SENTENCES + 1, SENTENCES),
        source=np.zeros(DOCUMENTS, dtype=np.uint8),
        continuity=np.ones(DOCUMENTS, dtype=bool),
        paragraph_end=np.zeros(DOCUMENTS * SENTENCES, dtype=bool),
    )


class OneBlock:
    """A store that holds one block of made-up text."""

    def __init__(self, block: Block) -> None:
        self.block, self.summary = block, SimpleNamespace(sources=())

    def require_annotations(self, names: object) -> None:
        pass

    def blocks(self, split: str) -> list[int]:
        return [0]

    def read(self, files: object) -> Block:
        return self.block


class Epoch(NamedTuple):
    """n examples with N pieces of text between them."""

    label: np.ndarray
    """(n,)"""
    length: np.ndarray
    """(n,) special tokens included."""
    example: np.ndarray
    """(N,) which example the piece belongs to."""
    segment: np.ndarray
    """(N,) 0 or 1."""
    place: np.ndarray
    """(N,) where the piece stands in the text."""
    shown: np.ndarray
    """(N,) what the model is given in its place."""
    selected: np.ndarray
    """(N,) bool"""


def read(batches: list[dict[str, np.ndarray]]) -> Epoch:
    label, length = ([], [])
    pieces: list[list[np.ndarray]] = [[] for _ in range(5)]
    for batch in batches:
        selected = batch["labels"] != IGNORE_INDEX
        original = np.where(selected, batch["labels"], batch["input_ids"])
        rows, columns = np.nonzero(original >= SPECIAL)
        found = rows + sum(map(len, label)), batch["token_type_ids"][rows, columns], original[rows, columns] - SPECIAL
        for values, more in zip(
            pieces, (*found, batch["input_ids"][rows, columns], selected[rows, columns]), strict=True
        ):
            values.append(more)
        label.append(batch["next_sentence_label"])
        length.append(batch["attention_mask"].sum(axis=1))
    return Epoch(np.concatenate(label), np.concatenate(length), *(np.concatenate(values) for values in pieces))


@pytest.fixture(scope="module")
def drawn() -> tuple[Block, tuple[Epoch, Epoch], Counter[str]]:
    """The text, its first two epochs as batches show them, and what the plan of the first one counted."""
    block = text()
    vocab_size = SPECIAL + len(block.tokens)
    info = TokenizerInfo(vocab_size, 0, 1, 2, 3, MASK_ID, np.arange(SPECIAL, vocab_size))
    config = PretrainConfig.parse(
        {
            "objective": {"name": "mlm_nsp"},
            "architecture": {"name": "bert", "size": "mini"},
            "phases": [{"max_length": LENGTH, "batch_size": 256}],
            "max_steps": 1,
        }
    )
    stream = BatchStream(OneBlock(block), OBJECTIVES["mlm_nsp"], config, info, seed=11)
    epochs: tuple[list, list] = ([], [])
    counts: Counter[str] = Counter()
    for batch, cursor in stream:
        if cursor["epoch"] == 2:
            break
        counts = counts or Counter(stream.counts)
        epochs[cursor["epoch"]].append({name: tensor.numpy() for name, tensor in batch.items()})
    return block, (read(epochs[0]), read(epochs[1])), counts


def test_there_is_more_than_a_million_pieces_of_text_in_every_epoch(drawn):
    block, epochs, _ = drawn
    assert min(len(block.tokens), *(len(epoch.place) for epoch in epochs)) > 1_000_000


def test_selected_masked_replaced_and_kept_have_their_shares(drawn):
    """Tolerances: three standard deviations or more; .003 for the selected, whose number is rounded in every row."""
    _, (epoch, _), _ = drawn
    shown, original = epoch.shown[epoch.selected], epoch.place[epoch.selected] + SPECIAL
    assert epoch.selected.mean() == pytest.approx(0.15, abs=0.003)
    assert (shown == MASK_ID).mean() == pytest.approx(0.8, abs=0.004)
    assert (shown == original).mean() == pytest.approx(0.1, abs=0.004)
    assert ((shown != MASK_ID) & (shown != original)).mean() == pytest.approx(0.1, abs=0.004)
    assert (epoch.shown[~epoch.selected] == epoch.place[~epoch.selected] + SPECIAL).all()


def test_half_of_the_second_segments_are_random_and_none_of_them_from_the_same_document(drawn):
    """Some 10,000 pairs: three standard deviations are .015."""
    block, epochs, _ = drawn
    for epoch in epochs:
        assert (epoch.label == IS_RANDOM).mean() == pytest.approx(0.5, abs=0.015)
        document = np.searchsorted(block.token_offsets, epoch.place, side="right") - 1
        first, second = (
            np.full(len(epoch.label), -1),
            np.full(len(epoch.label), -1),
        )
        first[epoch.example[epoch.segment == 0]] = document[epoch.segment == 0]
        second[epoch.example[epoch.segment == 1]] = document[epoch.segment == 1]
        assert min(first.min(), second.min()) >= 0
        assert np.array_equal(first == second, epoch.label == IS_NEXT)


def test_lengths_fill_the_room_but_for_one_pair_in_ten(drawn):
    """.09 aim shorter and fall short, .02 are the last of a document, and a random segment may end its own."""
    _, (epoch, _), _ = drawn
    assert epoch.length.max() == LENGTH
    assert (epoch.length < LENGTH).mean() == pytest.approx(0.12, abs=0.03)


def test_every_piece_lies_in_exactly_one_first_or_true_next_segment_but_for_truncated_ones(drawn):
    block, (epoch, _), counts = drawn
    ours = (epoch.segment == 0) | (epoch.label[epoch.example] == IS_NEXT)
    used = np.bincount(epoch.place[ours], minlength=len(block.tokens))
    assert used.max() == 1
    assert 0 < (used == 0).sum() <= counts["truncated_tokens"]


def test_two_epochs_of_the_same_sentence_differ(drawn):
    """Whether a piece is selected in one epoch says nothing about the other: both times in .15 x .15 of the cases."""
    block, epochs, _ = drawn
    shown, selected = (np.full((2, len(block.tokens)), -1) for _ in range(2))
    for number, epoch in enumerate(epochs):
        ours = (epoch.segment == 0) | (epoch.label[epoch.example] == IS_NEXT)
        shown[number, epoch.place[ours]] = epoch.shown[ours]
        selected[number, epoch.place[ours]] = epoch.selected[ours]
    both = (selected >= 0).all(axis=0)
    share = selected[:, both].mean(axis=1)
    assert selected[:, both].all(axis=0).mean() == pytest.approx(share[0] * share[1], abs=0.001)
    whole = np.logical_and.reduceat(both, block.sentence_offsets[:-1])
    differs = np.logical_or.reduceat(shown[0] != shown[1], block.sentence_offsets[:-1])
    assert whole.sum() > 20_000
    assert differs[whole].mean() > 0.9  # of five pieces, none is selected in either epoch one time in five


def test_no_example_of_one_epoch_is_shown_again_in_the_next(drawn):
    _, epochs, _ = drawn
    rows = [
        {part.tobytes() for part in np.split(epoch.shown, np.flatnonzero(np.diff(epoch.example)) + 1)}
        for epoch in epochs
    ]
    assert not rows[0] & rows[1]
