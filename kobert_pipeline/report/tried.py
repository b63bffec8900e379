"""The examples of a use, tried with the model of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.uses.use import Answer, Example, UnfitModel, Use


@dataclass(frozen=True)
class Tried:
    example: Example
    answers: list[tuple[Answer, bool]]
    """The best first, each with whether it is what was written."""


def tried(model: Path | None, use: Use) -> list[Tried]:
    """The model's answers to the use's examples. Empty without a model, and for one that does not fit the use."""
    if model is None or not (model / "config.json").is_file():
        return []
    try:
        with quiet():
            tokenizer, network = use.load(str(model))
            results = use.try_it(tokenizer, network, [use.prompt(tokenizer, example) for example in use.examples])
    except UnfitModel:
        return []
    return [
        Tried(example, [(answer, example.is_right(answer)) for answers in result.answers for answer in answers])
        for example, result in zip(use.examples, results, strict=True)
    ]
