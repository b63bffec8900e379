"""Shares of sources: an epoch reads the documents of each source more or less often, so that it has the share that a
recipe sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.contents.token_store import StoreSource
from kobert_pipeline.ground.errors import RecipeError


def repeats_for(shares: Mapping[str, float], sources: Sequence[StoreSource]) -> tuple[float, ...]:
    """How often an epoch reads each of the store's `sources`, so that each source in `shares` gets its share of the
    tokens.

    The other sources divide the remainder in proportion to their sizes. An epoch stays as long as the corpus. Without
    shares the result is empty: every document is read once. Raises RecipeError for a source that is not in the store or
    has no text, and for shares that leave nothing for the others or do not add up.
    """
    if not shares:
        return ()
    tokens = {source.name: source.tokens for source in sources}
    for name in shares:
        if not tokens.get(name):
            known = [source for source, count in tokens.items() if count]
            raise RecipeError(
                "pretrain.source_shares.{name}: no training text of that source; {meant}",
                name=name,
                meant=nearest(name, known),
            )
    total, unnamed = sum(tokens.values()), sum(count for name, count in tokens.items() if name not in shares)
    left = 1 - sum(shares.values())
    if (unnamed and left <= 1e-9) or (not unnamed and abs(left) > 1e-6):
        raise RecipeError(
            "pretrain.source_shares add up to {total:g}. Name every source with shares that add up to 1, or leave a part of the whole to the sources that are not named.",
            total=1 - left,
        )
    return tuple(
        shares[name] * total / count if name in shares else left * total / max(unnamed, 1)
        for name, count in tokens.items()
    )
