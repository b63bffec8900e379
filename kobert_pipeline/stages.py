"""The pipeline: STAGES, one row per stage, in order. Reading this file is reading the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.config import SPEC as CORPORA
from klue_eval.config import SPEC as KLUE_EVAL
from kobert_pipeline import handover
from kobert_pipeline.dataset.config import SPEC as DATASET
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.stage import StageSpec
from kobert_pipeline.handover import Context
from kobert_pipeline.hub.config import SPEC as HUB
from kobert_pipeline.pretrain.config import SPEC as PRETRAIN
from kobert_pipeline.recipe import Recipe
from tokenizer.config import SPEC as TOKENIZER


@dataclass(frozen=True, kw_only=True)
class Stage:
    spec: StageSpec
    """Name, version and libraries, as the stage's package declares them."""
    reads: tuple[StageSpec, ...] = ()
    """Stages whose artifacts it reads."""
    seeded: bool = False
    """Whether the recipe's seed decides the content."""
    config: Callable[[Recipe], dict[str, Any]]
    """The settings that decide the content."""
    inputs: Callable[[Recipe, FileHashes], dict[str, str]] = handover.no_inputs
    """Inputs from outside the artifacts folder: name -> sha256 or commit."""
    check: Callable[[Recipe, Path], None] = handover.nothing_to_check
    """(recipe, artifacts folder). Raises KobertError for what is known to be wrong before the first stage: a missing machine, wrong input data."""
    build: Callable[[Context], dict[str, Any]]
    """Fills the artifact. Returns the manifest's summary."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def version(self) -> int:
        return self.spec.version

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the stages whose artifacts it reads."""
        return tuple(spec.name for spec in self.reads)


STAGES: tuple[Stage, ...] = (
    Stage(
        spec=CORPORA,  # raw text -> documents of clean sentences
        config=handover.corpora_config,
        inputs=handover.corpora_inputs,
        check=handover.check_corpora,
        build=handover.build_corpora,
    ),
    Stage(
        spec=TOKENIZER,  # sentences -> vocabulary and tokenizer
        reads=(CORPORA,),
        config=handover.tokenizer_config,
        inputs=handover.tokenizer_inputs,
        check=handover.check_tokenizer,
        build=handover.build_tokenizer,
    ),
    Stage(
        spec=DATASET,  # sentences -> token store
        reads=(CORPORA, TOKENIZER),
        config=handover.dataset_config,
        build=handover.build_dataset,
    ),
    Stage(
        spec=PRETRAIN,  # token store -> trained model
        reads=(TOKENIZER, DATASET),
        seeded=True,
        config=handover.pretrain_config,
        inputs=handover.pretrain_inputs,
        check=handover.check_pretrain,
        build=handover.build_pretrain,
    ),
    Stage(
        spec=KLUE_EVAL,  # model -> scores
        reads=(PRETRAIN,),
        seeded=True,
        config=handover.klue_eval_config,
        inputs=handover.klue_eval_inputs,
        check=handover.check_klue_eval,
        build=handover.build_klue_eval,
    ),
    Stage(
        spec=HUB,  # everything -> folder to publish
        reads=(CORPORA, TOKENIZER, DATASET, PRETRAIN, KLUE_EVAL),
        config=handover.hub_config,
        inputs=handover.hub_inputs,
        check=handover.check_hub,
        build=handover.build_hub,
    ),
)
STAGE_NAMES: tuple[str, ...] = tuple(stage.name for stage in STAGES)
