"""The page that compares two runs: their settings, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.score_table import score_table
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.hub.hub_scores import dev_scores
from kobert_pipeline.report import curves, morpheme_colours, run_table, score_tracks
from kobert_pipeline.report.bilingual import say
from kobert_pipeline.report.differences import MISSING, Both, differences, shared
from kobert_pipeline.report.kept_pages import identity, write_kept
from kobert_pipeline.report.morpheme_colours import Sentence
from kobert_pipeline.report.picture import StageBox, stage_boxes
from kobert_pipeline.report.pretraining import left_chance, with_unit
from kobert_pipeline.report.real_differences import RealDifference, real_differences
from kobert_pipeline.report.templates import template
from kobert_pipeline.report.tried import Tried, tried
from kobert_pipeline.uses import use_named

TEMPLATE = "compare.html.jinja"
EXAMPLES = 3
"""Sentences shown in the pieces of both tokenizers."""

Pair = tuple[str, str]


def write_comparison(path: Path, names: Pair, folders: tuple[dict[str, Path], dict[str, Path]]) -> list[RealDifference]:
    """Writes the page of two runs, and returns which scores differ. `folders`: stage -> finished artifact of each; stages that are
    absent are left out."""
    both = ArtifactSet.read(folders[0]), ArtifactSet.read(folders[1])
    real = real_differences(both)
    write_kept(path, render(names, both, real))
    return real


def render(names: Pair, both: Both, real: Sequence[RealDifference]) -> str:
    boxes = (stage_boxes(both[0]), stage_boxes(both[1]))
    scored = [dev_scores(artifacts) for artifacts in both]
    values = {
        "ids": identity(*both),
        "verdict": run_table.verdict([run_table.row_of(*pair) for pair in zip(names, both, strict=True)]),
        "names": names,
        "rows": result_rows(both),
        "differences": differences(both),
        "shared": shared(both),
        "charts": _charts(names, both),
        **_examples(both),
        "panels": score_tracks.panels(
            *(score_table(found, model=name) for name, found in zip(names, scored, strict=True))
        ),
        "real": real,
        "sample": any(found.sample for found in scored),
        "costs": costs(boxes, shared(both)),
        "kinds": morpheme_colours.KINDS,
        "sentences": _sentences(both),
    }
    return str(template(TEMPLATE).render(values))


# --- results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResultRow:
    words: str
    values: Pair
    better: int | None = None
    """The side that is better; None where neither is."""
    difference: str = ""
    """The second value minus the first; empty where they are equal or one is missing."""


Value = int | float | None


class Line(NamedTuple):
    """A row of one run."""

    words: str
    value: Value
    better: int = 0
    """1 if more is better, -1 if less is, 0 if neither."""
    unit: str = ""

    @property
    def text(self) -> str:
        return MISSING if self.value is None else self.written(self.value)

    def written(self, value: int | float) -> str:
        """A value in the unit of the line."""
        if self.unit == "share":
            return f"{100 * value:.2f} %"
        return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"

    def minus(self, other: Line) -> str:
        if self.value is None or other.value is None or self.value == other.value:
            return ""
        return f"{'+' if self.value > other.value else '−'}{self.written(abs(self.value - other.value))}"


def result_rows(both: Both) -> list[ResultRow]:
    """Figures are compared only where both runs have the same token store, and so the same validation text."""
    left, right = ({line.words: line for line in _lines(artifacts)} for artifacts in both)
    comparable = TokenStore.stage in shared(both)
    missing = Line("", None)
    pairs = [(left.get(words, missing), right.get(words, missing)) for words in dict.fromkeys([*left, *right])]
    return [
        ResultRow(
            one.words or other.words,
            (one.text, other.text),
            _better(one, other) if comparable else None,
            other.minus(one),
        )
        for one, other in pairs
    ]


def _lines(artifacts: ArtifactSet) -> Iterator[Line]:
    if corpus := artifacts.get(Corpus):
        yield Line("documents", corpus.summary.total.kept)
        yield Line("sentences", corpus.summary.total.sentences)
    if tokenizer := artifacts.get(TokenizerFolder):
        yield Line("pieces in the vocabulary", tokenizer.summary.vocab_size)
        yield Line("pieces per eojeol", tokenizer.summary.training_text.pieces_per_eojeol)
        yield Line("cuts agree with morphemes (F1)", tokenizer.summary.training_text.cut_f1, 1)
    if store := artifacts.get(TokenStore):
        yield Line("tokens in the store", store.summary.train.tokens)
    if run := artifacts.get(PretrainedRun):
        yield Line("parameters", run.summary.parameters)
        yield Line("steps", run.summary.steps)
        yield Line("tokens seen", run.summary.tokens)
        level = say("chance level: {chance}", chance=say(run.summary.chance.name))
        yield Line(level, run.summary.chance.value)
        if run.summary.baseline:
            words = say("baseline: {name}", name=say(run.summary.baseline.name))
            yield Line(words, run.summary.baseline.value)
        for figure in run.summary.overall:
            yield Line(with_unit(figure), run.summary.end(figure), figure.better, figure.unit)


def _better(one: Line, other: Line) -> int | None:
    if not one.better or one.value is None or other.value is None or one.value == other.value:
        return None
    return int((other.value - one.value) * one.better > 0)


def _charts(names: Pair, both: Both) -> list[Any]:
    """Empty where one run has not pretrained."""
    runs = [(name, run) for name, artifacts in zip(names, both, strict=True) if (run := artifacts.get(PretrainedRun))]
    return list(curves.both([curves.course_of(name, run) for name, run in runs])) if len(runs) == 2 else []


@dataclass(frozen=True)
class CostRow:
    title: str
    boxes: tuple[StageBox, StageBox]
    shares: tuple[float, float]
    """Of the longest stage of both runs, 0 to 1."""
    shared: bool


def costs(boxes: tuple[list[StageBox], list[StageBox]], same: list[str]) -> list[CostRow]:
    """Stages that at least one of the runs has finished. `same`: stages whose artifact both share."""
    longest = max((box.seconds or 0 for side in boxes for box in side), default=0) or 1
    return [
        CostRow(
            left.title,
            (left, right),
            ((left.seconds or 0) / longest, (right.seconds or 0) / longest),
            left.name in same,
        )
        for left, right in zip(*boxes, strict=True)
        if left.figure is not None or right.figure is not None
    ]


def _sentences(both: Both) -> list[tuple[Sentence, Sentence]]:
    """Empty where both runs have the same tokenizer."""
    if TokenizerFolder.stage in shared(both):
        return []
    left, right = (morpheme_colours.sentences(artifacts.get(TokenizerFolder), public=True) for artifacts in both)
    return list(zip(left, right, strict=False))[:EXAMPLES]


def _examples(both: Both) -> dict[str, Any]:
    """The use and the answers of both models. No answers where both runs have the same model, where one has none, where
    their models have different uses, and where neither has left the level of chance."""
    left, right = (artifacts.get(PretrainedRun) for artifacts in both)
    nothing: dict[str, Any] = {"use": None, "examples": []}
    if left is None or right is None or PretrainedRun.stage in shared(both) or left.summary.use != right.summary.use:
        return nothing
    if not any(left_chance(run.summary) for run in (left, right)):
        return nothing
    use = use_named(left.summary.use)
    answers: list[tuple[Tried, Tried]] = list(
        zip(tried(left.checked_model, use), tried(right.checked_model, use), strict=False)
    )
    return {"use": use, "examples": answers}
