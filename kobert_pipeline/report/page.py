"""The page of a run: one HTML file that needs nothing else. Stages that have not run are shown as missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from klue_eval.published import PUBLISHED
from kobert_pipeline.ground.contents.artifact_reader import library_versions
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.score_details import cost_detail, details
from kobert_pipeline.ground.contents.score_table import SETTINGS_TITLES, score_table, settings_rows
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.ground.pointers import split_name
from kobert_pipeline.hub.hub_scores import dev_scores
from kobert_pipeline.report import corpus_section, curves, mistakes, morpheme_colours, pretraining, score_tracks
from kobert_pipeline.report.about import about
from kobert_pipeline.report.bilingual import joined
from kobert_pipeline.report.kept_pages import identity, write_kept
from kobert_pipeline.report.picture import STAGES, stage_boxes, tall_picture, wide_picture
from kobert_pipeline.report.pretraining import Headline
from kobert_pipeline.report.templates import template
from kobert_pipeline.report.tried import tried
from kobert_pipeline.report.vocabularies import comparison
from kobert_pipeline.uses import use_named

TEMPLATE = "page.html.jinja"
MOST_INPUTS = 40
"""Input files listed by name; a large corpus has thousands."""
WORST = 5
"""Wrong answers shown for each task."""


def write_page(
    path: Path, recipe: str, folders: dict[str, Path], compared: Sequence[str] = (), description: str = ""
) -> None:
    """Writes the page of a run. `folders`: stage -> finished artifact; stages that are absent are shown as missing.

    `compared`: tokenizers to compare the run's own with: folders, files or Hub ids. `description`: the recipe's.
    """
    write_kept(path, render(recipe, ArtifactSet.read(folders), compared, description=description))


def public_page(
    recipe: str, folders: Mapping[str, Path], compared: Sequence[str] = (), description: str = "", repo: str = ""
) -> str:
    """The edition that may be published, as a part of `repo`: it quotes nothing of the corpus or of a dataset, and names no
    document and no folder of this machine."""
    return render(recipe, ArtifactSet.read(folders), compared, description=description, public=True, repo=repo)


def render(
    recipe: str,
    artifacts: ArtifactSet,
    compared: Sequence[str] = (),
    *,
    description: str = "",
    public: bool = False,
    repo: str = "",
) -> str:
    """The page as text, from manifests and the other files of the artifacts. `public` leaves out quotations of the corpus."""
    stages = stage_boxes(artifacts)
    values = {
        "recipe": recipe,
        "about": about(recipe, description, artifacts, stages, public=public, repo=repo),
        "command": again(recipe),
        "ids": identity(artifacts),
        "public": public,
        "artifacts": artifacts.by_stage,
        "stages": stages,
        "pictures": [wide_picture(stages), tall_picture(stages)],
        "seconds": sum(stage.seconds or 0 for stage in stages),
        "headlines": _headlines(artifacts),
        "most_inputs": MOST_INPUTS,
        "libraries": library_versions(artifacts.by_stage),
        "inputs": _inputs(artifacts),
        "settings": {stage: _settings(found.config) for stage, found in artifacts.by_stage.items()},
        **_corpus(artifacts.get(Corpus), public),
        **_tokenizer(artifacts.get(TokenizerFolder), public),
        "comparison": comparison(recipe, artifacts.get(TokenizerFolder), artifacts.get(Corpus), compared),
        "store": artifacts[TokenStore].summary if TokenStore in artifacts else None,
        **_pretraining(recipe, artifacts.get(PretrainedRun)),
        **_klue(recipe, artifacts, public),
    }
    return str(template(TEMPLATE).render(values))


def again(run: str) -> str:
    """What follows `kobert run` to make a run again: its recipe, and its tag or that it has settings of its own."""
    recipe, tag = split_name(run)
    return f"{recipe} --tag {tag} --set …" if tag else recipe


def _headlines(artifacts: ArtifactSet) -> list[Headline]:
    """What a reader wants to know first."""
    run, scored = artifacts.get(PretrainedRun), dev_scores(artifacts)
    found = pretraining.headlines(run.summary) if run else []
    if not scored.sample:
        found += [
            Headline(joined([track.title, "dev", panel.protocol]), "", f"{mark.value:.1f}")
            for panel, track in score_tracks.leading(score_table(scored))
            if (mark := track.of("model"))
        ]
    return found


# --- what each section shows -----------------------------------------------------------------------------------------


def _corpus(corpus: Corpus | None, public: bool) -> dict[str, Any]:
    if corpus is None:
        return {"corpus": None}
    total = corpus.summary.total
    samples = {} if public else corpus_section.dropped_samples(corpus.dropped_samples)
    return {
        "corpus": corpus,
        "total": total,
        "funnel": corpus_section.funnel(total),
        "sentence_funnel": corpus_section.sentence_funnel(total),
        "source_strip": corpus_section.source_strip(corpus.summary.sources),
        "reasons": corpus_section.reasons(corpus.summary.sources, samples),
        "groups_of_duplicates": [] if public else corpus_section.largest_groups(corpus.near_duplicates),
        "distributions": corpus_section.distributions(corpus),
    }


def _tokenizer(tokenizer: TokenizerFolder | None, public: bool) -> dict[str, Any]:
    return {
        "tokenizer": tokenizer.summary if tokenizer else None,
        "tokenizer_kind": tokenizer.kind if tokenizer else "",
        "sentences": morpheme_colours.sentences(tokenizer, public=public),
        "kinds": morpheme_colours.KINDS,
        "live_text": morpheme_colours.SENTENCES[1],
        "vocabulary": morpheme_colours.vocabulary(tokenizer),
    }


def _pretraining(recipe: str, run: PretrainedRun | None) -> dict[str, Any]:
    if run is None:
        return {"pretrain": None}
    summary, use = run.summary, use_named(run.summary.use)
    learned = pretraining.left_chance(summary)
    return {
        "pretrain": run,
        "use": use,
        "figures": pretraining.figures(summary),
        "measured_on": pretraining.measured_on(summary),
        "comparison_with_chance": pretraining.comparison_with_chance(summary),
        "charts": curves.charts(curves.course_of(recipe, run)),
        "groups": pretraining.groups(summary),
        "examples": tried(run.checked_model, use) if learned else [],
        "untried": None if learned else pretraining.why_untried(summary),
    }


def _klue(recipe: str, artifacts: ArtifactSet, public: bool) -> dict[str, Any]:
    found = dev_scores(artifacts)
    table = score_table(found, PUBLISHED, recipe)
    return {
        "sample": found.sample,
        "panels": score_tracks.panels(table),
        "score_table": table,
        "settings_titles": SETTINGS_TITLES,
        "settings_rows": settings_rows(found),
        "score_details": details(found) + cost_detail(found, scores.costs if (scores := artifacts.get(Scores)) else ()),
        **_own(artifacts.get(Scores), recipe, public),
        "analyses": _analyses(artifacts.get(Scores), public),
    }


def _own(evaluation: Scores | None, recipe: str, public: bool) -> dict[str, Any]:
    """The user's own tasks. Only the edition that is not published names them."""
    if evaluation is None or public:
        return {"own_panels": [], "own_notes": []}
    own = evaluation.summary.on_own_tasks()
    notes = [(name, note, own.unlabelled_rows[name]) for name, note in own.own_tasks.items()]
    return {"own_panels": score_tracks.panels(score_table(own, model=recipe)), "own_notes": notes}


def _analyses(evaluation: Scores | None, public: bool) -> list[mistakes.Analysis]:
    """What the evaluation says of its mistakes. Rows of the dataset are quoted only in the edition that is not published."""
    path = evaluation.file("analysis.json") if evaluation else None
    return mistakes.analyses(read_json(path), worst=0 if public else WORST, own=not public) if path else []


def _inputs(artifacts: ArtifactSet) -> list[tuple[str, str, str]]:
    """Stage, name and sha256 of everything that did not come from another stage."""
    return [
        (stage, name, sha)
        for stage, found in artifacts.by_stage.items()
        for name, sha in found.inputs.items()
        if name not in STAGES
    ]


def _settings(config: Mapping[str, Any]) -> str:
    """As YAML. A manifest holds only settings that decide the content, so there is no path among them."""
    import yaml

    return yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False, allow_unicode=True, width=100).strip()
