"""Numbers and settings in words, for cards and pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_unit(value: float, unit: str) -> str:
    """A figure of an objective with its unit: `4.159 nats`, `30.0 %`, `93.7`."""
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.3f} {unit}" if unit else f"{value:,.1f}"


def plain_number(value: float) -> str:
    """`0.002`, `5e-05`: a setting as people write it."""
    return f"{value:g}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """`layers 4, hidden 256`: an architecture's sizes or an objective's options, without their name."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if key != "name")


def counts(values: Mapping[str, int]) -> str:
    """`too_short 71, duplicate 2,887`; empty for none."""
    return ", ".join(f"{cell(name)} {value:,}" for name, value in values.items())


def versions(libraries: Mapping[str, str]) -> str:
    """`tokenizers 0.23.3, torch 2.13.0`."""
    return ", ".join(f"{name} {version}" for name, version in libraries.items())


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text inside a Markdown table: without line breaks, column borders or HTML."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
