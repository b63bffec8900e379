"""Settings: typed and documented. An unknown key is an error that names the nearest known key."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError

from kobert_pipeline.ground.errors import RecipeError, WrongValue
from kobert_pipeline.ground.messages import say, translated


class Config(BaseModel):
    """Base of every settings class. Fields made with `runtime` (workers, paths) do not change what is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """A truth value is not a number, although Python counts with it; nor is infinity one to compute with. Lists of numbers and
        tables of them are looked through, too."""
        kinds = _leaves(cls.model_fields[info.field_name or ""].annotation)
        for each in _items(value):
            if isinstance(each, bool) and bool not in kinds and kinds & {int, float}:
                raise WrongValue("a number is needed, not a truth value")
            if isinstance(each, float) and not math.isfinite(each):
                raise WrongValue("a finite number is needed")
        return value

    def content(self) -> dict[str, Any]:
        """The settings that change the result, as plain JSON values, for a fingerprint."""
        return {
            name: _content(getattr(self, name))
            for name, info in type(self).model_fields.items()
            if not _is_left_out(info, getattr(self, name))
        }

    @classmethod
    def parse(cls, value: Mapping[str, Any], path: str = "") -> Self:
        """Validates `value`. Raises RecipeError with the path of the key, the value that was given, and what is allowed."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise RecipeError("\n".join(_explain(cls, item, path) for item in error.errors())) from None


def runtime(default: Any, **constraints: Any) -> Any:
    """A field that changes how fast or where something is computed, not the result. Fingerprints leave it out."""
    return Field(default, json_schema_extra={"runtime": True}, **constraints)


def added(default: Any = ..., **constraints: Any) -> Any:
    """A field that decides the result and came after the first artifacts. Fingerprints leave it out as long as it has its default,
    so that artifacts which were made without it stay valid."""
    return (
        Field(default, json_schema_extra={"added": True}, **constraints)
        if default is not ...
        else Field(json_schema_extra={"added": True}, **constraints)
    )


def _is_left_out(info: FieldInfo, value: Any) -> bool:
    """Whether a fingerprint leaves the field out."""
    marks = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return bool(marks.get("runtime")) or (
        bool(marks.get("added")) and value == info.get_default(call_default_factory=True)
    )


def _kinds(annotation: Any) -> set[Any]:
    """`int | None` -> int and None's type; the parts of a union."""
    parts = getattr(annotation, "__args__", ()) if isinstance(annotation, UnionType) else (annotation,)
    return set(parts)


def _leaves(annotation: Any) -> set[Any]:
    """The types that an annotation names, at any depth: `dict[str, PositiveFloat] | None` -> str, float and None's type."""
    parts = get_args(annotation)
    return set().union(*map(_leaves, parts)) if parts else {annotation if isinstance(annotation, type) else None}


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else (value,)


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


def nearest(word: str, known: list[str], otherwise: str = "") -> str:
    """`did you mean …?`, or the list of known names; `otherwise` stands for a list that is long."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return say("did you mean `{name}`?", name=close[0])
    return otherwise or say("known: {names}", names=", ".join(sorted(known)))


def _explain(cls: type[BaseModel], item: Any, prefix: str) -> str:
    location = list(item["loc"])
    path = ".".join([*([prefix] if prefix else []), *(str(part) for part in location)])
    if item["type"] == "extra_forbidden":
        return say("{path}: unknown key; {meant}", path=path, meant=_meant(cls, location))
    if item["type"] == "missing":
        return say("{path}: missing; this key is required", path=path)
    message = _message(item)
    if isinstance(item["input"], Mapping) and "error" in item.get("ctx", {}):  # settings that do not go together
        return f"{path}: {message}" if path else message
    return say("{path}: {message} (given: {value!r})", path=path, message=message, value=item["input"])


def _message(item: Any) -> str:
    """What pydantic says of a value, in the language of the user."""
    message = str(item["msg"]).removeprefix("Value error, ")
    values = item.get("ctx", {})
    if "error" in values:  # one of ours
        return message
    template = PydanticKnownError(item["type"], values).message_template
    return message if translated(template) == template else say(template, **values)


def _meant(cls: type[BaseModel], location: list[Any]) -> str:
    """The key of this name in another section, else the nearest in this one: `pretrain.seed` -> `seed`."""
    word, known = str(location[-1]), _known_keys(cls, location[:-1])
    elsewhere = [path for path in _paths(cls) if path.rpartition(".")[2] == word]
    return say("did you mean `{name}`?", name=elsewhere[0]) if elsewhere else nearest(word, known)


def _paths(cls: type[BaseModel], prefix: str = "") -> list[str]:
    """Every key of a settings class and of the sections in it, those of the class first. Lists of sections are left out."""
    sections = {name: _section(info.annotation) for name, info in cls.model_fields.items()}
    inside = [path for name, kind in sections.items() if kind for path in _paths(kind, f"{prefix}{name}.")]
    return [*(f"{prefix}{name}" for name in cls.model_fields), *inside]


def _section(annotation: Any) -> type[BaseModel] | None:
    parts = _kinds(annotation)
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


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
        inner = _model_inside(argument)
        if inner is not None:
            return inner
    return None
