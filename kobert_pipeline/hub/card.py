"""The cards of a model, a tokenizer and a corpus, made from manifests alone: equal artifacts give an equal card. Pure.

Each says the same in English and in Korean.

The front matter is what the Hub searches by; `model-index` holds only results that exist, on data that mean something.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest
from kobert_pipeline.ground.contents.score_table import score_table, settings_rows
from kobert_pipeline.ground.contents.scores import PRETRAINED, Result, scores_of
from kobert_pipeline.hub import facts
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.licences import hub_fields, licence_of_texts

HERE = "."
"""How a card names what it describes while that has no name on the Hub."""
DATASET_NAME = "KLUE (klue)"
DATASET_ID = "klue/klue"
SPLIT = "validation"
TASK_TYPES = {
    "ynat": "text-classification",
    "sts": "sentence-similarity",
    "nli": "text-classification",
    "ner": "token-classification",
    "re": "text-classification",
    "dp": "token-classification",
    "mrc": "question-answering",
    "wos": "text-generation",
}
"""KLUE task -> the Hub's name for that kind of task."""
METRIC_TYPES = {"macro_f1": "f1", "pearson": "pearsonr"}
"""Metric -> its identifier on the Hub, where that is another word."""
_HUB_DATASET = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)")


def model_card(
    config: HubConfig,
    recipe: str,
    manifests: Mapping[str, Manifest],
    *,
    repo: str = HERE,
    cost: facts.Cost | None = None,
) -> str:
    """`README.md` of a model. `manifests`: stage -> manifest; `klue_eval` may be absent.

    `repo` is its name on the Hub, `cost` what training took: neither decides the content, so the stage leaves them out.
    """
    scored = scores_of(manifests.get("klue_eval")).on_dev()
    values = _shared(config, recipe, manifests, repo) | {
        "front_matter": front_matter(config, recipe, manifests),
        "sample": scored.sample,
        "scored": bool(scored.results) and not scored.sample,
        "score_table": score_table(scored),
        "settings_rows": settings_rows(scored),
        "cost": cost,
    }
    return str(_templates().get_template("card.md.jinja").render(values))


def tokenizer_card(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest], *, repo: str = HERE) -> str:
    """`README.md` of a tokenizer alone. `manifests` are those of the corpus and the tokenizer."""
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        language=_language(config),
        **hub_fields(config.license),
        library_name="transformers",
        tags=list(dict.fromkeys(["korean", "tokenizer", *config.tags])),
        datasets=hub_datasets(manifests["corpora"]) or None,
    )
    values = _shared(config, recipe, manifests, repo) | {"front_matter": data.to_yaml()}
    return str(_templates().get_template("tokenizer.md.jinja").render(values))


def dataset_card(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest], *, repo: str = HERE) -> str:
    """`README.md` of the cleaned corpus. `manifests` holds that of the corpus."""
    from huggingface_hub import DatasetCardData

    licences = facts.source_licences(manifests["corpora"])
    data = DatasetCardData(
        language=_language(config),
        **hub_fields(licence_of_texts(licences)),
        pretty_name=one_line(config.title or recipe),
        tags=list(dict.fromkeys(["korean", *config.tags])),
        task_categories=["fill-mask"],
        configs=[{"config_name": "default", "data_files": "shards/*.parquet"}],
    )
    values = _shared(config, recipe, manifests, repo) | {"front_matter": data.to_yaml()}
    return str(_templates().get_template("dataset.md.jinja").render(values))


def _shared(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest], repo: str) -> dict[str, Any]:
    """What every card shows."""
    corpora = manifests["corpora"]
    title = one_line(config.title or recipe)
    return {
        "title": title,
        "recipe": recipe,
        "repo": repo,
        "manifests": manifests,
        "sources": facts.source_rows(corpora),
        "total": facts.source_total(corpora),
        "dropped_sentences": facts.over_sources(corpora, "dropped_sentences"),
        "personal_data": facts.over_sources(corpora, "personal_data"),
        "masks": facts.masks(corpora),
        "libraries": facts.library_versions(manifests),
        "citation": citation(title, config.authors, repo, list(manifests.values())[-1].fingerprint),
    }


def citation(title: str, authors: tuple[str, ...], repo: str, fingerprint: str) -> str:
    """A BibTeX entry; no date, which no manifest knows."""
    fields = {"title": title, "author": " and ".join(authors), "note": f"made by kobert-pipeline, {fingerprint[:16]}"}
    if repo != HERE:
        fields["howpublished"] = f"Hugging Face Hub, {repo}"
    lines = [f"  {name} = {{{one_line(value)}}}," for name, value in fields.items() if value]
    key = re.sub(r"\W+", "-", title).strip("-") or "model"
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def front_matter(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest]) -> str:
    """The YAML block between the lines of three hyphens of a model's card."""
    from huggingface_hub import ModelCardData

    architecture = manifests["pretrain"].summary["architecture"]
    results = eval_results(manifests.get("klue_eval"))
    data = ModelCardData(
        language=_language(config),
        **hub_fields(config.license),
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=list(dict.fromkeys(["korean", architecture, *config.tags])),
        datasets=hub_datasets(manifests["corpora"]) or None,
        model_name=one_line(config.title or recipe) if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def _language(config: HubConfig) -> str | list[str]:
    return config.language[0] if len(config.language) == 1 else list(config.language)


def hub_datasets(corpora: Manifest) -> list[str]:
    """Datasets on the Hub that the corpus was read from; local files have no name there."""
    found = (_HUB_DATASET.match(address) for address in corpora.inputs.values())
    return list(dict.fromkeys(match[1] for match in found if match))


def eval_results(klue_eval: Manifest | None) -> list[Any]:
    """`EvalResult`s of the published weights on KLUE's dev split: none for the sample, none for random initialisation."""
    scores = scores_of(klue_eval).on_dev()
    pretrained = [entry for entry in scores.results if entry.initialisation == PRETRAINED]
    return [] if scores.sample else [_eval_result(entry, metric) for entry in pretrained for metric in entry.metrics]


def _eval_result(result: Result, metric: str) -> Any:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type=TASK_TYPES[result.task],
        task_name=f"KLUE {result.task.upper()}",
        dataset_type=DATASET_ID,
        dataset_name=DATASET_NAME,
        dataset_config=result.task,
        dataset_split=SPLIT,
        metric_type=METRIC_TYPES.get(metric, metric),
        metric_name=f"{metric}, {result.protocol} protocol, {result.train_rows:,} training rows, last checkpoint, mean over seeds ({result.seeds})",
        metric_value=round(result.metrics[metric].last_mean, 2),
    )


@functools.cache
def _templates() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown, not HTML: `cell` escapes what it must
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "counts": counts,
        "versions": lambda libraries: ", ".join(f"{name} {version}" for name, version in libraries.items()),
        "cell": cell,
        "plain": facts.plain_number,
        "settings": facts.settings_text,
    }
    return environment


def counts(values: Mapping[str, int]) -> str:
    """`too_short 71, duplicate 2,887`; empty for none."""
    return ", ".join(f"{cell(name)} {value:,}" for name, value in values.items())


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text inside a Markdown table: no line break, no column border, no HTML."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
