"""The random states that training may depend on, as tensors and plain numbers, so that reading a checkpoint unpickles
nothing."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Returns the states of Python, numpy's legacy generator, torch, and the current GPU if there is one."""
    version, words, gauss = random.getstate()
    kind, key, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": {"version": version, "words": list(words), "gauss": gauss},
        "numpy": {
            "kind": kind, "key": torch.from_numpy(np.asarray(key).astype(np.int64)), "position": position,
            "has_gauss": has_gauss, "cached": cached,
        },
        "torch": torch.get_rng_state(),
    }  # fmt: skip
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def restore(state: dict[str, Any]) -> None:
    """The inverse of `random_state`."""
    python, legacy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["words"]), python["gauss"]))
    key = legacy["key"].numpy().astype(np.uint32)
    np.random.set_state((legacy["kind"], key, legacy["position"], legacy["has_gauss"], legacy["cached"]))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def seed_rank(seed: int, rank: int, step: int) -> None:
    """Seeds torch on a rank that has no saved state. Ranks get different seeds, because their dropout must differ."""
    torch.manual_seed(rank_seed(seed, rank, step))


def rank_seed(seed: int, rank: int, step: int) -> int:
    """Returns a seed of 63 bits."""
    return int(np.random.SeedSequence((seed, rank, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
