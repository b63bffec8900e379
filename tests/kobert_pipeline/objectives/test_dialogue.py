"""Replies of dialogues: which turns an example has, and on which tokens there is a loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import config_of_pair, tiny_models
from torch.nn import functional

from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Block, Store
from kobert_pipeline.dataset.turns import REPLY, replies
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

Dialogue = list[list[int]]
"""Turns as the lengths of their sentences."""


def block_of(dialogues: list[Dialogue], *, continuity: bool = True) -> Block:
    """Tokens are numbered."""
    turns = [turn for dialogue in dialogues for turn in dialogue]
    sizes = [size for turn in turns for size in turn]
    ends = [number == len(turn) - 1 for turn in turns for number in range(len(turn))]
    sentences = [sum(map(len, dialogue)) for dialogue in dialogues]
    return Block(
        tokens=np.arange(sum(sizes)), annotations={}, sentence_offsets=np.cumsum([0, *sizes]),
        document_offsets=np.cumsum([0, *sentences]), source=np.zeros(len(dialogues), dtype=int),
        continuity=np.full(len(dialogues), continuity), paragraph_end=np.array(ends),
    )  # fmt: skip


def planned(block: Block, turns: int, length: int) -> list[tuple[int, int, int]]:
    """Start and end of each example, and the first token of its reply, in the order of the text."""
    examples = replies(block, PlanContext(0, 0, 0, 0, length), turns)
    reply = examples.starts + examples.labels[REPLY] - 1
    assert (examples.lengths == examples.ends - examples.starts + 2).all()
    return sorted(
        zip(examples.starts.tolist(), examples.ends.tolist(), reply.tolist(), strict=True), key=lambda one: one[1]
    )


def test_a_reply_comes_with_the_turns_before_it_of_its_own_dialogue() -> None:
    """Turns 0-3, 3-5, 5-9 (of two sentences), 9-10; then a dialogue of 10-12 and 12-13."""
    block = block_of([[[3], [2], [1, 3], [1]], [[2], [1]]])
    assert planned(block, 2, 20) == [(0, 5, 3), (0, 9, 5), (3, 10, 9), (10, 13, 12)]
    assert planned(block, 1, 20) == [(0, 5, 3), (3, 9, 5), (5, 10, 9), (10, 13, 12)]


def test_turns_that_do_not_fit_are_left_out_whole_and_the_last_of_them_is_cut() -> None:
    """Six tokens besides [CLS] and [SEP]."""
    block = block_of([[[2], [3], [2], [5], [9]]])
    assert planned(block, 7, 8) == [(0, 5, 2), (2, 7, 5), (6, 12, 7), (15, 21, 15)]
    assert replies(block, PlanContext(0, 0, 0, 0, 8), 7).counts == {"cut_context": 2, "cut_reply": 1}


def test_a_dialogue_without_line_breaks_has_sentences_for_turns_and_lines_that_continue_nothing_are_none() -> None:
    assert planned(block_of([[[2, 3, 1]]]), 7, 20) == [(0, 5, 2), (0, 6, 5)]
    assert planned(block_of([[[2], [3]]], continuity=False), 7, 20) == []


@given(
    dialogues=st.lists(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=2), min_size=2, max_size=6), min_size=1, max_size=4),
    turns=st.integers(1, 7),
)  # fmt: skip
def test_every_turn_but_the_first_is_predicted_once(dialogues: list[Dialogue], turns: int) -> None:
    block = block_of(dialogues)
    predicted = [token for _, end, reply in planned(block, turns, 10_000) for token in range(reply, end)]
    starts = np.cumsum([0, *(sum(map(sum, dialogue)) for dialogue in dialogues)])
    firsts = [
        token
        for start, dialogue in zip(starts[:-1], dialogues, strict=True)
        for token in range(start, start + sum(dialogue[0]))
    ]
    assert sorted([*predicted, *firsts]) == list(range(len(block.tokens)))


@pytest.mark.parametrize("architecture", ["gpt", "gpt2", "llama"])
def test_our_loss_equals_that_of_transformers_on_the_reply_alone(tiny_bytes, architecture: str) -> None:
    info, store = tokenizer_info(tiny_bytes.tokenizer), Store(tiny_bytes.dataset)
    config = config_of_pair("dialogue", architecture)
    objective, options = OBJECTIVES["dialogue"], config.options
    examples = objective.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 48), options)
    batch = draw(objective, examples, np.arange(8), info, options, seed=0, number=0, width=48)
    model = tiny_models(config, info).eval()
    ids, mask, replies_begin = batch["input_ids"], batch["attention_mask"], examples.labels[REPLY][:8]
    labels = ids.where(mask, IGNORE_INDEX)
    for row, begin in zip(labels, replies_begin.tolist(), strict=True):
        row[:begin] = IGNORE_INDEX
    with torch.no_grad():
        terms = objective.loss(model, batch, torch.Generator(), options)
        logits = model.student.transformer(input_ids=ids, attention_mask=mask.long()).logits
    reference = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE_INDEX
    )
    assert float(total_loss(terms)) == pytest.approx(float(reference), abs=1e-5)
    last = mask.sum(dim=1) - 1
    assert (ids[torch.arange(8), last] == info.sep_id).all()
    assert (labels[torch.arange(8), last] == info.sep_id).all()
