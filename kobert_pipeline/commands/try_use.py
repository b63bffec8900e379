"""The command of each use, such as `kobert fill`: what the model makes of texts."""

# Without `from __future__ import annotations`: typer reads the annotations of a function that is made for each use.

from collections.abc import Callable
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings
from kobert_pipeline.uses.use import Use


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
            tokenizer, network = use.load(locate(model, settings or (), artifacts))
            results = use.try_it(tokenizer, network, texts)
        console = Console()
        for result in results:
            if console.is_terminal:
                console.print(table(result, use.columns))
            else:
                typer.echo("\n".join(lines(result)))

    try_use.__name__, try_use.__doc__ = use.command.name, use.command.help
    return try_use
