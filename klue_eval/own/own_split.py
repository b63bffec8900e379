"""How one labelled file is divided: 80 % is trained on, 20 % is scored. Pure, and the same for every model, seed and machine.

Rows with equal texts stay together. Texts are taken in the order of their hash, label by label where a row has one label, so that
both parts have the labels in the same shares. A row whose label would otherwise be only among the scored ones is trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")
SHARE = 0.2
"""Share of the texts of each label that is scored, rounded to a whole number."""
RULE = "one file, divided by the hash of its texts: 80 % trained on, 20 % scored"
OF_EACH_LABEL = ", of each label"


def divide(
    rows: Sequence[Item], texts: Sequence[str], labels: Sequence[frozenset[Hashable]]
) -> tuple[list[Item], list[Item]]:
    """Returns the rows to train on and those to score, each in the order of the file.

    `texts` and `labels`: of each row. A row with several labels belongs to no group of one label.
    """
    groups: dict[Hashable, dict[str, None]] = {}
    for text, found in zip(texts, labels, strict=True):
        groups.setdefault(next(iter(found)) if len(found) == 1 else None, {})[text] = None
    scored: set[str] = set()
    for members in groups.values():
        ordered = sorted(members, key=_hash)
        scored.update(ordered[: int(len(ordered) * SHARE + 0.5)])
    scored -= _needed(scored, texts, labels)
    parts: Mapping[bool, list[Item]] = {False: [], True: []}
    for row, text in zip(rows, texts, strict=True):
        parts[text in scored].append(row)
    return parts[False], parts[True]


def _needed(scored: set[str], texts: Sequence[str], labels: Sequence[frozenset[Hashable]]) -> set[str]:
    """The scored texts, in the order of their hash, that have a label which no text before them and none of the others has."""
    known = {label for text, found in zip(texts, labels, strict=True) if text not in scored for label in found}
    needed = set()
    for text, found in sorted(zip(texts, labels, strict=True), key=lambda pair: _hash(pair[0])):
        if text in scored and not found <= known:
            needed.add(text)
            known |= found
    return needed


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
