"""Batches: every row once in each epoch, padded to the longest of the batch."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import integers, lists
from tokenizers import normalizers
from transformers import PreTrainedTokenizerFast

from klue_eval.batches import TrainingBatches, encode_rows, pad, scoring_order, training_order
from klue_eval.data import SAMPLE, read_split
from klue_eval.finetune import scoring_steps
from klue_eval.heads import HEADS
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from klue_eval.values import Texts
from kobert_pipeline.ground.errors import InputError

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


@given(lengths=lists(integers(1, 100), min_size=1, max_size=300), batch_size=integers(1, 8), seed=integers(0, 2**31))
@settings(max_examples=50)
def test_every_row_is_drawn_once_an_epoch(lengths: list[int], batch_size: int, seed: int) -> None:
    array = np.array(lengths)
    for order in (training_order(array, batch_size, (seed, 0)), scoring_order(array, batch_size)):
        assert sorted(np.concatenate(order)) == list(range(len(lengths)))
        assert len(order) == -(-len(lengths) // batch_size)


@given(lengths=lists(integers(1, 100), min_size=1, max_size=100), batch_size=integers(1, 8), tokens=integers(1, 300))
@settings(max_examples=50)
def test_a_scored_batch_has_no_more_tokens_than_asked_for(lengths: list[int], batch_size: int, tokens: int) -> None:
    array = np.array(lengths)
    order = scoring_order(array, batch_size, tokens)
    assert np.array_equal(np.concatenate(order), np.argsort(array, kind="stable"))
    for batch, after in zip(order, [*order[1:], None], strict=True):
        assert len(batch) == 1 or len(batch) * array[batch].max() <= tokens
        assert len(batch) <= batch_size
        if after is not None:  # no batch is smaller than it must be
            assert len(batch) == batch_size or (len(batch) + 1) * array[after[0]] > tokens


def test_epochs_differ_and_a_seed_repeats_them() -> None:
    lengths = np.arange(100) % 7
    first, second = (np.concatenate(training_order(lengths, 4, (42, epoch))) for epoch in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, np.concatenate(training_order(lengths, 4, (42, 0))))


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.texts])
def test_a_batch_is_what_the_tokenizer_pads(name: str, tokenizer: Any) -> None:
    task = TASKS[name]
    assert task.texts
    data = read_split(name, SAMPLE, "dev").rows
    encoded = encode_rows(task, data, Reader(tokenizer, 128), task.defaults)
    rows = np.array([4, 0, 11])
    batch = pad(encoded, rows)
    texts = [task.texts(data[row]) for row in rows]
    pairs = None if texts[0].pair is None else [item.pair for item in texts]
    expected = tokenizer([item.text for item in texts], pairs, padding=True, return_tensors="pt")
    assert batch.keys() == expected.keys()
    assert all(torch.equal(batch[column], expected[column]) for column in expected)


@given(first=integers(1, 30), second=integers(1, 30), limit=integers(8, 40))
@settings(max_examples=60)
def test_a_pair_is_cut_as_the_tokenizer_cuts_it(first: int, second: int, limit: int, tokenizer: Any) -> None:
    texts = Texts("구름 " * first, pair="비가 " * second)
    found = Reader(tokenizer, limit).texts_example(texts)
    expected = tokenizer(texts.text, texts.pair, truncation="longest_first", max_length=limit)
    assert len(found.input_ids) == len(expected["input_ids"])
    tokens = sum(found.token_type_ids), sum(expected["token_type_ids"])
    assert abs(tokens[0] - tokens[1]) <= 1
    assert found.truncated == (len(tokenizer(texts.text, texts.pair)["input_ids"]) > limit)


def test_longer_rows_are_truncated_and_counted(tokenizer: Any) -> None:
    rows = read_split("nli", SAMPLE, "dev").rows[:2]
    rows[0] = {**rows[0], "premise": "구름 많고 " * 40}
    encoded = encode_rows(TASKS["nli"], rows, Reader(tokenizer, 64), TASKS["nli"].defaults)
    assert encoded.truncated == 1
    assert encoded.lengths.max() == 64


def test_a_row_without_a_token_is_named(tokenizer: Any) -> None:
    rows = [{"guid": "ynat-v1_dev_00003", "title": " ", "label": "경제"}]
    with pytest.raises(InputError, match="row ynat-v1_dev_00003: the tokenizer makes no token from its text"):
        encode_rows(TASKS["ynat"], rows, Reader(tokenizer, 64), TASKS["ynat"].defaults)


def test_eojeols_without_a_token_are_counted_and_the_first_row_is_named(
    tokenizer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    core = tokenizer.backend_tokenizer
    dropping = copy.deepcopy(core)
    dropping.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    reader = Reader(PreTrainedTokenizerFast(tokenizer_object=dropping, **SPECIAL), 64)
    assert reader.unread("구름 \u200b\x07 많고 !") == ["\u200b\x07"]
    assert reader.unread("구름\u200b 많고") == []
    titles = ["구름 많은 하루", "구름 \u200b 하루", "\u200b 비"]
    rows = [{"guid": f"y{number}", "title": title, "label": "경제"} for number, title in enumerate(titles)]
    with caplog.at_level(logging.INFO):
        assert encode_rows(TASKS["ynat"], rows, reader, TASKS["ynat"].defaults).unread == 2
    expected = "YNAT: 2 of 3 rows have an eojeol from which the tokenizer makes no token; the first is y1"
    assert expected in caplog.messages


def test_one_pass_has_the_steps_of_all_epochs(tokenizer: Any) -> None:
    rows = [{"guid": str(number), "title": f"{number}번째 소식", "label": "경제"} for number in range(10)]
    encoded = encode_rows(TASKS["ynat"], rows, Reader(tokenizer, 16), TASKS["ynat"].defaults)
    numbered = [replace(example, target=number) for number, example in enumerate(encoded.examples)]
    collate = HEADS["classification"].collate
    batches = TrainingBatches(replace(encoded, examples=numbered), collate, batch_size=4, epochs=3, seed=1)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 9
    targets = torch.cat([batch["labels"]["targets"] for batch in drawn])
    assert torch.equal(targets.sort().values, torch.arange(10).repeat(3).sort().values)


@given(steps=integers(1, 500), scorings=integers(0, 40))
def test_the_last_step_is_always_scored(steps: int, scorings: int) -> None:
    found = scoring_steps(steps, scorings)
    assert max(found) == steps
    assert min(found) >= 1
    assert len(found) == max(1, min(steps, scorings))
