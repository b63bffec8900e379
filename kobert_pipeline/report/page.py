"""The page of a run: one HTML file that needs nothing else. Stages that have not run are shown as missing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.artifacts import RUN, Manifest, read_json, read_manifest, write_text
from kobert_pipeline.hub import facts
from kobert_pipeline.report import charts

TEMPLATE = "page.html.jinja"
EXAMPLES = 3
"""Sentences shown cut into pieces."""
MOST_INPUTS = 40
"""Input files listed by name; a large corpus has thousands."""


def write_page(path: Path, recipe: str, folders: dict[str, Path]) -> None:
    """Writes the page of a run. `folders`: stage -> finished artifact; stages that are absent are shown as missing."""
    manifests = {stage: read_manifest(folder) for stage, folder in folders.items()}
    write_text(path, render(recipe, manifests, folders))


def public_page(recipe: str, folders: Mapping[str, Path]) -> str:
    """The edition that may be published: without sentences of the corpus."""
    manifests = {stage: read_manifest(folder) for stage, folder in folders.items()}
    return render(recipe, manifests, folders, public=True)


def render(recipe: str, manifests: Mapping[str, Manifest], folders: Mapping[str, Path], *, public: bool = False) -> str:
    """The page as text, from manifests and the files beside them. `public` leaves out what quotes the corpus."""
    scored = manifests.get("klue_eval")
    values = {
        "recipe": recipe,
        "manifests": manifests,
        "stages": [stage_box(name, manifests.get(name), folders.get(name)) for name in HEADLINES],
        "sources": facts.source_rows(manifests["corpora"]) if "corpora" in manifests else [],
        "total": facts.source_total(manifests["corpora"]) if "corpora" in manifests else None,
        "examples": [] if public else _examples(folders.get("tokenizer")),
        "charts": _charts(manifests.get("pretrain"), folders.get("pretrain")),
        "scores": facts.score_rows(scored),
        "sample": facts.is_sample(scored),
        "libraries": facts.library_versions(manifests),
        "inputs": _inputs(manifests),
        "most_inputs": MOST_INPUTS,
    }
    return str(_template().render(values))


# --- the pipeline as a picture ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StageBox:
    name: str
    title: str
    headline: str | None
    """None: not run."""
    bytes: int = 0
    """Of all files of the artifact."""
    seconds: float | None = None
    peak_mib: float | None = None


HEADLINES: dict[str, tuple[str, Callable[[Manifest], str]]] = {
    "corpora": ("Corpus", lambda manifest: f"{manifest.summary['totals']['kept']:,} documents"),
    "tokenizer": ("Tokenizer", lambda manifest: f"{manifest.summary['vocab_size']:,} pieces"),
    "dataset": ("Token store", lambda manifest: f"{manifest.summary['train']['pieces']:,} tokens"),
    "pretrain": ("Pretraining", lambda manifest: f"{manifest.summary['parameters']:,} parameters"),
    "klue_eval": ("KLUE", lambda manifest: f"{len({result['task'] for result in manifest.summary['results']})} tasks"),
    "hub": ("Folder to publish", lambda manifest: f"{len(manifest.summary['files'])} files"),
}
"""The pipeline's stages in order: how the page calls them, and the one figure that stands for each."""


def stage_box(name: str, manifest: Manifest | None, folder: Path | None) -> StageBox:
    title, headline = HEADLINES[name]
    if manifest is None or folder is None:
        return StageBox(name, title, None)
    run = read_json(folder / RUN) if (folder / RUN).is_file() else {}
    size = sum(entry.size for entry in manifest.files.values())
    return StageBox(name, title, headline(manifest), size, run.get("seconds"), run.get("peak_mib"))


# --- what stands beside the manifests --------------------------------------------------------------------------------


def _examples(tokenizer: Path | None) -> list[list[str]]:
    """The first sentences of the tokenizer's golden file, cut, without the special tokens around them."""
    if tokenizer is None or not (tokenizer / "golden.json").is_file():
        return []
    return [entry["pieces"][1:-1] for entry in read_json(tokenizer / "golden.json")[:EXAMPLES]]


def _charts(pretrain: Manifest | None, folder: Path | None) -> list[str]:
    if pretrain is None or folder is None:
        return []
    curve = read_curve(folder / "losses.csv")
    summary = pretrain.summary
    return [
        charts.loss_chart(curve, summary["held_out"], summary["unigram_entropy"], "mlm"),
        charts.learning_rate_chart(curve),
    ]


def read_curve(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


def _inputs(manifests: Mapping[str, Manifest]) -> list[tuple[str, str, str]]:
    """Stage, name and sha256 of everything that came from outside the artifacts."""
    return [
        (stage, name, sha)
        for stage, manifest in manifests.items()
        for name, sha in manifest.inputs.items()
        if name not in HEADLINES
    ]


# --- words for numbers -----------------------------------------------------------------------------------------------


def shown_bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def shown_seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _template() -> Any:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "bytes": shown_bytes,
        "seconds": shown_seconds,
        "plain": facts.plain_number,
        "settings": facts.settings_text,
        "svg": Markup,  # our own charts: their text is written by matplotlib, which escapes it
    }
    return environment.get_template(TEMPLATE)
