"""ERNIE's masked units: names and noun phrases are masked whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import config_of_pair

from kobert_pipeline.dataset.annotations import MORPHEME_START, PART_OF_SPEECH
from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.joined_units import run_starts
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.masked import RUNS
from kobert_pipeline.objectives.objective import BatchContext
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.recipe import load_recipe

LENGTH = 48
FEWEST = {"entity": 1, "phrase": 50}
"""Neighbours that the text has at least: names are rare in it."""


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_neighbours_inside_are_one_unit_and_the_others_stay_as_they_are(tokens):
    starts, inside = (np.array([values]) for values in zip(*tokens, strict=True))
    joined = run_starts(starts, inside)[0]
    for place, (begins, is_inside) in enumerate(tokens):
        continues = place > 0 and is_inside and tokens[place - 1][1]
        assert joined[place] == (begins and not continues)


@pytest.mark.parametrize("unit", RUNS)
def test_no_name_and_no_phrase_is_cut(tagged_store, tiny, unit):
    """Over a block: neighbouring tokens with these tags are both masked or neither is; so are the tokens of a morpheme."""
    objective, info = OBJECTIVES["mlm"], tokenizer_info(tiny.tokenizer)
    options = config_of_pair("mlm", "bert", unit=unit, mlm_probability=0.3).options
    block = tagged_store.read(tagged_store.blocks(TRAIN)[0])
    examples = objective.plan(block, PlanContext(0, 0, 0, 0, LENGTH), options)
    chosen = np.arange(len(examples))
    random = RowGenerator(0, 0, first=0, rows=len(chosen), width=LENGTH)
    batch = objective.collate(examples, chosen, BatchContext(info, random), options)
    rows = assemble(examples, chosen, info, numbered=False)
    masked = batch["labels"].numpy() != IGNORE_INDEX
    inside = np.isin(rows.annotations(PART_OF_SPEECH), [PARTS_OF_SPEECH.index(tag) for tag in RUNS[unit]])
    together = rows.maskable[:, 1:] & rows.maskable[:, :-1]
    run = together & inside[:, 1:] & inside[:, :-1]
    morpheme = together & ~rows.annotations(MORPHEME_START)[:, 1:]
    for pairs, least in ((run, FEWEST[unit]), (morpheme, 50)):
        assert pairs.sum() >= least
        assert np.array_equal(masked[:, 1:][pairs], masked[:, :-1][pairs])
    assert 0.2 < masked.sum() / rows.maskable.sum() < 0.32


def test_a_store_without_morphemes_is_refused_before_anything_runs():
    with pytest.raises(RecipeError, match=r"reads morpheme_start, .* set dataset.morphemes: true"):
        load_recipe("quickstart", ("pretrain.objective.unit=entity",))


def test_a_later_phase_may_mask_other_units(monkeypatch, tmp_path):
    monkeypatch.setenv("KOBERT_CORPUS", str(tmp_path))
    config = load_recipe("ernie-mini").pretrain
    assert [config.options_in(phase).unit for phase in range(3)] == ["subword", "phrase", "entity"]
    assert config.annotations == (MORPHEME_START, PART_OF_SPEECH)
