"""Settings of a training of sentence embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from kobert_pipeline.ground.config import Config, runtime

Method = Literal["simcse", "tsdae", "nli", "sts"]


class StepConfig(Config):
    """One training. A setting that is left out is that of the method (`methods.py`)."""

    method: Method
    epochs: float | None = Field(None, gt=0)
    max_steps: int | None = Field(None, ge=1)
    """Ends the step earlier."""
    batch_size: int | None = Field(None, ge=2)
    learning_rate: float | None = Field(None, gt=0)
    sentences: int = Field(100_000, ge=2)
    """The most sentences of the corpus that `simcse` and `tsdae` read; they are drawn evenly from all of it."""


class EmbeddingConfig(Config):
    steps: tuple[StepConfig, ...] = ()
    """Trainings, one after the other. None: the mean of the encoder's tokens as it is."""
    pooling: Literal["mean", "cls"] = "mean"
    max_length: int = Field(64, ge=4)
    """Tokens of a sentence; longer ones are cut."""
    warmup_share: float = Field(0.1, ge=0, le=1)
    dropout: float = Field(0.1, gt=0, lt=1)
    """What makes the two views of a sentence that `simcse` compares. It takes the place of a dropout of 0 in training."""
    klue: str | None = runtime(None)
    """KLUE's folder, archive, or `hub:klue`: trains `nli` and `sts`, and measures similarity and retrieval."""
    sts_train: str | None = runtime(None)
    """Scored pairs to train on in addition: KorSTS' TSV, or a table with `sentence1`, `sentence2` and `score`."""
    sts_dev: str | None = runtime(None)
    """Scored pairs to measure on in addition."""
    nli_train: str | None = runtime(None)
    """Labelled pairs in addition: KorNLI's TSV, or a table with `sentence1`, `sentence2` and `gold_label`."""
    titles: int = Field(3_000, ge=20)
    """Titles of YNAT's dev among which neighbours are searched."""
    seed: int = Field(42, ge=0, lt=2**32)

    def shown(self) -> dict[str, Any]:
        """Every setting, with the names of files in the place of their folders, which one machine has."""
        data = {name: getattr(self, name) for name in ("klue", "sts_train", "sts_dev", "nli_train")}
        return self.content() | {name: place and Path(place).name for name, place in data.items()}
