"""Masked accuracy by part of speech: particles and endings are soon learned, nouns tell what a model knows.

Shapes: n masked positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH
from kobert_pipeline.objectives.objective import Term

if TYPE_CHECKING:
    import torch

GROUPS = {"N": "noun", "V": "verb", "J": "particle", "E": "ending"}
"""First letter of a Sejong tag -> its group: nouns with numerals and pronouns, stems of verbs and adjectives."""
OTHER = "other"


def group_of(tag: str) -> str:
    return GROUPS.get(tag[0], OTHER)


def accuracy_terms(right: torch.Tensor, parts_of_speech: torch.Tensor) -> dict[str, Term]:
    """`mlm_accuracy_noun` and so on, each of weight 0. `right` (n,) bool; `parts_of_speech` (n,) numbers into
    PARTS_OF_SPEECH."""
    import torch

    names = [*GROUPS.values(), OTHER]
    numbers = torch.tensor([names.index(group_of(tag)) for tag in PARTS_OF_SPEECH], device=right.device)
    groups = numbers[parts_of_speech.long()]
    members = {name: groups == number for number, name in enumerate(names)}
    return {
        f"mlm_accuracy_{name}": Term((right & member).sum().float(), member.sum().float(), weight=0.0)
        for name, member in members.items()
    }
