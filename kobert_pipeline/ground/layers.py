"""Settings in layers: a recipe overrides what it extends, and `--set` overrides the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kobert_pipeline.ground import strict_yaml
from kobert_pipeline.ground.errors import RecipeError


def load_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file whose top level is a mapping. Raises RecipeError for anything else."""
    try:
        value = strict_yaml.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError("{path}: no such recipe file", path=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError("{path}: not a readable YAML file: {error}", path=path, error=error) from None
    if not isinstance(value, dict):
        raise RecipeError(
            "{path}: a recipe is a mapping of keys to values, not {kind}", path=path, kind=type(value).__name__
        )
    return value


BUDGETS = ("max_steps", "max_tokens", "max_minutes")
"""These keys exclude each other. A layer that sets one removes the others that it inherited."""


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`: mappings are merged key by key, everything else is replaced.

    A mapping with a name (`name: modernbert`) completely replaces one of another name: an objective or architecture does not
    have the options of another. A budget replaces the budget of another kind.
    """
    if "name" in over and "name" in base and over["name"] != base["name"]:
        return dict(over)
    merged = _without_budget(base) if _budgets(over) else dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _budgets(values: Mapping[str, Any]) -> list[str]:
    return [name for name in BUDGETS if values.get(name) is not None]


def _without_budget(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in BUDGETS}


def _value(assignment: str, text: str) -> Any:
    try:
        return strict_yaml.parse(text) if text.strip() else ""
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise RecipeError(
            "--set {assignment}: the value is not readable YAML: {reason}", assignment=assignment, reason=reason
        ) from None


def assign(settings: dict[str, Any], assignment: str) -> dict[str, Any]:
    """The settings with one `--set pretrain.max_steps=100` applied. The value is YAML: numbers, lists and booleans work."""
    key, separator, text = assignment.partition("=")
    if not separator or not key.strip():
        raise RecipeError(
            "--set {assignment}: write it as key=value, e.g. --set pretrain.max_steps=100", assignment=assignment
        )
    value = _value(assignment, text)
    *parents, last = key.strip().split(".")
    result = dict(settings)
    inner = result
    for part in parents:
        child = inner.get(part, {})
        if not isinstance(child, Mapping):
            raise RecipeError("--set {assignment}: {part} is a value, not a section", assignment=assignment, part=part)
        inner[part] = dict(child)
        inner = inner[part]
    if _budgets({last: value}):
        for name in _budgets(inner):
            del inner[name]
    inner[last] = value
    return result
