"""`--help` and usage errors in the language of the user. typer writes them; here its own sentences are translated, too."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

from kobert_pipeline.ground.messages import say, translated

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
        from typer import rich_utils

        for name, text in FRAMES.items():
            setattr(rich_utils, name, translated(text))
        super().format_help(context, formatter)  # type: ignore[misc]


class Command(_Translated, TyperCommand):
    """A command of `kobert`."""


class Group(_Translated, TyperGroup):
    """`kobert` itself."""


def usage_error(message: str) -> str:
    """A message of typer in the language of the user; as it is where it is none of those above."""
    for template in USAGE_ERRORS:
        if found := re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template)), message, re.DOTALL):
            return say(template, **found.groupdict())
    return message
