"""The combinations of a sweep. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from kobert_pipeline.ground.errors import RecipeError

OPENING, CLOSING = "[{(", "]})"


def combinations(settings: Sequence[str]) -> list[tuple[str, ...]]:
    """`["a=1,2", "seed=1,2"]` -> `("a=1", "seed=1")`, `("a=1", "seed=2")`, …: the last setting varies fastest.

    A comma in brackets or quotation marks belongs to a value: `phases=[…],[…]` has two values. Raises RecipeError for a setting without
    a value, and for one that is given twice.
    """
    keys = [setting.partition("=")[0].strip() for setting in settings]
    repeated = next((key for key in keys if keys.count(key) > 1), None)
    if repeated:
        raise RecipeError(
            "--set {repeated} is given twice. Write all its values after one: --set {repeated}=1,2,3", repeated=repeated
        )
    return list(itertools.product(*(_assignments(setting) for setting in settings)))


def _assignments(setting: str) -> list[str]:
    key, equals, text = setting.partition("=")
    values = [value.strip() for value in _split(text)]
    if not equals or not key.strip() or not all(values):
        raise RecipeError(
            "--set {setting}: write it as key=value1,value2, e.g. --set pretrain.learning_rate=1e-3,2e-3",
            setting=setting,
        )
    if len(set(values)) < len(values):
        raise RecipeError("--set {setting}: a value is given twice", setting=setting)
    return [f"{key.strip()}={value}" for value in values]


def _split(text: str) -> list[str]:
    """At the commas outside brackets and quotation marks."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += character
        if character in "\"'" and quote in ("", character):
            quote = "" if quote else character
        elif not quote:
            depth += (character in OPENING) - (character in CLOSING)
    return parts
