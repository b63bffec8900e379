"""Laws that hold for every masked unit, and the shares of the paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens, slots
from kobert_pipeline.masking.units import units_of

MASK_ID = 4
REPLACEMENTS = np.arange(5, 900)
WIDTH = 512
UNITS = ("subword", "eojeol", "morpheme", "span", "ngram", "entity", "phrase")
unit_names = st.sampled_from(UNITS)


@st.composite
def token_batches(draw):
    rows, length = draw(st.integers(1, 6)), draw(st.integers(3, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    input_ids = rng.integers(5, 1_000, (rows, length))
    maskable = rng.random((rows, length)) < draw(st.floats(0, 1))
    starts = rng.random((rows, length)) < draw(st.floats(0.1, 1))
    return input_ids, maskable, starts


def masked(input_ids, maskable, starts, seed=0, batch=0, first=0, **options):
    config = MaskingConfig(**options)
    generator = RowGenerator(seed, batch, first, len(input_ids), WIDTH)
    given_starts = None if config.unit == "subword" else starts
    return mask_tokens(input_ids, maskable, given_starts, generator, config, mask_id=MASK_ID, replacements=REPLACEMENTS)


def plain(rows, length):
    """Rows of text without special tokens, a unit every two tokens."""
    input_ids = np.random.default_rng(0).integers(1_000, 2_000, (rows, length))
    return input_ids, np.ones((rows, length), dtype=bool), np.broadcast_to(np.arange(length) % 2 == 0, (rows, length))


@given(batch=token_batches(), seed=st.integers(0, 2**64 - 1), unit=unit_names)
def test_unmasking_restores_the_input(batch, seed, unit):
    corrupted, labels = masked(*batch, seed=seed, unit=unit)
    assert np.array_equal(np.where(labels != IGNORE_INDEX, labels, corrupted), batch[0])


@given(batch=token_batches(), seed=st.integers(0, 2**32 - 1), unit=unit_names)
def test_special_tokens_and_padding_are_never_masked(batch, seed, unit):
    input_ids, maskable, _ = batch
    corrupted, labels = masked(*batch, seed=seed, unit=unit, mlm_probability=0.8)
    assert (labels[~maskable] == IGNORE_INDEX).all()
    assert np.array_equal(corrupted[~maskable], input_ids[~maskable])


@given(batch=token_batches(), seed=st.integers(0, 2**32 - 1), unit=unit_names, probability=st.floats(0.05, 0.9))
def test_a_masked_unit_is_masked_whole(batch, seed, unit, probability):
    _, maskable, starts = batch
    _, labels = masked(*batch, seed=seed, unit=unit, mlm_probability=probability)
    selected = labels != IGNORE_INDEX
    if unit != "subword":
        first = units_of(starts, maskable).first
        assert (selected == np.take_along_axis(selected, first, axis=1))[maskable].all()


@given(batch=token_batches(), probability=st.floats(0.01, 0.9), most=st.none() | st.integers(1, 20))
def test_each_row_masks_its_share_of_subwords_and_at_least_one(batch, probability, most):
    _, labels = masked(*batch, mlm_probability=probability, max_predictions=most)
    available = batch[1].sum(axis=1)
    expected = np.minimum(available, np.maximum(1, np.rint(probability * available)))
    assert np.array_equal((labels != IGNORE_INDEX).sum(axis=1), np.minimum(expected, most or 60))


@given(batch=token_batches(), unit=st.sampled_from(UNITS[1:]), most=st.none() | st.integers(1, 20))
def test_whole_units_stay_within_the_share_unless_the_shortest_is_longer(batch, unit, most):
    _, maskable, starts = batch
    _, labels = masked(*batch, unit=unit, max_predictions=most)
    found, available = (labels != IGNORE_INDEX).sum(axis=1), maskable.sum(axis=1)
    budget = np.minimum(np.maximum(1, np.rint(0.15 * available)), most or 60)
    units = units_of(starts, maskable)
    shortest = np.where(units.begins, units.size, 99).min(axis=1)
    assert (found <= np.where(shortest > budget, shortest, budget)).all()
    assert (found[(available > 0) & (shortest <= (most or 60))] > 0).all()
    assert (found <= (most or 60)).all()


def test_units_of_one_token_are_masked_as_subwords_are():
    batch = plain(8, 100)
    everywhere = np.ones_like(batch[1])
    one, two = masked(*batch), masked(batch[0], batch[1], everywhere, unit="eojeol")
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("unit", UNITS)
def test_over_a_million_tokens_the_shares_are_those_of_the_paper(unit):
    """Ids are outside REPLACEMENTS, so that a random token is visible. Tolerances: three standard deviations or more; a
    span is decided once, for a mean of 3.8 eojeols, so its shares scatter three times as far."""
    batch = plain(2_048, 512)
    corrupted, labels = masked(*batch, unit=unit)
    selected = labels != IGNORE_INDEX
    outcome, original = corrupted[selected], batch[0][selected]
    tolerance = 0.012 if unit in ("span", "ngram") else 0.004
    assert selected.mean() == pytest.approx(0.15, abs=0.002)
    assert (outcome == MASK_ID).mean() == pytest.approx(0.8, abs=tolerance)
    assert (outcome == original).mean() == pytest.approx(0.1, abs=tolerance)
    random = outcome[np.isin(outcome, REPLACEMENTS)]
    assert len(random) / len(outcome) == pytest.approx(0.1, abs=tolerance)
    assert random.mean() == pytest.approx(REPLACEMENTS.mean(), rel=0.02)
    assert len(np.unique(random)) == len(REPLACEMENTS)


def test_every_position_is_masked_equally_often():
    _, labels = masked(*plain(4_096, 256))
    by_position = (labels != IGNORE_INDEX).mean(axis=0)
    assert abs(by_position - by_position.mean()).max() < 5 * np.sqrt(0.15 * 0.85 / 4_096)


@pytest.mark.parametrize("unit", UNITS)
def test_a_row_does_not_depend_on_its_neighbours_or_on_padding(unit):
    batch = plain(3, 30)
    whole, _ = masked(*batch, unit=unit, first=5)
    wide = [np.pad(array, ((0, 0), (0, 10))) for array in batch]
    assert np.array_equal(masked(*wide, unit=unit, first=5)[0][:, :30], whole)
    alone = [array[2:] for array in batch]
    assert np.array_equal(masked(*alone, unit=unit, first=7)[0], whole[2:])


def test_masks_are_fresh_in_every_batch_and_row_and_the_same_for_the_same_batch():
    input_ids = np.arange(100, 400)[None].repeat(4, axis=0)
    batch = input_ids, np.ones_like(input_ids, dtype=bool), None
    assert np.array_equal(masked(*batch, batch=3)[0], masked(*batch, batch=3)[0])
    assert not np.array_equal(masked(*batch, batch=3)[0], masked(*batch, batch=4)[0])
    assert not np.array_equal(masked(*batch, seed=1)[0], masked(*batch, seed=2)[0])
    assert len({tuple(row) for row in masked(*batch)[0].tolist()}) == 4


@given(batch=token_batches(), most=st.integers(1, 12))
def test_slots_hold_every_selected_token_of_their_row_once(batch, most):
    _, labels = masked(*batch, mlm_probability=0.5, max_predictions=most)
    positions, slot_labels = slots(labels, most)
    rebuilt = np.full_like(labels, IGNORE_INDEX)
    rows, columns = np.nonzero(slot_labels != IGNORE_INDEX)
    rebuilt[rows, positions[rows, columns]] = slot_labels[rows, columns]
    assert np.array_equal(rebuilt, labels)
    assert slot_labels.shape == (len(labels), most)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_share": 0.9, "random_share": 0.2}, "more than 1"),
        ({"fixed_predictions": True}, "needs max_predictions"),
        ({"unit": "word"}, "unit: "),
        ({"max_predictions": 0}, "max_predictions: "),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, message):
    with pytest.raises(RecipeError, match=message):
        MaskingConfig.parse(options)
