"""YAML that refuses to guess: a key that occurs twice and a number that YAML reads otherwise than people do are errors."""

from __future__ import annotations

import re
from typing import Any

import yaml

from kobert_pipeline.ground.messages import say

_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9_]*)?")


class _Loader(yaml.SafeLoader):
    """The safe loader: it builds plain values only."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line, name = key.start_mark.line + 1, str(key.value)
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    say(
                        "line {line}: the key `{name}` is in line {other} already; keep one of them",
                        line=line,
                        name=name,
                        other=lines[name],
                    ),
                )
            lines[name] = line
        return super().construct_mapping(node, deep)

    def construct_text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        if _SURROGATE.search(text):
            raise yaml.constructor.ConstructorError(
                None, None,
                say(
                    "line {line}: {text} holds half of a surrogate pair, which is not a character",
                    line=node.start_mark.line + 1, text=ascii(text)[:60],
                ),
            )  # fmt: skip
        return text

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        if _OCTAL.fullmatch(text) or _SEXAGESIMAL.fullmatch(text):
            kind = say("an octal number") if _OCTAL.fullmatch(text) else say("a number of base 60")
            raise yaml.constructor.ConstructorError(
                None, None,
                say(
                    "line {line}: YAML reads {text} as {kind}; write it without leading zeros, or in quotes",
                    line=node.start_mark.line + 1, text=text, kind=kind,
                ),
            )  # fmt: skip
        return self.construct_yaml_float(node) if node.tag.endswith(":float") else self.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)
for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_number)


def parse(text: str) -> Any:
    """The value of a YAML text, built from plain values only. Raises yaml.YAMLError, whose message names line and key."""
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise yaml.YAMLError(say("it is nested too deeply")) from None
    except ValueError as error:  # dates that do not exist, numbers that are none
        raise yaml.YAMLError(str(error)) from None
