"""`--help` and usage errors in the language of the user. typer writes them; here its own sentences are translated, too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from kobert_pipeline.ground.messages import say, translated
from kobert_pipeline.ground.progress_line import cells

FRAMES = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "REQUIRED_LONG_STRING": "[required]",
    "DEFAULT_STRING": "[default: {}]",
    "ENVVAR_STRING": "[env var: {}]",
}
"""Constants of `typer.rich_utils`, which draws the help, and what they are in English."""
USAGE_ERRORS = (
    "Missing argument {name}.",
    "Missing option {name}.",
    "No such option: {name} (Possible options: {others})",
    "No such option: {name}",
    "No such command {name}. Did you mean {others}?",
    "No such command {name}.",
    "Invalid value for {name}: {reason}",
    "Option {name} requires an argument.",
    "Got unexpected extra argument ({name})",
    "Got unexpected extra arguments ({name})",
)
"""typer's own sentences. The first one that fits is taken."""
REASONS = (
    "Input should be greater than or equal to {ge}",
    "Input should be less than or equal to {le}",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
)
"""Why it does not take a value."""


class _Translated:
    """What a command and the group of all commands have in common."""

    help: str | None

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.help = translated(self.help or "")

    def get_params(self, context: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            parameter.help = translated(getattr(parameter, "help", None) or "")
        return parameters

    def format_usage(self, context: Any, formatter: Any) -> None:
        pieces = self.collect_usage_pieces(context)  # type: ignore[attr-defined]
        formatter.write_usage(context.command_path, " ".join(pieces), prefix=say("Usage:") + " ")

    def format_help(self, context: Any, formatter: Any) -> None:
        from rich.text import Text
        from typer import rich_utils

        for name, text in FRAMES.items():
            setattr(rich_utils, name, translated(text))
        Text.rstrip_end = _without_last_spaces  # type: ignore[method-assign, assignment]
        super().format_help(context, formatter)  # type: ignore[misc]


class Command(_Translated, TyperCommand):
    """A command of `kobert`."""


class Group(_Translated, TyperGroup):
    """`kobert` itself."""


def _without_last_spaces(line: Any, width: int) -> None:
    """In place of rich's method (15.0), which counts characters instead of cells: the last syllable of a line of Hangul that just
    fits gave way to `…`."""
    excess = cells(line.plain) - width
    if excess > 0:
        line.right_crop(min(excess, len(line.plain) - len(line.plain.rstrip())))


def usage_error(message: str) -> str:
    """A message of typer in the language of the user; as it is where it is none of those above."""
    return _recognised(message, USAGE_ERRORS)


def _recognised(message: str, templates: Iterable[str]) -> str:
    for template in templates:
        if found := re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template)), message, re.DOTALL):
            return say(template, **{name: _recognised(value, REASONS) for name, value in found.groupdict().items()})
    return message
