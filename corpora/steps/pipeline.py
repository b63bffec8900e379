"""The steps of a recipe as one function. It is built once per shard, so that a document costs nothing but its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from corpora.config import CorporaConfig
from corpora.documents import Document, Drop
from corpora.steps import STEPS
from corpora.steps.rewriting import Rewrite, until_stable
from corpora.steps.step import Step
from kobert_pipeline.ground.config import Config

OptionsOf = Callable[[type[Config]], Config]
"""Gives the options of a class."""
REWRITING = [name for name, step in STEPS.items() if step.rewrite]


def pipeline(config: CorporaConfig) -> Callable[[Document], tuple[Document, Drop | None]]:
    """Composes the steps of a recipe. The function gives the document, and the reason if it is dropped."""
    functions = list(_functions(config))

    def run(document: Document) -> tuple[Document, Drop | None]:
        for function in functions:
            result = function(document)
            if isinstance(result, Drop):
                return document, result
            document = result
        return document, None

    return run


def _functions(config: CorporaConfig) -> list[Callable[[Document], Document | Drop]]:
    """One function for a step; one for neighbouring steps that only rewrite text."""
    functions: list[Callable[[Document], Document | Drop]] = []
    for rewrites, group in groupby(config.active_steps, key=REWRITING.__contains__):
        if rewrites:
            functions.append(_on_text_and_title(rewriter(list(group), config.options)))
        else:
            functions += [bound(STEPS[name].function, STEPS[name], config.options) for name in group]
    return functions


def _on_text_and_title(rewrite: Rewrite) -> Callable[[Document], Document]:
    def function(document: Document) -> Document:
        title = rewrite(document.title) if document.title else ""
        text = rewrite(document.text)
        return Document(document.doc_id, document.source, text, title, document.format, document.masked)

    return function


def rewriter(names: Sequence[str], options: OptionsOf) -> Rewrite:
    """Composes rewriting steps into one function that repeats them until nothing changes.

    In the order of STEPS one pass is enough for a text that then holds no sign of any step. In another order only a
    pass that changes nothing shows that the text is done.
    """
    steps = [STEPS[name] for name in names]
    signs = dict.fromkeys(sign for step in steps for sign in step.signs)
    rewrites = [bound(step.rewrite, step, options) for step in steps if step.rewrite]
    return until_stable(rewrites, tuple(signs) if list(names) == REWRITING else ())


def bound(function: Callable[..., Any], step: Step, options: OptionsOf) -> Callable[..., Any]:
    """The function with the options of its step filled in."""
    return function if step.options is None else partial(function, options=options(step.options))
