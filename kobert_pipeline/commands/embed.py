"""`kobert embed`: sentence embeddings from an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName
from kobert_pipeline.ground.messages import say

CORPUS = "corpora"


Methods = Annotated[
    list[str] | None,
    typer.Option("--method", metavar="METHOD", help="simcse, tsdae, nli or sts. Repeated: one after the other."),
]
Sentences = Annotated[
    Path | None,
    typer.Option(metavar="PLACE", help="Sentences for simcse and tsdae: a text file. Default: the run's corpus."),
]
Klue = Annotated[
    str | None,
    typer.Option(metavar="DATA", help="KLUE's folder or archive, or hub:klue: trains nli and sts, and measures."),
]
ScoredPairs = Annotated[str | None, typer.Option(metavar="FILE", help="Scored pairs, such as KorSTS.")]
MeasuredPairs = Annotated[str | None, typer.Option(metavar="FILE", help="Scored pairs to measure on.")]
LabelledPairs = Annotated[str | None, typer.Option(metavar="FILE", help="Labelled pairs, such as KorNLI.")]
InYaml = Annotated[Path | None, typer.Option(metavar="FILE", help="Settings in YAML; options override them.")]
Given = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. max_length=128.")]
NewFolder = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="A new folder. Default: the model's name and -embed.")
]


def embed(
    model: ModelName,
    methods: Methods = None,
    corpus: Sentences = None,
    klue: Klue = None,
    sts_train: ScoredPairs = None,
    sts_dev: MeasuredPairs = None,
    nli_train: LabelledPairs = None,
    recipe: InYaml = None,
    settings: Given = None,
    to: NewFolder = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Make sentence embeddings from an encoder, for sentence-transformers. Needs the extra `embed`."""
    from klue_eval.model_folders import resolve_model
    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.embedding.embedding_card import table
    from kobert_pipeline.embedding.embedding_folder import embed_model

    given = {"klue": klue, "sts_train": sts_train, "sts_dev": sts_dev, "nli_train": nli_train}
    if methods:
        given["steps"] = [{"method": name} for name in methods]  # type: ignore[assignment]
    config = _config(recipe, settings or (), given)
    folder = to or Path(f"{Path(model).stem.replace(':', '-')}-embed")
    source = resolve_model(locate(model, (), artifacts))
    figures = embed_model(source, folder, config, corpus or _corpus_of(model, artifacts), name=Path(model).name)
    typer.echo(table(figures))
    typer.echo(say("SentenceTransformer({folder!r}) loads it. `README.md` shows how.", folder=str(folder)))


def _config(recipe: Path | None, settings: Any, given: dict[str, Any]) -> Any:
    from kobert_pipeline.embedding.config import EmbeddingConfig
    from kobert_pipeline.ground.layers import assign, load_yaml

    content: dict[str, Any] = {} if recipe is None else load_yaml(recipe)
    for setting in settings:
        content = assign(content, setting)
    return EmbeddingConfig.parse(content | {name: value for name, value in given.items() if value is not None})


def _corpus_of(model: str, artifacts: Path) -> Path | None:
    """The corpus of a run; None for another model."""
    from kobert_pipeline.finished import find_run, names_a_run

    if Path(model).is_dir() or not names_a_run(model, artifacts):
        return None
    run = find_run(model, (), artifacts, "pretrain")
    return run.folders.get(CORPUS) if run else None
