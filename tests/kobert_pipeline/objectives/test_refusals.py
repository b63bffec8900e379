"""What is refused before anything is read: pairs that do not fit, and settings that contradict each other or the architecture."""

from __future__ import annotations

from typing import Any

import pytest
from pairs import OBJECTIVE_OF, PAIRS, config_of_pair

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import load_recipe

MISFITS = [
    (objective, architecture)
    for objective in OBJECTIVES
    for architecture in ARCHITECTURES
    if (objective, architecture) not in PAIRS
]
REPLACED = {"name": "replaced_tokens"}


def refusal(objective: str, architecture: str, **changes: Any) -> str:
    """The message for a pair that fits, with other settings."""
    good = config_of_pair(objective, architecture).model_dump(mode="json")
    with pytest.raises(RecipeError) as refused:
        PretrainConfig.parse(good | changes)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("objective", "architecture"), MISFITS)
def test_a_pair_that_does_not_fit_is_named_with_what_it_lacks(objective: str, architecture: str) -> None:
    with pytest.raises(RecipeError) as refused:
        config_of_pair(objective, architecture)
    message = str(refused.value)
    assert f"objective {objective!r} needs" in message
    assert f"architecture {architecture!r} does not" in message
    assert "\n" not in message


@pytest.mark.parametrize("architecture", [name for name, row in ARCHITECTURES.items() if not row.packs])
def test_packing_is_refused_where_examples_of_a_row_would_see_each_other(architecture: str) -> None:
    rows = [{"max_length": 48, "batch_size": 8, "row_length": 96}]
    message = refusal(OBJECTIVE_OF[architecture], architecture, phases=rows)
    assert f"phases.row_length: architecture {architecture!r} cannot keep examples of one row apart" in message


@pytest.mark.parametrize("architecture", [name for name, row in ARCHITECTURES.items() if "sdpa" not in row.attentions])
def test_an_attention_that_an_architecture_lacks_is_refused_with_those_that_it_has(architecture: str) -> None:
    message = refusal(OBJECTIVE_OF[architecture], architecture, attention="sdpa")
    assert f"attention sdpa is not offered by architecture {architecture!r}; set auto, or one of eager" in message


@pytest.mark.parametrize(
    ("objective", "phase", "message"),
    [
        ({"name": "mlm"}, {"mask_share": 0.9, "random_share": 0.5}, r"pretrain.phases[1].objective"),
        ({"name": "mlm"}, {"fixed_predictions": True}, "max_predictions"),
        ({"name": "mlm"}, {"unit": "entities"}, "pretrain.phases[1].objective.unit"),
        ({"name": "mlm"}, {"whole_sentences": True}, "objective.whole_sentences: cannot change between phases"),
        (REPLACED, {"discriminator_weight": 10}, "objective.discriminator_weight: cannot change between phases"),
        (REPLACED, {"fixed_predictions": True, "max_predictions": 5}, "fixed_predictions is not offered"),
        ({"name": "span_boundary"}, {"mlm_probability": 1.5}, "pretrain.phases[1].objective.mlm_probability"),
    ],
)
def test_a_phase_that_contradicts_the_objective_is_refused(objective: Any, phase: Any, message: str) -> None:
    first = {"max_length": 48, "batch_size": 8, "share": 0.5}
    architecture = dict(reversed(PAIRS))[objective["name"]]
    assert message in refusal(objective["name"], architecture, phases=[first, first | {"objective": phase}])


@pytest.mark.parametrize("unit", ["morpheme", "entity", "phrase"])
@pytest.mark.parametrize("where", ["objective.unit={unit}", "phases=[{{max_length: 48, batch_size: 8, objective: {{unit: {unit}}}}}]"])  # fmt: skip
def test_units_of_morphemes_in_any_phase_need_a_store_that_has_them(unit: str, where: str) -> None:
    with pytest.raises(RecipeError, match=r"reads morpheme_start.*; set dataset\.morphemes: true"):
        load_recipe("quickstart", (f"pretrain.{where.format(unit=unit)}",))
