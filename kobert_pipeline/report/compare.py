"""The page that compares two runs: their settings, and their results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.pretrained_run import Figure, PretrainedRun
from kobert_pipeline.ground.contents.score_table import score_table
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.hub.card import dev_scores
from kobert_pipeline.report import curves, morpheme_colours, score_tracks
from kobert_pipeline.report.differences import MISSING, Both, differences, shared
from kobert_pipeline.report.morpheme_colours import Sentence
from kobert_pipeline.report.numbers import in_sentence
from kobert_pipeline.report.picture import StageBox, stage_boxes
from kobert_pipeline.report.templates import template
from kobert_pipeline.report.tried import Tried, tried
from kobert_pipeline.uses import use_named

TEMPLATE = "compare.html.jinja"
EXAMPLES = 3
"""Sentences shown in the pieces of both tokenizers."""

Pair = tuple[str, str]


def write_comparison(path: Path, names: Pair, folders: tuple[dict[str, Path], dict[str, Path]]) -> None:
    """Writes the page of two runs. `folders`: stage -> finished artifact of each; stages that are absent are left out."""
    write_text(path, render(names, (ArtifactSet.read(folders[0]), ArtifactSet.read(folders[1]))))


def render(names: Pair, both: Both) -> str:
    boxes = (stage_boxes(both[0]), stage_boxes(both[1]))
    scored = [dev_scores(artifacts) for artifacts in both]
    values = {
        "names": names,
        "rows": result_rows(both),
        "differences": differences(both),
        "shared": shared(both),
        "charts": _charts(names, both),
        **_examples(both),
        "panels": score_tracks.panels(
            *(score_table(found, model=name) for name, found in zip(names, scored, strict=True))
        ),
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


Value = int | float | None
Line = tuple[str, Value, int]
"""Words, value, and whether more (1), less (-1) or neither (0) is better."""


def result_rows(both: Both) -> list[ResultRow]:
    """Rows without a value in either run are left out."""
    left, right = ({words: (value, better) for words, value, better in _lines(artifacts)} for artifacts in both)
    comparable = TokenStore.stage in shared(both)
    rows = []
    for words in dict.fromkeys([*left, *right]):
        values = left.get(words, (None, 0))[0], right.get(words, (None, 0))[0]
        better = (left.get(words) or right[words])[1]
        rows.append(ResultRow(words, (_number(values[0]), _number(values[1])), _better(values, better, comparable)))
    return rows


def _lines(artifacts: ArtifactSet) -> Iterator[Line]:
    if corpus := artifacts.get(Corpus):
        yield "documents", corpus.summary.total.kept, 0
        yield "sentences", corpus.summary.total.sentences, 0
    if tokenizer := artifacts.get(TokenizerFolder):
        yield "pieces in the vocabulary", tokenizer.summary.vocab_size, 0
        yield "pieces per eojeol", tokenizer.summary.training_text.pieces_per_eojeol, 0
        yield "cuts agree with morphemes (F1)", tokenizer.summary.training_text.cut_f1, 1
    if store := artifacts.get(TokenStore):
        yield "tokens in the store", store.summary.train.tokens, 0
    if run := artifacts.get(PretrainedRun):
        yield "parameters", run.summary.parameters, 0
        yield "steps", run.summary.steps, 0
        yield "tokens seen", run.summary.tokens, 0
        yield f"chance level: {run.summary.chance.name}", run.summary.chance.value, 0
        for figure in run.summary.overall:
            yield _title(figure), run.summary.end(figure), figure.better


def _title(figure: Figure) -> str:
    return in_sentence(figure.title) + (f", {figure.unit}" if figure.unit else "")


def _better(values: tuple[Value, Value], better: int, comparable: bool) -> int | None:
    """Figures of validation text are compared only where both runs have the same tokens and the same validation text."""
    left, right = values
    if not (comparable and better) or left is None or right is None or left == right:
        return None
    return int((right - left) * better > 0)


def _number(value: Value) -> str:
    if value is None:
        return MISSING
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


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
    """The use and the answers of both models. No answers where both runs have the same model, where one has none, and where
    their models have different uses."""
    left, right = (artifacts.get(PretrainedRun) for artifacts in both)
    nothing: dict[str, Any] = {"use": None, "examples": []}
    if left is None or right is None or PretrainedRun.stage in shared(both) or left.summary.use != right.summary.use:
        return nothing
    use = use_named(left.summary.use)
    answers: list[tuple[Tried, Tried]] = list(zip(tried(left.model, use), tried(right.model, use), strict=False))
    return {"use": use, "examples": answers}
