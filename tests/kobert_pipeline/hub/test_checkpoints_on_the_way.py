"""Models of steps on the way: each is a revision of the repository, and loads by its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hub_server import HubServer
from pushing import REPO, TOKEN, repository, send

from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun, kept_folder
from kobert_pipeline.ground.errors import KobertError, RecipeError
from kobert_pipeline.hub.bundle import Bundle
from kobert_pipeline.hub.checkpoints_on_the_way import checkpoints_of
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.push import Destination
from kobert_pipeline.recipe import load_recipe

STEP = 10


@pytest.fixture
def kept(run: dict[str, Path], model: Path) -> dict[str, Path]:
    """The small run with a model of step 10, which differs from the last one in one weight."""
    from transformers import BertForPreTraining

    folder = kept_folder(run["pretrain"] / "run", STEP) / "model"
    shutil.copytree(model, folder)
    network = BertForPreTraining.from_pretrained(folder)
    with torch.no_grad():
        network.bert.embeddings.LayerNorm.bias += 1
    network.save_pretrained(folder)
    return run


def config(*checkpoints: int | str) -> HubConfig:
    return HubConfig.parse({"license": "CC-BY-SA-4.0", "checkpoints": list(checkpoints)})


def test_each_checkpoint_is_a_revision_that_loads_by_its_name(
    hub: HubServer, bundle: Bundle, kept: dict[str, Path], tmp_path: Path
) -> None:
    from transformers import AutoModel, AutoTokenizer

    send(bundle)
    last = PretrainedRun(kept["pretrain"]).summary.steps
    found = checkpoints_of(config(STEP, "last"), "small", kept, repo=REPO)
    assert [each.revision for each in found] == [f"step-{STEP}", f"step-{last}"]
    for each in found:
        send(each.bundle, Destination(REPO, revision=each.revision, tag=each.tag))
    assert set(repository(hub).branches) == {"main", *(each.revision for each in found)}
    assert "run.html" not in repository(hub).files(f"step-{STEP}")

    def bias(revision: str | None) -> torch.Tensor:
        AutoTokenizer.from_pretrained(REPO, revision=revision, cache_dir=tmp_path / "cache", token=TOKEN)
        loaded = AutoModel.from_pretrained(REPO, revision=revision, cache_dir=tmp_path / "cache", token=TOKEN)
        return loaded.embeddings.LayerNorm.bias

    assert torch.equal(bias(f"step-{last}"), bias(None))
    assert torch.allclose(bias(f"step-{STEP}"), bias(None) + 1)


def test_the_card_of_a_checkpoint_shows_its_curve_and_no_scores(kept: dict[str, Path]) -> None:
    (found,) = checkpoints_of(config(STEP), "small", kept, repo=REPO)
    card = found.bundle.card
    assert f'revision="step-{STEP}"' in card
    assert "Nothing was scored at this step" in card
    assert "model-index" not in card
    assert not {"scores.json", ".eval_results/klue.yaml", "run.html"} & set(found.bundle.files)


def test_a_step_that_was_not_kept_is_named_with_those_that_were(kept: dict[str, Path]) -> None:
    with pytest.raises(KobertError, match=r"the model of step 7 was not kept in training; kept are 10\. Leave it out"):
        checkpoints_of(config(STEP, 7), "small", kept, repo=REPO)


def test_a_step_beyond_the_end_is_refused_in_the_recipe_and_changes_no_artifact() -> None:
    with pytest.raises(RecipeError, match=r"hub\.checkpoints: step 5000 is beyond pretrain\.max_steps 4"):
        load_recipe("quickstart", ("pretrain.max_steps=4", "hub.checkpoints=[2, 5000]"))
    with pytest.raises(RecipeError, match=r"hub\.checkpoints"):
        load_recipe("quickstart", ("hub.checkpoints=[0]",))
    plain, kept = load_recipe("quickstart"), load_recipe("quickstart", ("hub.checkpoints=[2, last]",))
    assert kept.hub.steps == (2,)
    assert (plain.deciding(), plain.run_name) == (kept.deciding(), kept.run_name)
