"""The teacher of a task distillation: where it is, whether it fits the model under test, and how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klue_eval.config import Distil, EvaluationConfig, changed
from klue_eval.encoders import load_config, load_model, load_tokenizer
from klue_eval.heads import TaskModel
from klue_eval.heads.distilled import Distilled
from klue_eval.model_folders import folder_identity
from klue_eval.own.own_task import DEFAULTS as OWN_DEFAULTS
from klue_eval.task import KlueTask
from klue_eval.tasks import KNOWN
from klue_eval.token_reader import Reader
from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.attention_scores import SCORES, register
from kobert_pipeline.ground import addresses
from kobert_pipeline.ground.contents.scores import PRETRAINED
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.objectives.teacher import address
from kobert_pipeline.training.positions import positions


@dataclass(frozen=True)
class Teacher:
    folder: Path
    """Its encoder."""
    weights: Path
    """Of the same model, fine-tuned, with its head."""
    distil: Distil

    def attention(self) -> str | None:
        """What both models compute attention by: scores are read if layers are imitated."""
        if not self.distil.layer_share:
            return None
        register()
        return SCORES


def imitating(student: TaskModel, teacher: Teacher, task: KlueTask, reader: Reader, steps: int) -> Distilled:
    """The student with its teacher, for a training of `steps`."""
    from safetensors.torch import load_file

    model = load_model(task, teacher.folder, PRETRAINED, task.defaults, reader, attention=teacher.attention())
    model.load_state_dict(load_file(teacher.weights))
    return Distilled(student, model, teacher.distil, steps)


def student_of(model: TaskModel) -> TaskModel:
    """The model without its teacher."""
    return model.student if isinstance(model, Distilled) else model


def save_weights(model: TaskModel, file: Path) -> None:
    """Writes all weights of a fine-tuned model. Shared ones are written once each time they are named."""
    from safetensors.torch import save_file

    save_file({name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}, file)


def setting_of(protocol: str) -> str:
    return f"klue_eval.protocols.{protocol}.distil.teacher"


def teacher_inputs(config: EvaluationConfig, hashes: FileHashes) -> dict[str, str]:
    """Protocol -> what identifies its teacher: the commit on the Hub, or the hash of its files."""
    return {name: _identity(name, distil, hashes) for name, distil in _distilled(config).items()}


def _identity(protocol: str, distil: Distil, hashes: FileHashes) -> str:
    setting = setting_of(protocol)
    place = address(distil.teacher, hashes.root, setting)
    if addresses.is_on_hub(place):
        return next(iter(addresses.commit(place, setting).values()))
    return folder_identity(Path(place), hashes.root)


def teacher_folders(config: EvaluationConfig, root: Path, known: Mapping[str, str]) -> dict[str, Path]:
    """Protocol -> the folder of its teacher, downloaded at the commit that `known` names."""
    patterns = (*addresses.WEIGHTS, *addresses.TOKENIZER)
    found = {}
    for name, distil in _distilled(config).items():
        place, setting = address(distil.teacher, root, setting_of(name)), setting_of(name)
        found[name] = addresses.local_folder(place, setting, patterns, {f"teacher {place}": known[name]})
    return found


def _distilled(config: EvaluationConfig) -> dict[str, Distil]:
    return {name: protocol.distil for name, protocol in config.protocols.items() if protocol.distil is not None}


def require_teachers(config: EvaluationConfig, model: Path, teachers: Mapping[str, Path], root: Path) -> None:
    """Raises InputError, before any data is read, for a teacher that the model under test cannot imitate."""
    for name, distil in _distilled(config).items():
        teacher, place = teachers[name], f"{setting_of(name)}: {teachers[name].name}"
        if folder_identity(teacher, root) == folder_identity(model, root):
            raise InputError("{place}: is the model itself. Name another model.", place=place)
        _require_same_vocabulary(model, teacher, place)
        _require_positions(config, model, teacher, place)
        if distil.layer_share:
            _require_layers(load_config(model), load_config(teacher), place)


def _require_same_vocabulary(model: Path, teacher: Path, place: str) -> None:
    ours, theirs = (load_tokenizer(folder).get_vocab() for folder in (model, teacher))
    if ours != theirs:
        moved = sum(ours.get(piece) != number for piece, number in theirs.items())
        raise InputError(
            "{place}: has another vocabulary: {moved:,} of its {theirs:,} pieces are not in the model's tokenizer of {ours:,}, or have another number there. Name a teacher with the model's tokenizer.",
            place=place,
            moved=moved,
            theirs=len(theirs),
            ours=len(ours),
        )


def _require_positions(config: EvaluationConfig, model: Path, teacher: Path, place: str) -> None:
    own, limit = (positions(load_config(folder)) for folder in (model, teacher))
    for name in (*config.tasks, *config.own_tasks):
        defaults = KNOWN[name].defaults if name in KNOWN else OWN_DEFAULTS
        longest = min(changed(defaults, name, config.settings.get(name, {})).max_length, own)
        if longest > limit:
            raise InputError(
                "{place}: has {limit} positions, and examples of {name} have up to {longest} tokens. Set klue_eval.settings.{name}.max_length to at most {limit}, or name another model.",
                place=place,
                limit=limit,
                name=name,
                longest=longest,
            )


def _require_layers(student: Any, teacher: Any, place: str) -> None:
    """Raises InputError unless layers can be imitated."""
    shown = {row.weights.model_type for row in ARCHITECTURES.values() if row.shows_scores}
    for config in (student, teacher):
        if config.model_type not in shown:
            raise InputError(
                "{place}: a {kind} does not show its attention scores; set layer_share: 0",
                place=place,
                kind=config.model_type,
            )
    heads, layers = (
        [getattr(config, name) for config in (student, teacher)]
        for name in ("num_attention_heads", "num_hidden_layers")
    )
    if heads[0] != heads[1]:
        raise InputError(
            "{place}: has {theirs} attention heads, and the model {ours}; set layer_share: 0",
            place=place,
            theirs=heads[1],
            ours=heads[0],
        )
    if layers[0] > layers[1]:
        raise InputError(
            "{place}: has {theirs} layers, and the model {ours}; set layer_share: 0",
            place=place,
            theirs=layers[1],
            ours=layers[0],
        )
