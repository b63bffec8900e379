"""The page of two runs side by side: what was set otherwise, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest
from kobert_pipeline.ground.contents.score_table import score_table
from kobert_pipeline.ground.contents.scores import scores_of
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.hub import facts
from kobert_pipeline.report import curves, pieces, score_tracks
from kobert_pipeline.report.examples import Example, examples
from kobert_pipeline.report.page import read_manifests, template
from kobert_pipeline.report.picture import HEADLINES, StageBox, stage_boxes

TEMPLATE = "compare.html.jinja"
EXAMPLES = 3
"""Sentences shown in the pieces of both tokenizers."""
NAME = "recipe"
"""The hub stage's setting that two recipes cannot share."""
LONGEST = 80
"""Characters of a setting's value; a longer one is cut."""

Pair = tuple[str, str]
Manifests = tuple[Mapping[str, Manifest], Mapping[str, Manifest]]
Folders = tuple[Mapping[str, Path], Mapping[str, Path]]


def write_comparison(path: Path, names: Pair, folders: tuple[dict[str, Path], dict[str, Path]]) -> None:
    """Writes the page of two runs. `folders`: stage -> finished artifact of each; stages that are absent are left out."""
    manifests = (read_manifests(folders[0]), read_manifests(folders[1]))
    write_text(path, render(names, manifests, folders))


def render(names: Pair, manifests: Manifests, folders: Folders) -> str:
    boxes = (stage_boxes(manifests[0], folders[0]), stage_boxes(manifests[1], folders[1]))
    scored = [scores_of(both.get("klue_eval")).on_dev() for both in manifests]
    tables = [score_table(found, model=name) for name, found in zip(names, scored, strict=True)]
    runs = [
        curves.read_run(name, both["pretrain"], folder["pretrain"])
        for name, both, folder in zip(names, manifests, folders, strict=True)
        if "pretrain" in both
    ]
    values = {
        "names": names,
        "figures": figures(manifests),
        "differences": differences(manifests),
        "shared": shared(manifests),
        "charts": curves.both(runs) if len(runs) == 2 else [],
        "examples": _examples(manifests, folders),
        "panels": score_tracks.panels(*tables),
        "sample": any(found.sample for found in scored),
        "costs": costs(boxes, manifests),
        "kinds": pieces.KINDS,
        "sentences": _sentences(manifests, folders),
    }
    return str(template(TEMPLATE).render(values))


# --- settings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    stage: str
    what: str
    """The setting's path, `library …`, `seed` or `input …`."""
    values: Pair
    """`–` where a run has none."""


def differences(manifests: Manifests) -> list[Difference]:
    """Everything that decides the content of a stage and is not the same in both runs, the inputs from other stages aside."""
    found = []
    for stage in HEADLINES:
        if all(stage in both for both in manifests):
            sides = [_decisive(both[stage]) for both in manifests]
            keys = list(dict.fromkeys([*sides[0], *sides[1]]))
            pairs = [(key, sides[0].get(key, "–"), sides[1].get(key, "–")) for key in keys]
            found += [
                Difference(stage, key, (left, right)) for key, left, right in pairs if left != right and key != NAME
            ]
    return found


def _decisive(manifest: Manifest) -> dict[str, str]:
    values = flat(manifest.config) | {"seed": manifest.seed, "code version": manifest.version}
    values |= {f"library {name}": version for name, version in manifest.libraries.items()}
    values |= {f"input {name}": sha[:16] for name, sha in manifest.inputs.items() if name not in HEADLINES}
    return {name: shown(value) for name, value in values.items()}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Nested settings -> `a.b` and `list[0].c` -> value."""
    if isinstance(value, Mapping) and value:
        parts = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value):
        parts = [(f"{path}[{number}]", inner) for number, inner in enumerate(value)]
    else:
        return {path: value}
    return {name: item for key, inner in parts for name, item in flat(inner, key).items()}


def shown(value: Any) -> str:
    """A setting's value as one short line."""
    if isinstance(value, float):
        return facts.plain_number(value)
    text = "none" if value is None else " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " …"


def shared(manifests: Manifests) -> list[str]:
    """Stages of which both runs use the same artifact."""
    return [
        stage
        for stage in HEADLINES
        if all(stage in both for both in manifests)
        and manifests[0][stage].fingerprint == manifests[1][stage].fingerprint
    ]


# --- results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    words: str
    values: tuple[str, str]
    better: int | None = None
    """Which side; None where neither is."""


FIGURES: tuple[tuple[str, str, str, int], ...] = (
    ("corpora", "totals.kept", "documents", 0),
    ("corpora", "totals.sentences", "sentences", 0),
    ("tokenizer", "vocab_size", "pieces in the vocabulary", 0),
    ("tokenizer", "training_text.pieces_per_eojeol", "pieces per eojeol", 0),
    ("tokenizer", "training_text.cut_f1", "cuts agree with morphemes (F1)", 1),
    ("dataset", "train.tokens", "tokens in the store", 0),
    ("pretrain", "parameters", "parameters", 0),
    ("pretrain", "steps", "steps", 0),
    ("pretrain", "tokens", "tokens seen", 0),
    ("pretrain", "unigram_entropy", "unigram entropy, nats", 0),
    ("pretrain", "validation.mlm", "validation loss at the end, nats", -1),
    ("pretrain", "validation.mlm_accuracy", "masked pieces predicted right", 1),
    ("pretrain", "validation.nsp_accuracy", "next sentences predicted right", 1),
    ("pretrain", "validation.sop_accuracy", "sentence orders predicted right", 1),
    ("pretrain", "pseudo_perplexity", "pseudo-perplexity", -1),
)
"""Stage, place in its summary (`validation` is the last measurement), words, and whether more (1) or less (-1) is better."""


def figures(manifests: Manifests) -> list[Figure]:
    found = []
    for stage, place, words, better in FIGURES:
        left, right = (_value(both.get(stage), place) for both in manifests)
        if left is None and right is None:
            continue
        side = None
        if better and left is not None and right is not None and left != right and _comparable(stage, manifests):
            side = int((right - left) * better > 0)
        found.append(Figure(words, (_number(left), _number(right)), side))
    return found


def _comparable(stage: str, manifests: Manifests) -> bool:
    """Losses over pieces are, only when the pieces and the validation text are the same."""
    return stage != "pretrain" or "dataset" in shared(manifests)


def _value(manifest: Manifest | None, place: str) -> float | None:
    value: Any = manifest.summary if manifest else None
    for key in place.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
        value = value[-1] if isinstance(value, list) and value else value
    return value if isinstance(value, int | float) else None


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


@dataclass(frozen=True)
class CostRow:
    title: str
    boxes: tuple[StageBox, StageBox]
    shares: tuple[float, float]
    """Of the longest stage of both runs, 0 to 1."""
    shared: bool


def costs(boxes: tuple[list[StageBox], list[StageBox]], manifests: Manifests) -> list[CostRow]:
    """Stages that have run in one of the two at least."""
    longest = max((box.seconds or 0 for side in boxes for box in side), default=0) or 1
    same = shared(manifests)
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


def _sentences(manifests: Manifests, folders: Folders) -> list[tuple[pieces.Sentence, pieces.Sentence]]:
    """Empty where both runs have one tokenizer."""
    if "tokenizer" in shared(manifests):
        return []
    cut = [pieces.sentences(folder.get("tokenizer"), public=True) for folder in folders]
    return list(zip(*cut, strict=False))[:EXAMPLES]


def _examples(manifests: Manifests, folders: Folders) -> list[tuple[Example, Example]]:
    """Empty where both runs have one model, or one has none."""
    if "pretrain" in shared(manifests) or not all("pretrain" in folder for folder in folders):
        return []
    left, right = (examples(folder["pretrain"] / "model") for folder in folders)
    return list(zip(left, right, strict=False))
