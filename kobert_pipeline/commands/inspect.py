"""`kobert inspect`: examples of a batch, or a sentence in pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    from rich.console import Console

    from kobert_pipeline.finished import FinishedRun

NEEDS = {"batch": "dataset", "tokens": "tokenizer"}
"""What can be inspected -> the stage that must be complete."""


def inspect(
    recipe: RecipeName,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="batch: examples as training sees them. tokens: a sentence in pieces.")
    ] = "batch",
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="For tokens.")] = "",
    compared: Annotated[
        list[str] | None,
        typer.Option(
            "--compare-with",
            "--beside",
            metavar="TOKENIZER",
            help="For tokens: another tokenizer, a folder, file or Hub id. May be repeated.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="For batch: how many examples to show.")] = 4,
    batches: Annotated[int, typer.Option(min=1, help="For batch: how many batches the statistics cover.")] = 20,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Look inside, in colour: examples of a batch (segments, masks, labels), or a sentence in pieces and morphemes."""
    from rich.console import Console

    from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder

    run = _needed(what, recipe, settings or [], artifacts)
    if what == "tokens":
        TokenizerFolder(run.folders["tokenizer"]).require_content()
        show_tokens(Console(), run.folders["tokenizer"], sentence, compared or [])
        return
    from kobert_pipeline.pretrain.batch_view import view

    store, tokenizer = run.folders["dataset"], run.folders["tokenizer"]
    Console().print(view(run.pretrain, tokenizer, store, seed=run.seed, rows=rows, batches=batches))


def _needed(what: str, recipe: str, settings: list[str], artifacts: Path) -> FinishedRun:
    """Raises KobertError for something that cannot be inspected, and if its stage is not complete."""
    from kobert_pipeline.finished import find_run
    from kobert_pipeline.ground.config import nearest

    if what not in NEEDS:
        raise KobertError("{what}: cannot be inspected; {meant}", what=what, meant=nearest(what, list(NEEDS)))
    run = find_run(recipe, settings, artifacts, NEEDS[what])
    if (
        run is not None and run.recipe is None and what == "batch"
    ):  # then the settings of training are those of the pretraining
        run = find_run(recipe, settings, artifacts, "pretrain")
    if run is None:
        raise KobertError(
            "There is no {stage} for these settings. Run `kobert run {recipe} --until {stage}` first.",
            stage=NEEDS[what],
            recipe=recipe,
        )
    return run


def show_tokens(console: Console, folder: Path, sentence: str, compared: list[str]) -> None:
    """The sentence in pieces of the tokenizer in `folder`, and of others: in colour on a terminal, as TSV in a pipe. Raises
    KobertError without a sentence."""
    from tokenizer.load import load_tokenizer, open_tokenizer
    from tokenizer.token_view import rows, view

    if not sentence.strip():
        raise KobertError('Give a sentence: kobert inspect RECIPE tokens "대한민국의 수도는 서울이다."')
    tokenizers = {say("this recipe"): load_tokenizer(folder)} | {name: open_tokenizer(name) for name in compared}
    if console.is_terminal:
        console.print(view(tokenizers, sentence))
        return
    for row in rows(tokenizers, sentence):
        typer.echo("\t".join(row))
