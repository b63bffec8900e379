"""XLNet's objective: who sees whom, in which order tokens are predicted, and how a row is laid out."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import config_of_pair, tiny_models

from kobert_pipeline.architectures.two_streams import one_hot, unseen
from kobert_pipeline.dataset.annotations import EOJEOL_START
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.objectives.permutation import OBJECTIVE, orders, places_of
from kobert_pipeline.objectives.rows import cls_last
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

LENGTH = 48


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture(scope="module")
def examples(tiny):
    store = Store(tiny.dataset)
    return OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, LENGTH), options())


def options(**settings):
    return config_of_pair("permutation", "xlnet", **settings).options


@pytest.fixture
def batch(examples, info):
    return draw(OBJECTIVE, examples, np.arange(8), info, options(), seed=0, number=0, width=LENGTH)


@pytest.fixture
def models(info):
    return tiny_models(config_of_pair("permutation", "xlnet"), info).eval()


def test_the_loss_is_that_of_transformers(models, batch):
    expected = models.student.transformer(
        input_ids=batch["input_ids"],
        token_type_ids=batch["token_type_ids"],
        attention_mask=batch["attention_mask"].float(),
        perm_mask=unseen(batch["order"]),
        target_mapping=one_hot(batch["targets"], batch["order"].shape[1]),
        labels=batch["labels"].gather(1, batch["targets"].clamp(min=0)).masked_fill(batch["targets"] < 0, IGNORE_INDEX),
    ).loss
    term = OBJECTIVE.loss(models, batch, torch.Generator(), options())["permutation"]
    assert float((term.sum / term.count).detach()) == pytest.approx(float(expected.detach()), abs=1e-5)
    assert float(term.count) == float(OBJECTIVE.counts(batch)["permutation"])


def test_a_token_changes_the_predictions_after_it_and_no_others(models, batch, info):
    """Its own prediction, and those of what comes before it in the order, are the same to the last bit."""
    order, place = batch["order"][0], int((batch["order"][0] == 3).nonzero())
    changed = {name: tensor.clone() for name, tensor in batch.items()}
    changed["input_ids"][0, place] = next(
        int(token) for token in info.replacements if token != changed["input_ids"][0, place]
    )
    with torch.no_grad():
        before, after = models.student.hidden(batch), models.student.hidden(changed)
    differs = (before != after).any(dim=-1)
    assert not differs[1:].any()
    assert set(order[differs[0]].tolist()) == set(range(4, int(order.max()) + 1))


def test_a_given_token_changes_every_prediction(models, batch, info):
    place = int((batch["order"][0] == 0).logical_and(batch["attention_mask"][0]).nonzero()[0])
    changed = {name: tensor.clone() for name, tensor in batch.items()}
    changed["input_ids"][0, place] = info.unk_id
    with torch.no_grad():
        differs = (models.student.hidden(batch) != models.student.hidden(changed)).any(dim=-1)[0]
    assert torch.equal(differs, batch["order"][0] > 0)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 2**32))
def test_targets_are_numbered_in_some_order_and_found_again(is_target, seed):
    targets = np.array([is_target, is_target[::-1]])
    found = orders(targets, RowGenerator(seed, 0, 0, 2, 16))
    for row, chosen, places in zip(found, targets, places_of(targets), strict=True):
        assert sorted(row[chosen]) == list(range(1, chosen.sum() + 1))
        assert not row[~chosen].any()
        assert places[places >= 0].tolist() == np.flatnonzero(chosen).tolist()
    mask = unseen(torch.from_numpy(found))[0]
    for i, j in np.ndindex(*mask.shape):
        assert bool(mask[i, j]) == (found[0, j] > 0 and found[0, j] >= max(1, found[0, i]))


def test_every_order_is_as_likely_as_any_other():
    rows = 24_000
    found = orders(np.ones((rows, 4), dtype=bool), RowGenerator(1, 2, 0, rows, 4))
    counts = Counter(map(tuple, found.tolist()))
    assert set(counts) == set(permutations(range(1, 5)))
    assert max(abs(count - rows / 24) for count in counts.values()) < 5 * (rows / 24) ** 0.5


def test_a_row_ends_with_cls_and_is_padded_at_the_front(batch, info):
    ids, mask = batch["input_ids"], batch["attention_mask"]
    assert (ids[:, -1] == info.cls_id).all()
    assert (ids[:, -2] == info.sep_id).all()
    assert torch.equal(mask, mask.sort(dim=1).values)
    assert (ids[~mask] == info.pad_id).all()
    assert ((ids == info.sep_id).sum(dim=1) == 2).all()
    types = [row[real].tolist() for row, real in zip(batch["token_type_ids"], mask, strict=True)]
    assert all(row == sorted(row) and row[-1] == 2 and row.count(2) == 1 and 1 in row for row in types)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=bool)
    assert cls_last(mask).tolist() == [[4, 4, 1, 2, 0], [1, 2, 3, 4, 0]]


def test_what_is_predicted_does_not_depend_on_the_rows_beside(examples, info, batch):
    alone = draw(OBJECTIVE, examples, np.arange(1), info, options(), seed=0, number=0, width=LENGTH)
    real = batch["attention_mask"][0]
    for name in ("input_ids", "labels", "order", "token_type_ids"):
        assert torch.equal(batch[name][0][real], alone[name][0][alone["attention_mask"][0]]), name


def test_one_token_in_six_is_predicted_in_whole_eojeols(tiny, info):
    store, tokenizer = Store(tiny.dataset), auto_tokenizer(tiny.tokenizer)
    examples = OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 128), options())
    rows = np.arange(len(examples))
    batch = draw(OBJECTIVE, examples, rows, info, options(), seed=0, number=0, width=128)
    special = np.isin(batch["input_ids"], [info.cls_id, info.sep_id, info.pad_id])
    chosen = (batch["labels"] != IGNORE_INDEX).numpy()
    assert not (chosen & special).any()
    assert chosen.sum() / (~special).sum() == pytest.approx(1 / 6, abs=0.02)
    continues = np.array([piece.startswith("##") for piece in tokenizer.convert_ids_to_tokens(range(info.vocab_size))])
    inside = continues[batch["input_ids"][:, 1:]] & ~special[:, :-1]
    assert inside.sum() > 500
    assert (chosen[:, 1:] == chosen[:, :-1])[inside].all()
    assert OBJECTIVE.annotations(options()) == (EOJEOL_START,)
    assert OBJECTIVE.annotations(options(unit="subword")) == ()


def test_over_a_million_tokens_one_in_six_is_predicted_equally_often_at_every_place_of_the_order():
    """Rows of 512 tokens in eojeols of two: a sixth is 85 tokens, of which 42 whole eojeols fit. The mean place in the order is
    the same at each position, within five standard errors."""
    rows, length = 2_048, 512
    starts = np.broadcast_to(np.arange(length) % 2 == 0, (rows, length))
    everything = np.ones((rows, length), dtype=bool)
    random, masking = (
        RowGenerator(0, 0, 0, rows, length),
        MaskingConfig(unit="ngram", mlm_probability=1 / 6, max_span=5),
    )
    _, labels = mask_tokens(np.full((rows, length), 7), everything, starts, random, masking, mask_id=4, replacements=np.array([5]))  # fmt: skip
    chosen = labels != IGNORE_INDEX
    assert (chosen.sum(axis=1) == 84).all()
    assert np.array_equal(chosen[:, ::2], chosen[:, 1::2])
    places = orders(chosen, random) / chosen.sum(axis=1, keepdims=True)
    counts = chosen.sum(axis=0)
    means = np.where(chosen, places, 0).sum(axis=0) / counts
    assert (abs(means - 0.5) < 5 * (1 / 12 / counts) ** 0.5 + 0.01).all()


@pytest.mark.parametrize(
    ("objective", "architecture", "settings", "message"),
    [
        ("permutation", "bert", {}, "needs the head 'tokens_in_order'"),
        ("mlm", "xlnet", {}, "needs the head 'tokens'"),
        ("permutation", "xlnet", {"attention": "sdpa"}, "attention sdpa is not offered by architecture 'xlnet'"),
        ("permutation", "xlnet", {"one_in": 1}, "one_in"),
    ],
)
def test_what_does_not_fit_is_refused(objective, architecture, settings, message):
    with pytest.raises(RecipeError, match=message):
        config_of_pair(objective, architecture, **settings)
