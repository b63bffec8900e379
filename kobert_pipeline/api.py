"""The pipeline in Python: `from kobert_pipeline import load_recipe, run, open_run`.

    recipe = load_recipe("quickstart", ("pretrain.max_steps=20",))
    finished = run(recipe, until="pretrain")
    finished.curve().plot(x="step", y="mlm")
    open_run("quickstart").scores()

What these functions do is what the commands do: stages that are finished are skipped, and artifacts are shared with the commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kobert_pipeline import finished, runner
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun, exported_model
from kobert_pipeline.ground.contents.scores import Result, Scores
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from pandas import DataFrame

    from klue_eval.significance import Compared

__all__ = ["OpenRun", "load_recipe", "open_run", "run"]

ARTIFACTS = "artifacts"
Split = Literal["train", "validation"]


@dataclass(frozen=True)
class OpenRun:
    """A run that is finished, or as far as it went."""

    name: str
    """`quickstart`, or `quickstart:TAG`."""
    folders: Mapping[str, Path]
    """Stage -> finished artifact, in the order of the pipeline."""

    @property
    def model(self) -> Path:
        """The folder of the model, for transformers' `from_pretrained`. Raises KobertError if the run has none, ArtifactMismatch if a file
        of it is missing or has changed."""
        return exported_model(self._folder("pretrain"))

    def curve(self, split: Split = "train") -> DataFrame:
        """The course of the pretraining: `step`, `tokens` and every term of the objective; on training batches every `log_steps`, with the
        `learning_rate`, or on validation text.

        Raises KobertError if the run has not pretrained, or if pandas is missing.
        """
        artifact = PretrainedRun(self._folder("pretrain"))
        if split not in ("train", "validation"):
            raise KobertError("curve({split!r}): the split is `train` or `validation`", split=split)
        rows = artifact.curve() if split == "train" else list(artifact.summary.validation)
        frame = _pandas().DataFrame(rows)
        return frame.astype({name: "int64" for name in ("step", "tokens") if name in frame})

    def scores(self) -> DataFrame:
        """The scores, 0 to 100, a row for each protocol, task, metric and initialisation: `mean` and `deviation` over seeds (None for one seed)
        of the last checkpoint, the 95 % interval from `low` to `high`, `best` of the best checkpoint, and `baseline` of character TF-IDF on the same rows. `corrected` is the mean
        of the corrected metric.

        Raises KobertError if the run was not evaluated, or if pandas is missing.
        """
        summary = Scores(self._folder("klue_eval")).summary
        rows = [
            _score(result, metric, summary.baseline.get(result.protocol, {}).get(result.task, {}))
            for result in summary.results
            for metric in result.metrics
        ]
        return _pandas().DataFrame(rows)

    def compare(self, other: OpenRun) -> DataFrame:
        """Whether the scores of another run differ by more than chance, a row for each score that both have: `difference` (the other's minus
        this one's), the ends `low` and `high` of its 95 % interval, and `p`, by a paired bootstrap over rows and seeds. Scores of other rows
        are not compared: their `refused` says why.

        Raises KobertError if one of them was not evaluated, or if pandas is missing.
        """
        from klue_eval.significance import compared

        both = [Scores(run._folder("klue_eval")) for run in (self, other)]
        return _pandas().DataFrame([_compared(entry) for entry in compared(*both)])

    def _folder(self, stage: str) -> Path:
        if stage not in self.folders:
            raise KobertError(
                "{name}: the run has no {stage}. It has {stages}.",
                name=self.name,
                stage=stage,
                stages=", ".join(self.folders) or say("nothing"),
            )
        return self.folders[stage]


def _score(result: Result, metric: str, baseline: Mapping[str, float]) -> dict[str, Any]:
    figures, corrected = result.metrics[metric], result.corrected.get(metric, result.metrics[metric])
    return {
        "protocol": result.protocol,
        "task": result.task,
        "metric": metric,
        "initialisation": result.initialisation,
        "split": result.split,
        "mean": figures.last_mean,
        "deviation": figures.last_std,
        "low": figures.interval[0] if figures.interval else None,
        "high": figures.interval[1] if figures.interval else None,
        "best": figures.best_mean,
        "corrected": corrected.last_mean,
        "baseline": baseline.get(metric),
        "train_rows": result.train_rows,
        "scored_rows": result.dev_rows,
        "seeds": result.seeds,
    }


def _compared(entry: Compared) -> dict[str, Any]:
    found = entry.difference
    return {
        "protocol": entry.protocol,
        "score": entry.title,
        "scored_rows": entry.rows,
        "difference": entry.values[1] - entry.values[0],
        "low": found.low if found else None,
        "high": found.high if found else None,
        "p": found.p if found else None,
        "refused": entry.refused[0] if entry.refused else "",
    }


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise KobertError("Frames need pandas: pip install 'kobert-pipeline[notebook]'") from None
    return pandas


def run(
    recipe: Recipe | str, artifacts: Path | str = ARTIFACTS, *, until: str | None = None, only: str | None = None
) -> OpenRun:
    """Builds what is missing, like `kobert run`. A recipe is the result of `load_recipe`, or a name or path.

    Raises KobertError for everything that a user can correct.
    """
    loaded = load_recipe(recipe) if isinstance(recipe, str) else recipe
    folders = runner.run(loaded, Path(artifacts), only=only, until=until)
    return OpenRun(loaded.run_name, folders)


def open_run(name: str, artifacts: Path | str = ARTIFACTS, settings: Sequence[str] = ()) -> OpenRun:
    """Opens a run by a recipe, by its name (`NAME:TAG`), or by the first digits of one of its artifacts. Builds nothing.

    Raises KobertError if there is no such run.
    """
    found = finished.find_run(name, tuple(settings), Path(artifacts))
    if found is None:
        raise KobertError(
            "{name}: no run in {artifacts}. `kobert runs` lists all; `kobert run {name}` makes one.",
            name=name,
            artifacts=artifacts,
        )
    return OpenRun(found.run_name, found.folders)
