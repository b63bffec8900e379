"""The recipe as it is published: the settings that decide the result, without the folders of the machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

PATHS = ("path", "data", "adopt", "continue_from", "teacher")
"""Settings that name files. They do not decide the content, but a reader needs the names of the files."""
PUBLIC = ("package:", "hub:", "hf://")
"""Addresses that mean the same on every machine."""


def published_recipe(recipe: str, resolved: Mapping[str, Any], configs: Mapping[str, Mapping[str, Any]]) -> str:
    """YAML that `kobert run` reads once its paths are filled in.

    `resolved`: all settings of the run; `configs`: stage -> the settings that its manifest counts as content. Workers,
    checkpoint intervals and the like are left out, and only the last part of local paths is kept.
    """
    settings = {"name": recipe, "seed": resolved["seed"]}
    sections = {stage: _content(resolved[stage], config) for stage, config in configs.items()}
    return yaml.safe_dump(settings | sections, sort_keys=False, allow_unicode=True, width=120)


def _content(value: Any, content: Any) -> Any:
    """The part of `value` that is in `content` too, and its paths."""
    if isinstance(value, Mapping) and isinstance(content, Mapping):
        kept = {key: _content(item, content[key]) for key, item in value.items() if key in content}
        return kept | {key: shown_path(value[key]) for key in PATHS if isinstance(value.get(key), str)}
    if isinstance(value, list | tuple) and isinstance(content, list | tuple):
        return [_content(item, other) for item, other in zip(value, content, strict=True)]
    return value


def shown_path(path: str) -> str:
    """`/home/me/wiki.jsonl` -> `wiki.jsonl`; addresses that mean the same on every machine stay whole."""
    return path if path.startswith(PUBLIC) else PurePosixPath(path.replace("\\", "/")).name or "."
