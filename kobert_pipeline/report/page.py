"""The page of a run: one HTML file that needs nothing else. Stages that have not run are shown as missing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from klue_eval.published import PUBLISHED
from kobert_pipeline.ground.artifacts import Manifest, read_manifest
from kobert_pipeline.ground.contents.score_table import SETTINGS_TITLES, score_table, settings_rows
from kobert_pipeline.ground.contents.scores import scores_of
from kobert_pipeline.ground.files import read_json, write_text
from kobert_pipeline.hub import facts
from kobert_pipeline.report import corpus, curves, mistakes, pieces, score_tracks
from kobert_pipeline.report.examples import examples
from kobert_pipeline.report.numbers import shown_bytes, shown_count, shown_metric, shown_seconds, shown_share
from kobert_pipeline.report.picture import HEADLINES, stage_boxes, tall_picture, wide_picture
from kobert_pipeline.report.vocabularies import comparison

TEMPLATE = "page.html.jinja"
MOST_INPUTS = 40
"""Input files listed by name; a large corpus has thousands."""
WORST = 5
"""Of the examples that a model gets wrong, shown of each task."""


def write_page(path: Path, recipe: str, folders: dict[str, Path], beside: Sequence[str] = ()) -> None:
    """Writes the page of a run. `folders`: stage -> finished artifact; stages that are absent are shown as missing.

    `beside` are tokenizers to set the run's own beside: folders, files or Hub ids.
    """
    write_text(path, render(recipe, read_manifests(folders), folders, beside))


def public_page(recipe: str, folders: Mapping[str, Path], beside: Sequence[str] = ()) -> str:
    """The edition that may be published: nothing of the corpus or of a dataset is quoted, no document is named."""
    return render(recipe, read_manifests(folders), folders, beside, public=True)


def read_manifests(folders: Mapping[str, Path]) -> dict[str, Manifest]:
    return {stage: read_manifest(folder) for stage, folder in folders.items()}


def render(
    recipe: str,
    manifests: Mapping[str, Manifest],
    folders: Mapping[str, Path],
    beside: Sequence[str] = (),
    *,
    public: bool = False,
) -> str:
    """The page as text, from manifests and the files beside them. `public` leaves out what quotes the corpus."""
    stages = stage_boxes(manifests, folders)
    values = {
        "recipe": recipe,
        "public": public,
        "manifests": manifests,
        "stages": stages,
        "pictures": [wide_picture(stages), tall_picture(stages)],
        "seconds": sum(stage.seconds or 0 for stage in stages),
        "headlines": _headlines(manifests),
        "most_inputs": MOST_INPUTS,
        "libraries": facts.library_versions(manifests),
        "inputs": _inputs(manifests),
        "settings": {stage: _settings(manifest.config) for stage, manifest in manifests.items()},
        **_corpus(manifests.get("corpora"), folders.get("corpora"), public),
        **_tokenizer(folders.get("tokenizer"), public),
        "comparison": comparison(recipe, folders.get("tokenizer"), folders.get("corpora"), beside),
        **_pretraining(recipe, manifests.get("pretrain"), folders.get("pretrain")),
        **_klue(recipe, manifests.get("klue_eval"), folders.get("klue_eval"), public),
    }
    return str(template(TEMPLATE).render(values))


def _headlines(manifests: Mapping[str, Manifest]) -> list[tuple[str, str, str]]:
    """What a reader wants to know first: words, where it began, where it ended."""
    scored = scores_of(manifests.get("klue_eval"))
    found = _learned(manifests["pretrain"].summary) if "pretrain" in manifests else []
    if not scored.sample:
        found += [
            (f"{track.title}, dev, {panel.protocol}", "", f"{mark.value:.1f}")
            for panel, track in score_tracks.leading(score_table(scored.on_dev()))
            if (mark := track.of("model"))
        ]
    return found


def _learned(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    first, last = summary["validation"][0], summary["validation"][-1]
    below = summary["unigram_entropy"] - last["mlm"]
    found = [
        ("validation loss, nats", f"{first['mlm']:.2f} →", f"{last['mlm']:.2f}"),
        (f"{'below' if below > 0 else 'above'} the unigram entropy", "", f"{abs(below):.2f} nats"),
    ]
    if "mlm_accuracy" in last:
        found.append(("masked pieces predicted right", "", shown_share(last["mlm_accuracy"])))
    return found


# --- what each section shows -----------------------------------------------------------------------------------------


def _corpus(manifest: Manifest | None, folder: Path | None, public: bool) -> dict[str, Any]:
    if manifest is None:
        return {"total": None}
    sources, total = facts.source_rows(manifest), facts.source_total(manifest)
    dropped = facts.over_sources(manifest, "dropped_sentences")
    return {
        "total": total,
        "sources": sources,
        "funnel": corpus.funnel(total),
        "sentence_funnel": corpus.sentence_funnel(total.sentences, dropped),
        "reasons": corpus.reasons(sources, {} if public else corpus.dropped_samples(folder)),
        "groups": [] if public else corpus.largest_groups(folder),
        "personal_data": facts.over_sources(manifest, "personal_data"),
        "masks": facts.masks(manifest),
        "distributions": corpus.distributions(folder),
    }


def _tokenizer(folder: Path | None, public: bool) -> dict[str, Any]:
    found = pieces.sentences(folder, public=public)
    return {
        "sentences": found,
        "kinds": pieces.KINDS,
        "live_text": pieces.SENTENCES[1],
        "vocabulary": pieces.vocabulary(folder),
    }


def _pretraining(recipe: str, manifest: Manifest | None, folder: Path | None) -> dict[str, Any]:
    if manifest is None or folder is None:
        return {"charts": [], "parts_of_speech": [], "examples": []}
    run = curves.read_run(recipe, manifest, folder)
    return {
        "charts": curves.charts(run),
        "parts_of_speech": curves.by_part_of_speech(run.validation),
        "examples": examples(folder / "model"),
    }


def _klue(recipe: str, manifest: Manifest | None, folder: Path | None, public: bool) -> dict[str, Any]:
    found = scores_of(manifest).on_dev()
    table = score_table(found, PUBLISHED, recipe)
    return {
        "sample": found.sample,
        "panels": score_tracks.panels(table),
        "score_table": table,
        "settings_titles": SETTINGS_TITLES,
        "settings_rows": settings_rows(found),
        "analyses": _analyses(folder, public),
    }


def _analyses(folder: Path | None, public: bool) -> list[mistakes.Analysis]:
    """What the evaluation says of its mistakes; rows of the dataset are quoted only in the page that stays here."""
    if folder is None or not (folder / "analysis.json").is_file():
        return []
    return mistakes.analyses(read_json(folder / "analysis.json"), worst=0 if public else WORST)


def _inputs(manifests: Mapping[str, Manifest]) -> list[tuple[str, str, str]]:
    """Stage, name and sha256 of everything that came from outside the artifacts."""
    return [
        (stage, name, sha)
        for stage, manifest in manifests.items()
        for name, sha in manifest.inputs.items()
        if name not in HEADLINES
    ]


def _settings(config: Mapping[str, Any]) -> str:
    """As YAML. A manifest holds what decides the content, and so no path."""
    import yaml

    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100).strip()


# --- the template ----------------------------------------------------------------------------------------------------

HERE = Path(__file__).parent


def template(name: str) -> Any:
    """With style and script inside. The page allows that one script by its hash, and to fetch nothing."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "short": shown_count,
        "bytes": shown_bytes,
        "seconds": shown_seconds,
        "share": shown_share,
        "metric": shown_metric,
        "plain": facts.plain_number,
        "settings": facts.settings_text,
        "svg": Markup,  # our own drawings: what is written in them is escaped where they are made
        "data": _data,
    }
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (HERE / "style.css").read_text(encoding="utf-8")
    environment.globals |= {"style": Markup(style), "script": Markup(script), "script_hash": digest}
    return environment.get_template(name)


def _data(value: Any) -> Any:
    """JSON that cannot end the element it stands in."""
    from markupsafe import Markup

    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))
