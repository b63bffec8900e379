"""The model card, made from manifests alone: equal artifacts give an equal card. Pure.

The front matter is what the Hub searches by; `model-index` holds only results that exist, on data that mean something.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kobert_pipeline.artifacts import Manifest
from kobert_pipeline.hub import facts
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.facts import ScoreRow

TEMPLATE = "card.md.jinja"
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


def model_card(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest]) -> str:
    """`README.md` of the published folder. `manifests`: stage -> manifest; `klue_eval` may be absent."""
    scored = manifests.get("klue_eval")
    values = {
        "front_matter": front_matter(config, recipe, manifests),
        "title": one_line(config.title or recipe),
        "recipe": recipe,
        "manifests": manifests,
        "sources": facts.source_rows(manifests["corpora"]),
        "total": facts.source_total(manifests["corpora"]),
        "sample": facts.is_sample(scored),
        "scores": [] if facts.is_sample(scored) else facts.score_rows(scored),
        "libraries": facts.library_versions(manifests),
    }
    return str(_template().render(values))


def front_matter(config: HubConfig, recipe: str, manifests: Mapping[str, Manifest]) -> str:
    """The YAML block between the card's `---` lines."""
    from huggingface_hub import ModelCardData

    architecture = manifests["pretrain"].summary["architecture"]
    results = eval_results(manifests.get("klue_eval"))
    data = ModelCardData(
        language=config.language[0] if len(config.language) == 1 else list(config.language),
        license=config.license.lower(),
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=list(dict.fromkeys(["korean", architecture, *config.tags])),
        datasets=hub_datasets(manifests["corpora"]) or None,
        model_name=one_line(config.title or recipe) if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def hub_datasets(corpora: Manifest) -> list[str]:
    """Datasets on the Hub that the corpus was read from; local files have no name there."""
    found = (_HUB_DATASET.match(address) for address in corpora.inputs.values())
    return list(dict.fromkeys(match[1] for match in found if match))


def eval_results(klue_eval: Manifest | None) -> list[Any]:
    """`EvalResult`s of the published weights on KLUE's dev split: none for the sample, none for random initialisation."""
    if facts.is_sample(klue_eval):
        return []
    return [_eval_result(row) for row in facts.score_rows(klue_eval) if row.initialisation == "pretrained"]


def _eval_result(row: ScoreRow) -> Any:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type=TASK_TYPES[row.task],
        task_name=f"KLUE {row.task.upper()}",
        dataset_type=DATASET_ID,
        dataset_name=DATASET_NAME,
        dataset_config=row.task,
        dataset_split=SPLIT,
        metric_type=METRIC_TYPES.get(row.metric, row.metric),
        metric_name=f"{row.metric}, {row.protocol} protocol, {row.train_rows:,} training rows, last checkpoint, mean over seeds ({row.seeds})",
        metric_value=round(row.last_mean, 2),
    )


@functools.cache
def _template() -> Any:
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
        "cell": cell,
        "plain": facts.plain_number,
        "settings": facts.settings_text,
    }
    return environment.get_template(TEMPLATE)


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text inside a Markdown table: no line break, no column border, no HTML."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
