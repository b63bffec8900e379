"""`kobert chat`: a dialogue with a model, or a sheet of its replies to be rated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.messages import say

Turns = Annotated[int, typer.Option(min=1, help="Turns that the model reads.")]
Candidates = Annotated[int, typer.Option(min=1, help="Replies that are drawn; the likeliest is said.")]
Temperature = Annotated[float, typer.Option(min=0, help="0 always takes the likeliest token.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Tokens of a reply at most.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds draw equal replies.")]
SheetFile = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Write a reply to each context into a sheet for raters, instead of talking."),
]
Contexts = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Dialogues for --sheet: a turn a line, a blank line between them.")
]


def chat(
    model: ModelName,
    sheet: SheetFile = None,
    contexts: Contexts = None,
    turns: Turns = 7,
    candidates: Candidates = 20,
    temperature: Temperature = 0.88,
    max_tokens: MaxTokens = 48,
    seed: Seed = 0,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Talk to a model, a line each; an empty line ends it. Or write a sheet of replies for raters."""
    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.commands.try_use import load_for
    from kobert_pipeline.training.quiet import quiet
    from kobert_pipeline.uses.chat import Partner
    from kobert_pipeline.uses.generate import USE
    from kobert_pipeline.uses.ssa import OPENINGS, read_contexts, write_sheet

    if contexts is not None and sheet is None:
        raise KobertError("--contexts belongs to --sheet CSV.")
    asked = [[opening] for opening in OPENINGS] if contexts is None else read_contexts(contexts)
    with quiet():
        partner = Partner(
            *load_for(USE, locate(model, settings or (), artifacts)), turns, candidates, temperature, max_tokens
        )
        if sheet is None:
            _talk(partner.reply, seed)
            return
        write_sheet(sheet, asked, lambda said, number: partner.reply(said, seed + number))
    typer.echo(
        say(
            "{sheet}: {count} replies to rate. Write 1 or 0 into sensible and specific, then: kobert ssa {sheet}",
            sheet=sheet,
            count=len(asked),
        )
    )


def _talk(reply: object, seed: int) -> None:
    assert callable(reply)
    said: list[str] = []
    for text in _lines():
        try:
            answer = reply([*said, text], seed + len(said))
        except InputError as error:
            typer.echo(say("error: {text}", text=error), err=True)
            continue
        typer.echo(answer)
        said += [text, answer]


def _lines() -> Iterator[str]:
    """What the user types, up to an empty line or the end of the input."""
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            text = input(prompt).strip()
        except EOFError:
            return
        if not text:
            return
        yield text
