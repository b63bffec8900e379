"""The cards of a model, a tokenizer and a corpus. They are made from manifests alone, so that equal artifacts give equal cards.

Each card says the same in English and in Korean. The Hub searches by the front matter; its `model-index` holds only results
that exist, on data for which a score means something.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kobert_pipeline import uses
from kobert_pipeline.ground.amounts import shown_bytes
from kobert_pipeline.ground.contents.artifact_reader import library_versions
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.cost import Cost
from kobert_pipeline.ground.contents.hub_folder import OnnxFiles
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.score_table import score_table, settings_rows
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.hub import wording
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.hub_scores import dev_scores, model_index
from kobert_pipeline.hub.korean_terms import TERMS
from kobert_pipeline.hub.licences import hub_fields, licence_of_texts

HERE = "."
"""The name in a card for what it describes, as long as that has no name on the Hub."""
TESTED = ("4.57.6", "5.23.0")
"""Versions of transformers in which tests/test_transformers_4.py loads models and tokenizers of every kind."""
_HUB_DATASET = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)")


def model_card(
    config: HubConfig, recipe: str, artifacts: ArtifactSet, *, repo: str = HERE, cost: Cost | None = None,
    onnx: OnnxFiles | None = None,
) -> str:  # fmt: skip
    """`README.md` of a model. `artifacts` are those up to the pretraining, and the evaluation if there is one; `onnx`: files of the
    same model.

    `repo` is its name on the Hub, `cost` what the training took. Neither decides the content, so the stage leaves them out.
    """
    pretrain, scores = artifacts[PretrainedRun], dev_scores(artifacts)
    values = _shared(config, recipe, artifacts, repo) | {
        "front_matter": front_matter(config, recipe, artifacts, ["onnx"] if onnx else []),
        "onnx": onnx,
        "use": uses.use_named(pretrain.summary.use),
        "tokenizer": artifacts[TokenizerFolder],
        "base": base_model(config, pretrain),
        "transformers": pretrain.libraries["transformers"],
        "dataset": artifacts[TokenStore].summary,
        "pretrain": pretrain,
        "sample": scores.sample,
        "scored": bool(scores.results) and not scores.sample,
        "score_table": score_table(scores),
        "settings_rows": settings_rows(scores),
        "cost": cost,
    }
    return str(_templates().get_template("card.md.jinja").render(values))


def checkpoint_card(
    config: HubConfig, recipe: str, artifacts: ArtifactSet, *, repo: str, step: int, revision: str
) -> str:
    """`README.md` of the model of a step on the way. It shows what the curve says of this step, and no score of the last one."""
    from huggingface_hub import ModelCardData

    pretrain = artifacts[PretrainedRun]
    run, use = pretrain.summary, uses.use_named(pretrain.summary.use)
    data = ModelCardData(
        language=_language(config),
        **hub_fields(config.license),
        library_name="transformers",
        pipeline_tag=use.pipeline_for(run.architecture),
        tags=list(dict.fromkeys(["korean", "checkpoint", run.architecture, *config.tags])),
    )
    at_use = artifacts[TokenizerFolder].morpheme == "inference"
    values = _shared(config, recipe, artifacts, repo) | {
        "front_matter": data.to_yaml(), "run": run, "step": step, "revision": revision, "row": _at_step(pretrain, step),
        "auto_class": use.class_for(run.architecture), "trust": ", trust_remote_code=True" if at_use else "",
    }  # fmt: skip
    return str(_templates().get_template("checkpoint.md.jinja").render(values))


def _at_step(pretrain: PretrainedRun, step: int) -> dict[str, Any]:
    """The last row of the curve up to a step, or the first one."""
    curve = pretrain.curve()
    row = ([one for one in curve if one["step"] <= step] or curve)[-1]
    names = [name for name in row if name not in ("step", "tokens", "learning_rate")]
    return {"step": int(row["step"]), "tokens": int(row["tokens"]), "terms": names, "figures": [f"{row[name]:.3f}" for name in names]}  # fmt: skip


def tokenizer_card(config: HubConfig, recipe: str, artifacts: ArtifactSet, *, repo: str = HERE) -> str:
    """`README.md` of a tokenizer alone. `artifacts` are the corpus and the tokenizer."""
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        language=_language(config),
        **hub_fields(config.license),
        library_name="transformers",
        tags=list(dict.fromkeys(["korean", "tokenizer", *config.tags])),
        datasets=hub_datasets(artifacts[Corpus]) or None,
    )
    values = _shared(config, recipe, artifacts, repo) | {
        "front_matter": data.to_yaml(),
        "tokenizer": artifacts[TokenizerFolder],
    }
    return str(_templates().get_template("tokenizer.md.jinja").render(values))


def dataset_card(config: HubConfig, recipe: str, artifacts: ArtifactSet, *, repo: str = HERE) -> str:
    """`README.md` of the cleaned corpus. `artifacts` holds the corpus."""
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        language=_language(config),
        **hub_fields(licence_of_texts(artifacts[Corpus].summary.licences)),
        pretty_name=wording.one_line(config.title or recipe),
        tags=list(dict.fromkeys(["korean", *config.tags])),
        task_categories=sorted({use.pipeline_tag for use in uses.USES.values()}),
        configs=[{"config_name": "default", "data_files": "shards/*.parquet"}],
    )
    values = _shared(config, recipe, artifacts, repo) | {"front_matter": data.to_yaml()}
    return str(_templates().get_template("dataset.md.jinja").render(values))


def _shared(config: HubConfig, recipe: str, artifacts: ArtifactSet, repo: str) -> dict[str, Any]:
    """What every card shows."""
    title = wording.one_line(config.title or recipe)
    last = list(artifacts.by_stage.values())[-1]
    return {
        "title": title,
        "recipe": recipe,
        "repo": repo,
        "tested": ", ".join(TESTED),
        "artifacts": artifacts.by_stage,
        "corpus": artifacts[Corpus],
        "libraries": library_versions(artifacts.by_stage),
        "citation": citation(title, config.authors, repo, last.fingerprint),
    }


def citation(title: str, authors: tuple[str, ...], repo: str, fingerprint: str) -> str:
    """A BibTeX entry. It has no date, because manifests hold none."""
    fields = {"title": title, "author": " and ".join(authors), "note": f"made by kobert-pipeline, {fingerprint[:16]}"}
    if repo != HERE:
        fields["howpublished"] = f"Hugging Face Hub, {repo}"
    lines = [f"  {name} = {{{wording.one_line(value)}}}," for name, value in fields.items() if value]
    key = re.sub(r"\W+", "-", title).strip("-") or "model"
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def front_matter(config: HubConfig, recipe: str, artifacts: ArtifactSet, tags: Sequence[str] = ()) -> str:
    """The YAML between the lines of three hyphens of a model's card."""
    from huggingface_hub import ModelCardData

    run = artifacts[PretrainedRun].summary
    results = model_index(dev_scores(artifacts))
    data = ModelCardData(
        language=_language(config),
        **hub_fields(config.license),
        library_name="transformers",
        pipeline_tag=uses.use_named(run.use).pipeline_for(run.architecture),
        tags=list(dict.fromkeys(["korean", run.architecture, *tags, *config.tags])),
        datasets=hub_datasets(artifacts[Corpus]) or None,
        base_model=base_model(config, artifacts[PretrainedRun]) or None,
        model_name=wording.one_line(config.title or recipe) if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def base_model(config: HubConfig, pretrain: PretrainedRun) -> str:
    """The model on the Hub from which training continued, or which was the teacher; empty if there is none, or if its name is not
    known."""
    began = pretrain.continued_from or pretrain.taught_by
    return "" if began is None else config.base_model or began.repo


def _language(config: HubConfig) -> str | list[str]:
    return config.language[0] if len(config.language) == 1 else list(config.language)


def hub_datasets(corpus: Corpus) -> list[str]:
    """Datasets on the Hub that the corpus was read from. Local files have no name there."""
    found = (_HUB_DATASET.match(address) for address in corpus.inputs.values())
    return list(dict.fromkeys(match[1] for match in found if match))


@functools.cache
def _templates() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown, not HTML: `cell` escapes what needs it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"TERMS": TERMS}
    environment.filters |= {
        "count": "{:,}".format,
        "bytes": shown_bytes,
        "counts": wording.counts,
        "versions": wording.versions,
        "cell": wording.cell,
        "plain": wording.plain_number,
        "settings": wording.settings_text,
        "in_unit": wording.in_unit,
    }
    return environment
