"""The command of each use, such as `kobert fill`: what the model makes of texts."""

# Without `from __future__ import annotations`: typer reads the annotations of a function that is made for each use.

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings
from kobert_pipeline.uses.use import Network, Tokenizer, UnfitModel, Use


def command_of(use: Use) -> Callable[..., None]:
    """A function that `cli.py` lists as a command, with the name and the help of the use."""

    def try_use(
        model: ModelName,
        texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help=use.command.texts)],
        settings: Settings = None,
        artifacts: Artifacts = DEFAULT_ARTIFACTS,
    ) -> None:
        from rich.console import Console

        from kobert_pipeline.commands.locate import locate
        from kobert_pipeline.training.quiet import quiet
        from kobert_pipeline.uses.results import lines, table

        with quiet():
            tokenizer, network = _load(use, locate(model, settings or (), artifacts))
            results = use.try_it(tokenizer, network, texts)
        console = Console()
        for result in results:
            if console.is_terminal:
                console.print(table(result, use.columns))
            else:
                typer.echo("\n".join(lines(result)))

    try_use.__name__, try_use.__doc__ = use.command.name, use.command.help
    return try_use


def _load(use: Use, folder: str) -> tuple[Tokenizer, Network]:
    """The model, or the first one next to it that fits the use: ELECTRA's generator fills masks, its discriminator does not."""
    from kobert_pipeline.commands.locate import other_models

    try:
        return use.load(folder)
    except UnfitModel:
        for other in other_models(folder):
            with suppress(UnfitModel):
                return use.load(other)
        raise
