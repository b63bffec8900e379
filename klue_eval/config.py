"""Settings of the evaluation stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from klue_eval.data import SAMPLE
from klue_eval.mixing import By, Mixture, problem_of
from klue_eval.own.own_task import DEFAULTS as OWN_DEFAULTS
from klue_eval.own.own_task import OwnTaskConfig
from klue_eval.perturbation import Perturbation
from klue_eval.task import TaskSettings
from klue_eval.tasks import KNOWN, TASKS, not_in_words
from kobert_pipeline.ground.config import Config, added, nearest, runtime
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.stage import StageSpec

SPEC = StageSpec(
    name="klue_eval", version=7, libraries=("torch", "transformers", "tokenizers", "lightning", "scikit-learn")
)
"""`kobert run` and `kobert eval` share it."""

Initialisation = Literal["pretrained", "random"]
Training = Literal["finetune", "features", "probe", "text_to_text"]
TEXT_TO_TEXT = "text_to_text"


class Distil(Config):
    """Task distillation: the model under test imitates a teacher that was fine-tuned on the same rows (Jiao et al. 2020)."""

    teacher: str = runtime("")
    """The encoder that is fine-tuned first: a folder, `hub:owner/name`, or the name of a recipe that was run. It has the
    vocabulary of the model. Its weights are part of the fingerprint, its name is not."""
    layer_share: float = Field(0.5, ge=0, lt=1)
    """Share of the steps in which embeddings, hidden states and attention scores are imitated, through learned projections. In the
    others, predictions are. 0 needs no equal number of attention heads."""
    temperature: float = Field(1.0, gt=0)
    """By which the logits of both are divided."""
    label_weight: float = Field(0.0, ge=0)
    """Weight of the loss on the labels themselves next to that on the teacher's predictions. The paper has none."""


class Protocol(Config):
    """One way of comparing models: how many labels they see, how often they try, and what may be tuned."""

    train_rows: int | None = Field(None, ge=1)
    """Number of training rows, the same ones for every model. All rows if absent."""
    seeds: int = Field(3, ge=1)
    """Number of fine-tuning runs, at seed, seed + 1, …"""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Each of them is tried. The task's official one if empty."""
    epochs: tuple[PositiveInt, ...] = ()
    """Each of them is tried with each learning rate. The task's official number if empty."""
    selection_rows: int = Field(0, ge=0)
    """Number of other training rows on which the best learning rate and number of epochs are chosen, at one seed. Dev
    is never used for that."""
    initialisations: tuple[Initialisation, ...] = Field(("pretrained",), min_length=1)
    """`random` fine-tunes the same architecture from scratch. The difference shows what pretraining is worth."""
    evaluations_per_epoch: int = Field(4, ge=0)
    """The official number is 4, and the best of them is `best`. 0 scores once, at the end."""
    training: Training = "finetune"
    """`finetune` trains everything, and `text_to_text` an encoder-decoder that answers in words (Raffel et al. 2020, section 2.4). The
    others freeze the encoder: `features` trains a BiLSTM on its last four layers, concatenated, and the task's head (Devlin et al.
    2019, section 5.3); `probe` trains the head on its last layer."""
    patience: int = Field(0, ge=0)
    """Early stopping: a run ends after this number of scorings without a better one on `selection_rows` other training
    rows. Dev is never used for that. 0 never stops early; that is the official way."""

    multitask: tuple[str, ...] = added(())
    """Tasks that train one encoder together, with a head for each (Liu et al. 2019), instead of one after the other; with
    `text_to_text` all of one model (Raffel et al. 2020, section 3.5.2). Other tasks are not scored under this protocol."""
    mixing: By = added("size")
    """How their batches are mixed: each task has as many as alone, or in proportion to the square root of that number, or to its
    power 1 / `temperature`."""
    temperature: PositiveFloat | None = added(None)
    weights: dict[str, PositiveFloat] = added(default_factory=dict)
    """Task -> factor of its loss. Required for tasks of different kinds, whose losses have different scales."""

    @property
    def mixture(self) -> Mixture | None:
        return Mixture(self.mixing, self.temperature, self.weights) if self.multitask else None

    distil: Distil | None = added(None)
    """Task distillation from a teacher, in place of training on the labels alone."""

    @property
    def chooses(self) -> bool:
        return max(1, len(self.learning_rates)) * max(1, len(self.epochs)) > 1

    @model_validator(mode="after")
    def _selection_has_rows(self) -> Self:
        if self.chooses and not (self.selection_rows and self.train_rows):
            raise WrongValue(
                "several learning rates or numbers of epochs need selection_rows and train_rows: the choice is made on training rows that are not trained on"
            )
        return self

    @model_validator(mode="after")
    def _stopping_has_rows(self) -> Self:
        if self.patience and not (self.selection_rows and self.train_rows and self.evaluations_per_epoch):
            raise WrongValue(
                "patience needs selection_rows, train_rows and evaluations_per_epoch: whether to stop is decided on training rows that are not trained on"
            )
        return self

    @model_validator(mode="after")
    def _mixtures_are_whole(self) -> Self:
        if not self.multitask and (self.weights or self.temperature is not None or self.mixing != "size"):
            raise WrongValue(
                "mixing, temperature and weights are about tasks at once; name them: multitask: [ynat, nli]"
            )
        if (self.temperature is not None) != (self.mixing == "temperature"):
            raise WrongValue("temperature is needed for `mixing: temperature`, and for no other")
        if len(set(self.multitask)) < len(self.multitask):
            raise WrongValue("multitask names a task twice")
        if self.multitask and (self.training in ("features", "probe") or self.chooses or self.patience):
            raise WrongValue(
                "multitask trains the encoder with one setting; leave out frozen encoders, patience, and all but one of learning_rates and epochs"
            )
        return self

    @model_validator(mode="after")
    def _students_are_trained(self) -> Self:
        if self.distil is not None and self.training != "finetune":
            raise WrongValue(
                "distil trains the whole encoder, and training {training} freezes it; leave one out",
                training=self.training,
            )
        if self.distil is not None and self.multitask:
            raise WrongValue("distil teaches one task at a time; leave out multitask, or distil")
        return self

    @property
    def other_rows(self) -> int:
        """Number of training rows that are needed besides those trained on."""
        return self.selection_rows if self.chooses or self.patience else 0


HEADS_DISTILLED = frozenset(("classification", "regression", "tagging", "token_labels", "span"))
"""Heads whose predictions a student can imitate (`TaskModel.decisions`)."""
HEADS_EXPORTED = frozenset(("classification", "regression", "tagging", "token_labels", "span"))
"""Heads that a class of transformers has, too (`Head.build_loadable`)."""


class EvaluationConfig(Config):
    tasks: tuple[str, ...] = tuple(TASKS)
    """KLUE's eight. Empty for own tasks alone. Others, as nsmc and kobest_copa, are evaluated only if they are named."""
    data: str = runtime(SAMPLE)
    """Folder of KLUE's files, which are identified by their content. `${VARIABLE}` is expanded.
    `package:klue_eval/sample` is a sample whose scores mean nothing, `hub:klue` is the Hub's copy."""
    held_out: tuple[str, ...] = ()
    """Tasks that have only one labelled file: dev, or a part of the data. The file is cut in two by guid: 80 % is
    trained on, 20 % is scored. Such a score is **not a KLUE dev score**, and is never shown as one."""
    protocols: dict[str, Protocol] = Field({"official": Protocol()}, min_length=1)
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Task -> the settings that differ from the official ones."""
    tfidf: bool = True
    """Score the baseline too: a bag of character n-grams, trained on the same rows. Pretraining has to beat it."""
    own_tasks: dict[str, OwnTaskConfig] = added(default_factory=dict)
    """Labelled tasks of your own, by a name of your choice: `own_tasks: {judgments: {file: judgments.csv}}`. They are scored besides
    `tasks`, under every protocol, and their fine-tuned models are kept."""
    export: tuple[str, ...] = added(())
    """Tasks whose fine-tuned model is kept, of the first seed: a folder for plain transformers, with label names, card and scores."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model. It can do anything that you can do, so read it first."""
    perturb: Perturbation | None = added(None)
    """`spacing` also scores the last checkpoint on the scored rows without spaces, with spaces in wrong places, and with slips of a
    letter. Only for tasks with labels of whole texts or of characters."""
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    """`auto` is bf16-mixed if the device computes it in hardware, otherwise 32-true."""

    @field_validator("tasks")
    @classmethod
    def _tasks_exist(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        for name in tasks:
            _known_task(name)
        return tuple(dict.fromkeys(tasks))

    @model_validator(mode="after")
    def _held_out_tasks_are_evaluated(self) -> Self:
        for name in self.held_out:
            if name not in self.tasks:
                raise WrongValue(
                    "held_out names {name}, which is not among the tasks; {meant}",
                    name=name,
                    meant=nearest(name, list(self.tasks)),
                )
        return self

    @model_validator(mode="after")
    def _distilled_tasks_can_be(self) -> Self:
        refused = [name for name in self.tasks if KNOWN[name].head not in HEADS_DISTILLED]
        if refused and any(protocol.distil is not None for protocol in self.protocols.values()):
            raise WrongValue(
                "distil is not offered for {refused}, whose heads decide in several steps; leave these tasks out",
                refused=", ".join(refused),
            )
        return self

    @model_validator(mode="after")
    def _exported_tasks_are_evaluated(self) -> Self:
        for name in self.export:
            if name not in self.tasks:
                raise WrongValue(
                    "export names {name}, which is not among the tasks; {meant}",
                    name=name,
                    meant=nearest(name, list(self.tasks)),
                )
            if HEADS_EXPORTED.isdisjoint({KNOWN[name].head}):
                fitting = ", ".join(task for task in self.tasks if KNOWN[task].head in HEADS_EXPORTED)
                raise WrongValue(
                    "export: no class of transformers answers as the head of {name} does; possible: {possible}",
                    name=name,
                    possible=fitting or say("none of the tasks"),
                )
        kept = [each for each in self.protocols.values() if each.training == "finetune" and not each.multitask]
        if self.export and not kept:
            raise WrongValue("export: no protocol fine-tunes the encoder on one task, so there is no model to keep")
        return self

    @property
    def trainings(self) -> set[str]:
        """How models are trained, under any protocol."""
        return {protocol.training for protocol in self.protocols.values()}

    @model_validator(mode="after")
    def _tasks_can_be_answered_in_words(self) -> Self:
        if TEXT_TO_TEXT in self.trainings:
            if problem := not_in_words(self.tasks):
                raise WrongValue("training text_to_text: {problem}", problem=problem)
            if self.own_tasks:
                raise WrongValue("training text_to_text: own_tasks have no form in words; leave them out")
        return self

    @field_validator("own_tasks")
    @classmethod
    def _own_tasks_have_names_of_their_own(cls, tasks: dict[str, OwnTaskConfig]) -> dict[str, OwnTaskConfig]:
        for name in tasks:
            if name in KNOWN:
                raise WrongValue("{name} is a task that exists already; choose another name", name=name)
            if not re.fullmatch(r"[\w-]+", name):
                raise WrongValue("{name!r}: a name has letters, digits, `-` and `_`", name=name)
        return tasks

    @model_validator(mode="after")
    def _mixtures_can_be_trained(self) -> Self:
        """Own tasks are known when their files are read (`comparisons_of`)."""
        for name, protocol in self.protocols.items():
            for task in protocol.multitask:
                if task not in (*self.tasks, *self.own_tasks):
                    known = nearest(task, [*self.tasks, *self.own_tasks])
                    raise WrongValue(
                        "protocols.{name}.multitask names {task}, which is not among the tasks; {known}",
                        name=name,
                        task=task,
                        known=known,
                    )
            if protocol.training == TEXT_TO_TEXT:
                continue
            if protocol.multitask and set(protocol.multitask) <= set(KNOWN):
                problem = problem_of({task: KNOWN[task].head for task in protocol.multitask}, protocol.weights)
                if problem:
                    raise WrongValue("protocols.{name}: {problem}", name=name, problem=problem)
        return self

    @model_validator(mode="after")
    def _settings_are_valid(self) -> Self:
        if not (self.tasks or self.own_tasks):
            raise WrongValue("no task to evaluate; name one in tasks or own_tasks")
        for name, overrides in self.settings.items():
            if name not in self.own_tasks:
                _known_task(name)
            changed(OWN_DEFAULTS if name in self.own_tasks else KNOWN[name].defaults, name, overrides)
        return self


def task_settings(name: str, overrides: Mapping[str, Any]) -> TaskSettings:
    """Returns the official settings of a known task, changed by `overrides`. Raises RecipeError for an invalid one."""
    return changed(KNOWN[name].defaults, name, overrides)


def changed(defaults: TaskSettings, name: str, overrides: Mapping[str, Any]) -> TaskSettings:
    """Returns `defaults`, changed by `overrides`. Raises RecipeError for an invalid one."""
    return type(defaults).parse({**defaults.model_dump(), **overrides}, f"klue_eval.settings.{name}")


def _known_task(name: str) -> None:
    if name not in KNOWN:
        raise WrongValue("{name}: no such task; {meant}", name=name, meant=nearest(name, list(KNOWN)))
