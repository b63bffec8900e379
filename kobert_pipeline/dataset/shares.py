"""Weights of the corpus: which share of an epoch each source has, by reading its documents more or less often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import RecipeError


def repeats_for(shares: Mapping[str, float], sources: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """How often an epoch reads each of the store's `sources`, so that those named get their share of its pieces and the
    others divide the rest among them as they are. An epoch stays as long as the corpus. No shares: nothing, every document once.

    Raises RecipeError for a source that the store has not or that has no text, and for shares that leave none or too much.
    """
    if not shares:
        return ()
    pieces = {str(source["name"]): int(source["tokens"]) for source in sources}
    for name in shares:
        if not pieces.get(name):
            known = [source for source, count in pieces.items() if count]
            raise RecipeError(f"pretrain.source_shares.{name}: no training text of that source; {nearest(name, known)}")
    total, rest = sum(pieces.values()), sum(count for name, count in pieces.items() if name not in shares)
    left = 1 - sum(shares.values())
    if (rest and left <= 1e-9) or (not rest and abs(left) > 1e-6):
        raise RecipeError(
            f"pretrain.source_shares add up to {1 - left:g}: name every source and let them add up to 1, "
            "or leave some of the whole to those that are not named."
        )
    return tuple(
        shares[name] * total / count if name in shares else left * total / max(rest, 1)
        for name, count in pieces.items()
    )
