"""What objectives with a frozen teacher share: where it is, its part of the fingerprint, and options.

A teacher is a folder, `hub:owner/name`, or a run of this artifacts folder by the name of its recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from kobert_pipeline.ground import addresses
from kobert_pipeline.ground.config import runtime
from kobert_pipeline.ground.contents.pretrained_run import exported_model
from kobert_pipeline.ground.errors import InputError, WrongValue
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.pointers import last_artifact
from kobert_pipeline.objectives.masked import TOKENS, MaskedOptions
from kobert_pipeline.objectives.objective import STUDENT, TEACHER, Inputs, Role

SETTING = f"pretrain.objective.{TEACHER}"
STAGE = "pretrain"


class TaughtOptions(MaskedOptions):
    teacher: str = runtime("")
    """A folder that `save_pretrained` wrote, `hub:owner/name`, or the name of a recipe that was run. Its weights are part of the
    fingerprint, its name is not. It has the vocabulary of this recipe."""
    start: Literal["teacher_layers", "random"] = "teacher_layers"
    """How the student begins. `teacher_layers`: with the teacher's embeddings, head and evenly chosen layers, every other one for
    half of them (Sanh et al. 2019, section 2), which needs the same widths. `continue_from` takes the place of both."""

    @model_validator(mode="after")
    def _labels_stay_in_place(self) -> TaughtOptions:
        if self.fixed_predictions:
            raise WrongValue("fixed_predictions is not offered: the teacher is imitated at every token")
        return self


def models(options: TaughtOptions) -> dict[str, Role]:
    """The student, and the teacher that it may begin as."""
    begins_as = TEACHER if options.start == "teacher_layers" else ""
    return {STUDENT: Role((TOKENS,), begins_as=begins_as), TEACHER: Role((TOKENS,), checkpoint=TEACHER)}


def address(name: str, root: Path, setting: str = SETTING) -> str:
    """The folder or `hub:owner/name` that `name` means; a run is looked for in the artifacts folder `root`.

    Raises InputError for a name that means nothing here.
    """
    if not name:
        raise InputError(
            "{setting}: missing. Name a folder, hub:owner/name, or a recipe that was run.", setting=setting
        )
    if addresses.is_on_hub(name):
        return name
    if (folder := Path(addresses.expand_variables(name, setting)).expanduser()).is_dir():
        return str(folder)
    run = last_artifact(root, name, STAGE)
    if run is None:
        raise InputError(
            "{setting}: {name}: no such folder, and no trained run of this name in {root}. Train it first (`kobert run {name} --until {stage}`), or name a folder or hub:owner/name.",
            setting=setting,
            name=name,
            root=root.name,
            stage=STAGE,
        )
    return str(exported_model(run))


def _identity(options: TaughtOptions, hashes: FileHashes) -> dict[str, str]:
    return addresses.identity(address(options.teacher, hashes.root), SETTING, addresses.WEIGHTS, hashes)


def _addresses(options: TaughtOptions, root: Path) -> dict[str, str]:
    return {TEACHER: address(options.teacher, root)}


def _folders(options: TaughtOptions, known: Mapping[str, str], root: Path) -> dict[str, Path]:
    patterns = (*addresses.WEIGHTS, *addresses.TOKENIZER)
    return {TEACHER: addresses.local_folder(address(options.teacher, root), SETTING, patterns, dict(known))}


INPUTS = Inputs(_identity, _addresses, _folders)
