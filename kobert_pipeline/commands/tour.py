"""`kobert tour`: one sentence, followed from raw text to the loss."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from kobert_pipeline.tour.follow import Followed


def tour(
    stop: Annotated[int, typer.Argument(metavar="[STOP]", min=0, help="Only this stop. 0: all of them.")] = 0,
    pager: Annotated[bool, typer.Option("--pager", help="Show one screen at a time.")] = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the example, with its segments and masks, as SVG.")
    ] = None,
) -> None:
    """Follow one sentence of the bundled sample from raw text to the loss, with the real values at each stop."""
    from contextlib import nullcontext

    from rich.console import Console

    from kobert_pipeline.ground.files import write_text
    from kobert_pipeline.tour.figure import drawn
    from kobert_pipeline.tour.follow import follow

    require_stop(stop)
    for package in ("corpora", "tokenizer", "kobert_pipeline"):
        logging.getLogger(package).setLevel(logging.WARNING)
    found, console = follow(), Console(highlight=False, markup=False)
    if figure is not None:
        write_text(figure, drawn(found.example))
    with console.pager() if pager else nullcontext():
        show(console, found, stop)


def require_stop(stop: int) -> None:
    """Raises KobertError for a stop that the tour does not have."""
    from kobert_pipeline.ground.errors import KobertError
    from kobert_pipeline.tour.stops import STOPS

    if stop > len(STOPS):
        raise KobertError(
            "{stop}: the tour has {count} stops. Without a number it shows all of them.", stop=stop, count=len(STOPS)
        )


def show(console: Console, found: Followed, stop: int = 0) -> None:
    """Prints a stop, or all of them, no wider than the console."""
    from kobert_pipeline.ground.messages import say
    from kobert_pipeline.tour.stops import STOPS

    for number, each in enumerate(STOPS, 1):
        if stop in (0, number):
            console.print(f"{number}. {say(each.title)}", style="bold")
            for line in each.lines(found):
                console.print(line)
            console.print(f"→ {', '.join(each.files)}\n", style="dim")
