"""Masked accuracy by part of speech: a model soon learns particles and endings; nouns show what it knows.

Shapes: n masked positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH
from kobert_pipeline.objectives.objective import Figure, Term

if TYPE_CHECKING:
    import torch

GROUPS = {"N": "noun", "V": "verb", "J": "particle", "E": "ending"}
"""First letter of a Sejong tag -> its group: nouns with numerals and pronouns, stems of verbs and adjectives."""
OTHER = "other"
NAMES = (*GROUPS.values(), OTHER)


def group_of(tag: str) -> str:
    return GROUPS.get(tag[0], OTHER)


def accuracy_figures(accuracy: str) -> tuple[Figure, ...]:
    """One figure for each term of `accuracy_terms`."""
    return tuple(Figure(f"{accuracy}_{name}", name, "share", group="part of speech") for name in NAMES)


def accuracy_terms(accuracy: str, right: torch.Tensor, parts_of_speech: torch.Tensor) -> dict[str, Term]:
    """`<accuracy>_noun` and so on, each of weight 0. `right` (n,) bool; `parts_of_speech` (n,) are numbers into
    PARTS_OF_SPEECH."""
    import torch

    numbers = torch.tensor([NAMES.index(group_of(tag)) for tag in PARTS_OF_SPEECH], device=right.device)
    groups = numbers[parts_of_speech.long()]
    members = {name: groups == number for number, name in enumerate(NAMES)}
    return {
        f"{accuracy}_{name}": Term((right & member).sum().float(), member.sum().float(), weight=0.0)
        for name, member in members.items()
    }
