"""One folder with an encoder and the heads of several tasks.

The folder is the encoder with its tokenizer, as transformers' `AutoModel` loads it. `heads.json` lists the tasks, and `heads/NAME.safetensors`
has what a task adds to the encoder. `load_task` gives the model of one of them, as it was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file

from klue_eval.encoders import load_model, load_tokenizer
from klue_eval.heads import TaskModel
from klue_eval.heads.shared import body_of, head_weights
from klue_eval.task import KlueTask
from klue_eval.text_to_text import IN_WORDS, in_words
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_object, write_json
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.auto_tokenizer import save_tokenizer
from kobert_pipeline.training.quiet import quiet

if TYPE_CHECKING:
    from klue_eval.finetune import Prepared

HEADS_LIST = "heads.json"
HEADS_FOLDER = "heads"


def export_all(parts: Sequence[Prepared], folder: Path) -> None:
    """Writes the encoder of the first part, which all share, the tokenizer, and the heads."""
    encoder: Any = body_of(parts[0].module.model)
    with quiet():
        encoder.save_pretrained(folder, safe_serialization=True)
        save_tokenizer(parts[0].reader.tokenizer, folder)
    (folder / HEADS_FOLDER).mkdir()
    for part in parts:
        weights = head_weights(part.module.model, encoder)
        save_file(
            {name: weight.contiguous() for name, weight in weights.items()}, _file(folder, part.module.trial.task.name)
        )
    write_json(folder / HEADS_LIST, {part.module.trial.task.name: _described(part) for part in parts})


def _described(part: Prepared) -> dict[str, Any]:
    task, settings = part.module.trial.task, part.module.trial.settings
    return {"title": task.title, "head": task.head, "labels": list(task.labels), "settings": settings.content()}


def _file(folder: Path, name: str) -> Path:
    return folder / HEADS_FOLDER / f"{name}.safetensors"


def load_task(folder: Path, task: KlueTask) -> tuple[TaskModel, Reader]:
    """Returns the model of a task, in evaluation mode, and how it reads texts. Raises InputError if the folder does not have it."""
    known = read_object(folder / HEADS_LIST) if (folder / HEADS_LIST).is_file() else {}
    if task.name not in known:
        has = say("it has {names}", names=", ".join(known)) if known else say("it has no {file}", file=HEADS_LIST)
        raise InputError("{folder}: no head for {task}; {has}", folder=folder, task=task.name, has=has)
    if known[task.name]["head"] == IN_WORDS:
        task = in_words(task)
    settings = type(task.defaults).parse(known[task.name]["settings"])
    reader = Reader(load_tokenizer(folder), settings.max_length)
    model = load_model(task, folder, "pretrained", settings, reader)
    report = model.load_state_dict(load_file(_file(folder, task.name)), strict=False)
    if report.unexpected_keys:
        raise InputError(
            "{folder}: the head of {task} does not fit the encoder: {weight}",
            folder=folder,
            task=task.name,
            weight=report.unexpected_keys[0],
        )
    return model.eval(), reader
