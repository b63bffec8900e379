"""Paragraph ends of the sentences that the store keeps, and what joins sentences to a text. S sentences, K of them kept."""

from __future__ import annotations

import numpy as np


def paragraph_ends(ends: np.ndarray, document: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(K,) bool: whether each kept sentence ends a paragraph.

    `ends` (S,) bool are the paragraph ends before sentences were dropped, `document` (S,) the number of each sentence's
    document, `kept` (S,) bool the sentences that have tokens. A dropped sentence passes its paragraph end to the
    sentence before it in the same document. The last sentence of a document always ends a paragraph.
    """
    of_kept = document[kept]
    result = np.append(of_kept[1:] != of_kept[:-1], True)[: len(of_kept)]
    heir = np.cumsum(kept) - 1
    """(S,) the last kept sentence up to each sentence; -1 where there is none."""
    passed = ends & (heir >= 0)
    heir, giver = heir[passed], document[passed]
    result[heir[of_kept[heir] == giver]] = True
    return result


SPACE, LINE_BREAK = " ", "\n"
"""Between the sentences of a paragraph, and between paragraphs."""


def joiners(document: np.ndarray, paragraph_end: np.ndarray) -> list[str]:
    """What is written before each sentence (S,), so that the sentences of a document one after the other are its text."""
    starts = np.append(True, document[1:] != document[:-1])[: len(document)]
    breaks = np.append(False, paragraph_end[:-1])[: len(document)]
    chosen = np.where(starts, 0, np.where(breaks, 2, 1))
    return [("", SPACE, LINE_BREAK)[place] for place in chosen.tolist()]
