import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobert_pipeline.errors import RecipeError
from kobert_pipeline.masking.generators import row_generators
from kobert_pipeline.masking.tokens import IGNORE_INDEX, MaskingConfig, mask_tokens

MASK_ID = 4
REPLACEMENTS = np.arange(5, 900)
BERT = MaskingConfig()


@st.composite
def token_batches(draw):
    rows, length = draw(st.integers(1, 6)), draw(st.integers(3, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    input_ids = rng.integers(5, 1_000, (rows, length))
    maskable = rng.random((rows, length)) < draw(st.floats(0, 1))
    return input_ids, maskable


def masked(input_ids, maskable, seed=0, config=BERT, batch=0):
    generators = row_generators(seed, batch, range(len(input_ids)))
    return mask_tokens(input_ids, maskable, generators, config, mask_id=MASK_ID, replacements=REPLACEMENTS)


@settings(deadline=None)
@given(batch=token_batches(), seed=st.integers(0, 2**32 - 1))
def test_unmasking_restores_the_input(batch, seed):
    corrupted, labels = masked(*batch, seed=seed)
    assert np.array_equal(np.where(labels != IGNORE_INDEX, labels, corrupted), batch[0])


@settings(deadline=None)
@given(batch=token_batches(), seed=st.integers(0, 2**32 - 1))
def test_special_tokens_and_padding_are_never_masked(batch, seed):
    corrupted, labels = masked(*batch, seed=seed)
    assert (labels[~batch[1]] == IGNORE_INDEX).all()
    assert np.array_equal(corrupted[~batch[1]], batch[0][~batch[1]])


@settings(deadline=None)
@given(batch=token_batches(), probability=st.floats(0.01, 0.9))
def test_each_row_masks_its_share_and_at_least_one_piece(batch, probability):
    _, labels = masked(*batch, config=MaskingConfig(mlm_probability=probability))
    available = batch[1].sum(axis=1)
    expected = np.minimum(available, np.maximum(1, np.rint(probability * available)))
    assert np.array_equal((labels != IGNORE_INDEX).sum(axis=1), expected)


def test_over_a_million_pieces_the_shares_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    input_ids = rng.integers(1_000, 2_000, (2_048, 512))  # outside REPLACEMENTS, so that a random piece shows
    corrupted, labels = masked(input_ids, np.ones_like(input_ids, dtype=bool))
    selected = labels != IGNORE_INDEX
    assert selected.mean() == pytest.approx(0.15, abs=0.001)
    assert (corrupted[selected] == MASK_ID).mean() == pytest.approx(0.8, abs=0.005)
    assert (corrupted[selected] == input_ids[selected]).mean() == pytest.approx(0.1, abs=0.005)
    assert np.isin(corrupted[selected], REPLACEMENTS).mean() == pytest.approx(0.1, abs=0.005)


def test_a_row_does_not_depend_on_its_neighbours_or_on_padding():
    input_ids = np.arange(100, 130)[None].repeat(3, axis=0)
    maskable = np.ones_like(input_ids, dtype=bool)
    whole, _ = masked(input_ids, maskable)
    padded = np.concatenate([input_ids, np.zeros((3, 10), dtype=np.int64)], axis=1)
    wide, _ = masked(padded, np.concatenate([maskable, np.zeros((3, 10), dtype=bool)], axis=1))
    assert np.array_equal(wide[:, :30], whole)
    alone = mask_tokens(
        input_ids[2:], maskable[2:], row_generators(0, 0, [2]), BERT, mask_id=MASK_ID, replacements=REPLACEMENTS
    )
    assert np.array_equal(alone[0][0], whole[2])


def test_masks_are_fresh_in_every_batch_and_the_same_for_the_same_batch():
    input_ids = np.arange(100, 400)[None].repeat(4, axis=0)
    maskable = np.ones_like(input_ids, dtype=bool)
    assert np.array_equal(masked(input_ids, maskable, batch=3)[0], masked(input_ids, maskable, batch=3)[0])
    assert not np.array_equal(masked(input_ids, maskable, batch=3)[0], masked(input_ids, maskable, batch=4)[0])
    assert not np.array_equal(masked(input_ids, maskable, seed=1)[0], masked(input_ids, maskable, seed=2)[0])


def test_shares_above_one_are_refused():
    with pytest.raises(RecipeError, match="more than 1"):
        MaskingConfig.parse({"mask_share": 0.9, "random_share": 0.2})
