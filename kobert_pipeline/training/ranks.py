"""The processes of one training run, as torchrun, SLURM's srun or Lightning numbered them in the environment."""

from __future__ import annotations

import os

NAMES = ("RANK", "SLURM_PROCID", "NODE_RANK", "LOCAL_RANK")


class Turns:
    """The steps at which the ranks agree whether to stop or to write. It costs time: they wait for each other and for
    their GPUs."""

    def __init__(self) -> None:
        self.every = 1

    def about_every_second(self, seconds_a_step: float) -> None:
        self.every = max(1, int(1 / max(seconds_a_step, 1e-3)))

    def has_come(self, step: int) -> bool:
        return step % self.every == 0


def is_first() -> bool:
    """Whether this process is the one that writes; a single process is. Read from the environment, before anything is
    initialised."""
    return all(os.environ.get(name, "0") == "0" for name in NAMES)


def launched() -> int | None:
    """Returns the number of processes that torchrun started, or None without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else None
