"""Whether `corpora`, `tokenizer` and `klue_eval` are this project's.

PyPI has foreign packages of such names. pip lets one of them overwrite our files without a word, and Python imports whichever
comes first on its path. Either way a stage would run foreign code, or fail far from the cause.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

from kobert_pipeline.ground.messages import say

OURS = ("corpora", "tokenizer", "klue_eval")
MARK = "kobert-pipeline"
"""It is in the docstring of each of them, and in that of no other package."""
DISTRIBUTION = "kobert-pipeline"
AGAIN = "in the checkout of kobert-pipeline: pip install --force-reinstall --no-deps --editable ."
"""By its path: PyPI has no such name, and whoever registers it would be installed."""


def foreign_packages() -> list[str]:
    """A line for each of the three that Python would not find, or would find elsewhere. Nothing is imported."""
    return [line for name in OURS if (line := _problem(name, importlib.util.find_spec(name)))]


def foreign_distributions() -> list[str]:
    """Names of other installed distributions that own one of the three."""
    import importlib.metadata  # slow, and only a failure needs it

    owners = importlib.metadata.packages_distributions()
    return sorted({owner for name in OURS for owner in owners.get(name, ()) if owner != DISTRIBUTION})


def _problem(name: str, spec: importlib.machinery.ModuleSpec | None) -> str:
    if spec is None or spec.origin is None:
        return say("the package {name} is missing", name=name)
    if MARK in Path(spec.origin).read_text(encoding="utf-8", errors="replace"):
        return ""
    return say("the package {name} is a foreign one: {place}", name=name, place=spec.origin)


def require_own_packages() -> None:
    """Raises ImportError, which names what is in the way and what to do."""
    found = foreign_packages()
    if not found:
        return
    others = foreign_distributions()
    problems, again = "; ".join(found), say(AGAIN)
    if others:
        names = " ".join(others)
        raise ImportError(
            say("{problems}. Do this: pip uninstall {names}, then {again}", problems=problems, names=names, again=again)
        )
    raise ImportError(say("{problems}. Move it off Python's path, or {again}", problems=problems, again=again))
