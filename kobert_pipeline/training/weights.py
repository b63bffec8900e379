"""Weights that do not load: what the libraries raise, in one line."""

from __future__ import annotations

MOST = 300
"""Characters of a library's message that are quoted."""


def unreadable_weights(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What loading raises for weights that are cut off or damaged, and for sizes that contradict config.json; and `others`."""
    from safetensors import SafetensorError

    return SafetensorError, RuntimeError, EOFError, OverflowError, AssertionError, *others


def one_line(error: Exception) -> str:
    """The message of a library without its line breaks, or the name of the error if there is none."""
    return " ".join(str(error).split())[:MOST] or type(error).__name__
