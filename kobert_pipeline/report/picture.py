"""The pipeline as a picture: inline SVG in the page's colours, one drawing for wide pages and one for narrow ones. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from kobert_pipeline.ground.amounts import shown_bytes, shown_seconds
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.report.bilingual import attribute, say
from kobert_pipeline.report.numbers import shown_count


@dataclass(frozen=True)
class StageBox:
    """A stage, finished or not."""

    name: str
    title: str
    figure: str | None
    """The one number that is shown for it; None if it has not run."""
    unit: str = ""
    bytes: int = 0
    """Of all files of the artifact."""
    seconds: float | None = None
    peak_mib: float | None = None
    hardware: str = ""
    machine: str = ""
    finished: str = ""
    made_with: str = ""

    @property
    def cost(self) -> str:
        """`19.4 MB · 15 min`."""
        return " · ".join([shown_bytes(self.bytes), *([] if self.seconds is None else [shown_seconds(self.seconds)])])


STAGES: dict[str, tuple[str, Callable[[ArtifactSet], int], str]] = {
    Corpus.stage: ("Corpus", lambda artifacts: artifacts[Corpus].summary.total.kept, "documents"),
    TokenizerFolder.stage: ("Tokenizer", lambda artifacts: artifacts[TokenizerFolder].summary.vocab_size, "pieces"),
    TokenStore.stage: ("Token store", lambda artifacts: artifacts[TokenStore].summary.train.tokens, "tokens"),
    PretrainedRun.stage: ("Pretraining", lambda artifacts: artifacts[PretrainedRun].summary.parameters, "parameters"),
    Scores.stage: ("KLUE", lambda artifacts: len(artifacts[Scores].summary.tasks), "tasks"),
    HubFolder.stage: ("Folder to publish", lambda artifacts: len(artifacts[HubFolder].summary.files), "files"),
}
"""The stages in order: title on the page, the one figure that is shown for the stage, and what it counts."""


def stage_boxes(artifacts: ArtifactSet) -> list[StageBox]:
    return [_stage_box(name, artifacts) for name in STAGES]


def _stage_box(name: str, artifacts: ArtifactSet) -> StageBox:
    title, figure, unit = STAGES[name]
    found = artifacts.by_stage.get(name)
    if found is None:
        return StageBox(name, title, None)
    box = StageBox(name, title, shown_count(figure(artifacts)), unit, found.bytes)
    cost = found.cost
    return replace(box, **asdict(cost)) if cost else box


# --- the drawings ----------------------------------------------------------------------------------------------------

BOX, GAP, TALL = 150, 36, 104
"""Width of a box, room for an arrow, height of a box."""


def wide_picture(stages: list[StageBox]) -> str:
    """Six boxes in a row. The token store is made of the corpus too, so an arc leads past the tokenizer."""
    width, top = len(stages) * BOX + (len(stages) - 1) * GAP, 40
    parts = [_arc(BOX / 2, 2.5 * BOX + 2 * GAP, top)]
    for number, stage in enumerate(stages):
        left = number * (BOX + GAP)
        parts.append(_box(stage, left, top, BOX, TALL))
        if number:
            parts.append(_arrow(left - GAP + 5, top + TALL / 2, left - 5, top + TALL / 2))
    return _svg(width, top + TALL + 2, "across", parts)


def tall_picture(stages: list[StageBox]) -> str:
    """The same, one box below the other, for a phone."""
    width, height, gap = 340, 66, 22
    parts = []
    for number, stage in enumerate(stages):
        top = 1 + number * (height + gap)
        parts.append(_row(stage, top, width, height))
        if number:
            parts.append(_arrow(width / 2, top - gap + 3, width / 2, top - 4))
    return _svg(width, len(stages) * (height + gap) - gap + 2, "down", parts)


def _svg(width: float, height: float, kind: str, parts: list[str]) -> str:
    shape = f'viewBox="-1 0 {width + 2:g} {height:g}" class="picture {kind}" role="img"'
    return f"<svg {shape}{attribute('aria-label', 'The pipeline, stage by stage')}>{''.join(parts)}</svg>"


def _box(stage: StageBox, left: float, top: float, width: float, height: float) -> str:
    state = "missing" if stage.figure is None else "done"
    lines = [_text(left + 14, top + 26, "name", stage.title)]
    if stage.figure is None:
        lines.append(_text(left + 14, top + 50, "unit", "not run yet"))
    else:
        lines += [
            _text(left + 14, top + 54, "figure", stage.figure),
            _text(left + 14, top + 71, "unit", stage.unit),
            _text(left + 14, top + 92, "cost", stage.cost),
        ]
    return _group(stage.name, state, left, top, width, height, lines)


def _row(stage: StageBox, top: float, width: float, height: float) -> str:
    state = "missing" if stage.figure is None else "done"
    lines = [_text(16, top + 27, "name", stage.title)]
    if stage.figure is None:
        lines.append(_text(16, top + 49, "unit", "not run yet"))
    else:
        lines += [
            _text(16, top + 50, "cost", stage.cost),
            _text(width - 14, top + 30, "figure end", stage.figure),
            _text(width - 14, top + 50, "unit end", stage.unit),
        ]
    return _group(stage.name, state, 0, top, width, height, lines)


def _group(name: str, state: str, left: float, top: float, width: float, height: float, lines: list[str]) -> str:
    frame = f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="10" class="frame"/>'
    bar = f'<path d="M{left:g} {top + 10:g}v{height - 20:g}" class="bar-{name}"/>' if state == "done" else ""
    return f'<g class="{state}">{frame}{bar}{"".join(lines)}</g>'


def _text(x: float, y: float, kind: str, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{say(text).svg}</text>'


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    head = f"M{x2 - 5:g} {y2 - 4:g}l5 4l-5 4" if y1 == y2 else f"M{x2 - 4:g} {y2 - 5:g}l4 5l4 -5"
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}{head}" class="arrow"/>'


def _arc(x1: float, x2: float, top: float) -> str:
    path = f"M{x1:g} {top - 5:g}C{x1:g} {top - 42:g} {x2:g} {top - 42:g} {x2:g} {top - 5:g}"
    return f'<path d="{path}M{x2 - 4:g} {top - 10:g}l4 5l4 -5" class="arrow"/>'
