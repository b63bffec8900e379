"""Models of steps on the way as revisions of the same repository: what is published of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.hub.bundle import Bundle, model_bundle
from kobert_pipeline.hub.card import checkpoint_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.publishable import CARD, EVAL_RESULTS, PAGE, SCORES, is_model_file, is_onnx_file

LAST = "last"


@dataclass(frozen=True)
class Checkpoint:
    revision: str
    """The branch: `step-1000`."""
    bundle: Bundle

    @property
    def tag(self) -> str:
        """Names the run, too: a later run has another model of this step."""
        return f"{self.revision}-{self.bundle.fingerprint[:8]}"


def checkpoints_of(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str) -> list[Checkpoint]:
    """Those that the recipe names. Raises KobertError for a step that was not kept in training."""
    if not config.checkpoints:
        return []
    pretrain = ArtifactSet.read(folders)[PretrainedRun]
    whole = model_bundle(config, recipe, folders, repo=repo, page="")
    last = [pretrain.summary.steps] if LAST in config.checkpoints else []
    steps = dict.fromkeys([*config.steps, *last])
    return [_checkpoint(config, recipe, folders, repo, whole, step) for step in steps]


def _checkpoint(
    config: HubConfig, recipe: str, folders: Mapping[str, Path], repo: str, whole: Bundle, step: int
) -> Checkpoint:
    artifacts, revision = ArtifactSet.read(folders), f"step-{step}"
    model = artifacts[PretrainedRun].model_at(step)
    if model is None:
        kept = artifacts[PretrainedRun].kept_steps()
        there = say("kept are {steps}", steps=", ".join(map(str, kept))) if kept else say("none is kept")
        raise KobertError(
            "hub.checkpoints: the model of step {step} was not kept in training; {there}. Leave it out, or train again with this setting: remove the folder of the pretraining, and run the recipe.",
            step=step,
            there=there,
        )
    files: dict[str, Path | str] = {name: content for name, content in whole.files.items() if not _is_of_the_last(name)}
    files |= {path.name: path for path in sorted(model.iterdir()) if path.is_file() and is_model_file(path.name)}
    files[CARD] = checkpoint_card(config, recipe, artifacts, repo=repo, step=step, revision=revision)
    return Checkpoint(revision, replace(whole, files=files, export=model))


def _is_of_the_last(name: str) -> bool:
    """Whether a file belongs to the finished model alone."""
    return name in (PAGE, SCORES, EVAL_RESULTS) or is_model_file(name) or is_onnx_file(name)
