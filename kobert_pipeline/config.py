"""Settings that refuse to guess: typed, documented, unknown keys are errors that name the nearest known key."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kobert_pipeline.errors import RecipeError


class Config(BaseModel):
    """Base of every settings class. A field made with `runtime` does not change what is computed (workers, paths)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def content(self) -> dict[str, Any]:
        """The settings that change the result, as plain JSON values: what a fingerprint is made of."""
        return {
            name: _content(getattr(self, name))
            for name, info in type(self).model_fields.items()
            if not (isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("runtime"))
        }

    @classmethod
    def parse(cls, value: Mapping[str, Any], path: str = "") -> Self:
        """Validates `value`; raises RecipeError with the path of the key, what was given and what would do."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise RecipeError("\n".join(_explain(cls, item, path) for item in error.errors())) from None


def runtime(default: Any, **constraints: Any) -> Any:
    """A field that changes how fast or where something is computed, never what: it stays out of fingerprints."""
    return Field(default, json_schema_extra={"runtime": True}, **constraints)


def _content(value: Any) -> Any:
    if isinstance(value, Config):
        return value.content()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _content(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_content(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    return value


def nearest(word: str, known: list[str]) -> str:
    """`did you mean …?`, or the list of what is known."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(known))}"


def _explain(cls: type[BaseModel], item: Any, prefix: str) -> str:
    location = list(item["loc"])
    path = ".".join([*([prefix] if prefix else []), *(str(part) for part in location)])
    if item["type"] == "extra_forbidden":
        return f"{path}: unknown key; {nearest(str(location[-1]), _known_keys(cls, location[:-1]))}"
    if item["type"] == "missing":
        return f"{path}: missing; this key is required"
    message = item["msg"].removeprefix("Value error, ")
    return f"{path}: {message} (given: {item['input']!r})"


def _known_keys(cls: type[BaseModel], location: list[Any]) -> list[str]:
    current: Any = cls
    for part in location:
        if isinstance(part, int):
            continue
        fields = getattr(current, "model_fields", {})
        if part not in fields:
            continue
        current = _model_inside(fields[part].annotation) or current
    return list(getattr(current, "model_fields", {}))


def _model_inside(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None


# --- recipes as YAML -------------------------------------------------------------------------------------------------

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file whose top level is a mapping. Raises RecipeError for anything else."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a readable YAML file: {error}") from None
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values, not {type(value).__name__}")
    return value


BUDGETS = ("max_steps", "max_tokens", "max_minutes")
"""Of these keys a layer that gives one takes away those that layers before it gave."""


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings are merged key by key, everything else is replaced.

    A mapping that names itself (`name: modernbert`) replaces one of another name whole: the options of one objective or
    architecture mean nothing to another. A budget replaces the budget of another kind.
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


def assign(settings: dict[str, Any], assignment: str) -> dict[str, Any]:
    """`--set pretrain.max_steps=100` laid on the settings. The value is YAML: numbers, lists and booleans work."""
    key, separator, text = assignment.partition("=")
    if not separator or not key.strip():
        raise RecipeError(f"--set {assignment}: write it as key=value, e.g. --set pretrain.max_steps=100")
    value: Any = yaml.safe_load(text) if text.strip() else ""
    *parents, last = key.strip().split(".")
    result = dict(settings)
    inner = result
    for part in parents:
        child = inner.get(part, {})
        if not isinstance(child, Mapping):
            raise RecipeError(f"--set {assignment}: {part} is a value, not a section")
        inner[part] = dict(child)
        inner = inner[part]
    if _budgets({last: value}):
        for name in _budgets(inner):
            del inner[name]
    inner[last] = value
    return result


def expand_variables(value: str, where: str) -> str:
    """`${NAME}` and `${NAME:-default}` from the environment. Raises RecipeError for a variable that is not set."""

    def replace(match: re.Match[str]) -> str:
        found = os.environ.get(match[1], match[2])
        if found is None:
            raise RecipeError(
                f"{where}: {value}: the environment variable {match[1]} is not set. Set it to a folder, or write a path."
            )
        return found

    return _VARIABLE.sub(replace, value)


PACKAGE = "package:"


def package_path(path: str) -> Path:
    """`package:corpora/sample/x` -> the file inside an installed package. Raises RecipeError where there is no such package."""
    package, _, inside = path.removeprefix(PACKAGE).partition("/")
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise RecipeError(f"{path}: there is no package `{package}`")
    return Path(next(iter(found.submodule_search_locations))) / inside
