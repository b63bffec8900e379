"""The 5-gram baseline: its probabilities against the formulas written out over dictionaries, and its laws."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import config_of_pair

from kobert_pipeline.dataset import kneser_ney
from kobert_pipeline.dataset.kneser_ney import Sequences, discounts, log2_probabilities
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.objectives import OBJECTIVES, five_gram
from kobert_pipeline.pretrain.data import validation_batches
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

BEGIN, END, VOCABULARY = 0, 1, 9
PREDICTABLE = VOCABULARY - 1
words = st.lists(st.integers(2, 6), max_size=9)
texts = st.lists(words, min_size=1, max_size=12)


def sequences(texts: list[list[int]]) -> Sequences:
    whole = [[BEGIN, *text, END] for text in texts]
    return Sequences.of(np.array(list(chain(*whole))), np.array([len(text) for text in whole]))


class Reference:
    """Interpolated modified Kneser-Ney as Chen and Goodman write it, one n-gram at a time."""

    def __init__(self, texts: list[list[int]]) -> None:
        whole = [(BEGIN, *text, END) for text in texts]
        grams = [
            Counter(
                text[at - n : at] for text in whole for at in range(n, len(text) + 1) if n > 1 or text[at - 1] != BEGIN
            )
            for n in range(1, 6)
        ]
        self.counts = {5: dict(grams[4])}
        for n in range(1, 5):
            before: dict[tuple[int, ...], set[int]] = defaultdict(set)
            for longer in grams[n]:
                before[longer[1:]].add(longer[0])
            self.counts[n] = {
                gram: count if gram[0] == BEGIN else len(before[gram]) for gram, count in grams[n - 1].items()
            }
        kinds = {n: Counter(self.counts[n].values()) for n in self.counts}
        self.discounts = {n: discounts(np.array([kinds[n][count] for count in range(5)])) for n in kinds}

    def probability(self, context: tuple[int, ...], word: int) -> float:
        n = len(context) + 1
        lower = self.probability(context[1:], word) if context else 1 / PREDICTABLE
        follow = [count for gram, count in self.counts[n].items() if gram[:-1] == context]
        if not follow:
            return lower
        taken = self.discounts[n]
        count = self.counts[n].get((*context, word), 0)
        given_away = sum(taken[min(one, 3)] for one in follow)
        return float((count - taken[min(count, 3)] + given_away * lower) / sum(follow))


@given(training=texts, asked=texts)
def test_probabilities_are_those_of_the_formulas(training: list[list[int]], asked: list[list[int]]) -> None:
    reference = Reference(training)
    expected = [
        math.log2(reference.probability(tuple(text[max(0, at - 4) : at]), text[at]))
        for text in [[BEGIN, *text, END] for text in asked]
        for at in range(1, len(text))
    ]
    found = log2_probabilities(sequences(training), sequences(asked), VOCABULARY, PREDICTABLE)
    assert found == pytest.approx(expected, abs=1e-9)


@given(training=texts, context=words)
def test_the_probabilities_of_all_tokens_after_a_context_sum_to_one(
    training: list[list[int]], context: list[int]
) -> None:
    """Also after a context that never occurs, and with tokens that never occur."""
    asked = [[*context, word] for word in range(2, VOCABULARY)]
    ends = np.cumsum([len(text) + 1 for text in asked]) - 2
    bits = log2_probabilities(sequences(training), sequences(asked), VOCABULARY, PREDICTABLE)
    end = log2_probabilities(sequences(training), sequences([context]), VOCABULARY, PREDICTABLE)[-1]
    assert np.exp2(bits[ends]).sum() + np.exp2(end) == pytest.approx(1)


@given(training=texts, asked=texts)
def test_counting_in_parts_changes_nothing(training: list[list[int]], asked: list[list[int]]) -> None:
    arguments = sequences(training), sequences(asked), VOCABULARY, PREDICTABLE
    whole = log2_probabilities(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kneser_ney, "EVENTS_PER_PART", 3)
        assert np.array_equal(log2_probabilities(*arguments), whole)


def test_discounts_follow_the_counts_of_counts_and_fall_back_where_there_are_none() -> None:
    """One quarter of 100, 50 and 25: Y = 100 / 200; D1 = 1 - 2Y/2, D2 = 2 - 3Y/2, D3+ = 3 - 4Y/2.5."""
    assert discounts(np.array([0, 100, 50, 25, 10])) == pytest.approx([0, 0.5, 1.25, 2.2])
    assert discounts(np.array([0, 0, 0, 0, 0])) == pytest.approx([0, 0.5, 1.0, 1.5])


def test_the_baseline_reads_all_training_documents_and_the_tokens_that_the_model_is_measured_on(tiny_bytes) -> None:
    """Reference: documents and windows one by one, and characters counted in the decoded text."""
    store, info = Store(tiny_bytes.dataset), tokenizer_info(tiny_bytes.tokenizer)
    batches = validation_batches(store, OBJECTIVES["causal"], config_of_pair("causal", "gpt2"), info)
    documents = []
    for block in map(store.read, store.blocks(TRAIN)):
        for start, end in zip(block.token_offsets[:-1], block.token_offsets[1:], strict=True):
            documents.append([info.cls_id, *block.tokens[start:end].tolist(), info.sep_id])
    windows = [
        row[mask].tolist()
        for batch in batches
        for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]
    training, asked = (
        Sequences.of(np.array(list(chain(*texts))), np.array([len(text) for text in texts]))
        for texts in (documents, windows)
    )
    bits = log2_probabilities(training, asked, info.vocab_size, len(info.replacements) + 1)
    characters = sum(int(info.characters[token]) for window in windows for token in window[1:] if token != info.sep_id)
    name, value = five_gram.five_gram_bits(store, batches, info)
    assert value == pytest.approx(-bits.sum() / characters)
    assert name == "5-gram bits per character"
    assert len(windows) > 1


def test_a_baseline_of_a_part_of_the_text_says_so(tiny_bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    store, info = Store(tiny_bytes.dataset), tokenizer_info(tiny_bytes.tokenizer)
    batches = validation_batches(store, OBJECTIVES["causal"], config_of_pair("causal", "gpt2"), info)
    (files,) = store.blocks(TRAIN)
    monkeypatch.setattr(Store, "blocks", lambda self, split: [[file] for file in files])
    monkeypatch.setattr(five_gram, "MOST_TOKENS", 10)
    name, _ = five_gram.five_gram_bits(store, batches, info)
    first = len(store.read(files[:1]).tokens) / store.summary.train.tokens
    assert 0 < first < 1
    assert name == f"5-gram bits per character ({first:.0%} of the text)"
