"""The model card. `small_run/` holds hand-written manifests in which every number is its own.

The golden card is written again by `KOBERT_UPDATE_GOLDEN=1 pytest tests/kobert_pipeline/hub`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from kobert_pipeline.artifacts import Manifest, read_manifest
from kobert_pipeline.hub.card import METRIC_TYPES, TASK_TYPES, hub_datasets, model_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.files import STAGES

SMALL_RUN = Path(__file__).parent / "small_run"
GOLDEN = Path(__file__).parent / "golden_card.md"
CONFIG = HubConfig(license="CC-BY-SA-4.0", title="Small Korean model", tags=("wiki",))


@pytest.fixture
def manifests() -> dict[str, Manifest]:
    return {stage: read_manifest(SMALL_RUN / stage) for stage in STAGES}


def with_summary(manifest: Manifest, **changes: Any) -> Manifest:
    return dataclasses.replace(manifest, summary=manifest.summary | changes)


def test_the_card_of_the_small_run_is_the_reviewed_one(manifests: dict[str, Manifest]) -> None:
    card = model_card(CONFIG, "small", manifests)
    if os.environ.get("KOBERT_UPDATE_GOLDEN"):
        GOLDEN.write_text(card, encoding="utf-8", newline="\n")
    assert card == GOLDEN.read_text(encoding="utf-8")


def test_the_front_matter_parses_through_the_hub_client(manifests: dict[str, Manifest]) -> None:
    data = ModelCard(model_card(CONFIG, "small", manifests)).data.to_dict()
    assert data["language"] == "ko"
    assert data["license"] == "cc-by-sa-4.0"
    assert data["library_name"] == "transformers"
    assert data["pipeline_tag"] == "fill-mask"
    assert data["tags"] == ["korean", "modernbert", "wiki"]
    assert "datasets" not in data


def test_the_model_index_holds_the_pretrained_scores_and_no_others(manifests: dict[str, Manifest]) -> None:
    data = ModelCard(model_card(CONFIG, "small", manifests)).data
    assert data.model_name == "Small Korean model"
    found = {(result.dataset_config, result.metric_type): result.metric_value for result in data.eval_results or []}
    assert found == {("ynat", "f1"): 71.23, ("sts", "pearsonr"): 55.13, ("sts", "f1"): 48.04}
    for result in data.eval_results or []:
        assert (result.dataset_name, result.dataset_split) == ("KLUE (klue)", "validation")
        assert result.task_type == TASK_TYPES[result.dataset_config or ""]


def test_every_klue_task_has_a_kind_on_the_hub() -> None:
    from klue_eval.tasks import TASKS

    assert set(TASKS) <= set(TASK_TYPES)
    assert set(METRIC_TYPES) <= {name for task in TASKS.values() for name in task.metrics.names}


def test_scores_on_the_sample_are_neither_in_the_model_index_nor_in_the_text(manifests: dict[str, Manifest]) -> None:
    manifests["klue_eval"] = with_summary(manifests["klue_eval"], sample=True)
    card = model_card(CONFIG, "small", manifests)
    assert "model-index" not in card
    assert "71.23" not in card
    assert "scores on it mean nothing" in card


def test_a_run_without_scores_says_not_evaluated(manifests: dict[str, Manifest]) -> None:
    del manifests["klue_eval"]
    card = model_card(CONFIG, "small", manifests)
    assert "model-index" not in card
    assert "## KLUE\n\nNot evaluated.\n" in card


def test_the_heading_is_the_recipe_where_no_title_is_given(manifests: dict[str, Manifest]) -> None:
    assert "\n# small\n" in model_card(HubConfig(), "small", manifests)


def test_a_model_no_better_than_piece_frequencies_is_called_a_trial(manifests: dict[str, Manifest]) -> None:
    assert "of no use but as a trial" not in model_card(CONFIG, "small", manifests)
    manifests["pretrain"] = with_summary(manifests["pretrain"], held_out=[{"step": 0, "tokens": 0, "mlm": 8.3}])
    assert "of no use but as a trial" in model_card(CONFIG, "small", manifests)


def test_a_licence_cannot_break_the_table(manifests: dict[str, Manifest]) -> None:
    counts = manifests["corpora"].summary["sources"]["wiki"]["counts"]
    sources = {"wiki": {"license": "free | for\n<b>all</b>", "continuity": True, "counts": counts}}
    manifests["corpora"] = with_summary(manifests["corpora"], sources=sources)
    assert "| wiki | free \\| for &lt;b>all&lt;/b> | 1,201 |" in model_card(CONFIG, "small", manifests)


def test_only_sources_from_the_hub_are_named_as_datasets(manifests: dict[str, Manifest]) -> None:
    inputs = {"00000 a: a.parquet": "hf://datasets/someone/korean-text/a.parquet", "00001 b: b.txt": "b2" * 32}
    assert hub_datasets(dataclasses.replace(manifests["corpora"], inputs=inputs)) == ["someone/korean-text"]
