"""`kobert fill`: a model's guesses for masked places."""

from __future__ import annotations

from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings


def fill(
    model: ModelName,
    sentences: Annotated[
        list[str], typer.Argument(metavar="SENTENCE...", help='With masks: "대한민국의 수도는 [MASK]이다."')
    ],
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Let a model guess what is masked in a sentence: its five likeliest pieces, with probabilities."""
    from rich.console import Console

    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.uses.fill_mask import fill as fill_masks
    from kobert_pipeline.uses.fill_mask import lines, table

    console = Console()
    for filled in fill_masks(locate(model, settings or (), artifacts), sentences):
        if console.is_terminal:
            console.print(table(filled))
        else:
            typer.echo("\n".join(lines(filled)))
