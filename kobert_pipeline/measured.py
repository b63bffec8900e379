"""What shipped recipes cost, as measured. What is not listed here is not known. `pretrain/README.md` says how it was measured."""

from __future__ import annotations

from dataclasses import dataclass

from kobert_pipeline.ground.messages import say

TWO_CORES, H200 = "two CPU cores", "NVIDIA H200"
WITH_BF16 = f"{TWO_CORES} with bfloat16"


@dataclass(frozen=True)
class Speed:
    """Pretraining with a recipe on a machine."""

    recipe: str
    machine: str
    tokens_per_second: int | None = None
    """Without padding."""
    minutes: float | None = None
    """Of the recipe's whole pretraining; of the whole run for `quickstart`."""
    peak_gib: float | None = None
    """Of the GPU if there is one, else of the process."""
    how: str = ""
    """Settings that differ from the recipe's."""


SPEEDS: tuple[Speed, ...] = (
    Speed("quickstart", TWO_CORES, minutes=1),
    Speed("bert-mini", WITH_BF16, 6_465, 21.6, 2.8),
    Speed("modernbert-mini", WITH_BF16, 8_243, 24.9, 3.3),
    Speed("modernbert-mini", H200, 4_743_000, None, 23.0, "512 full rows of 512, varlen, compiled"),
    Speed("modernbert-small", H200, 1_525_000, None, None, "128 full rows of 512, compiled"),
    Speed("modernbert-base", H200, 386_000, None, 37.9, "64 full rows of 1,024, varlen, compiled"),
    Speed("bert-base", H200, 591_000, None, 27.4, "128 packed rows of 512, varlen, compiled"),
)


def speeds(recipe: str) -> list[Speed]:
    """The rows of a shipped recipe."""
    return [speed for speed in SPEEDS if speed.recipe == recipe]


def shown_cost(recipe: str) -> str:
    """`25 min on two CPU cores; 4,743,000 tokens/s on an NVIDIA H200`."""
    return "; ".join(_shown(speed) for speed in speeds(recipe)) or say("not measured")


def _shown(speed: Speed) -> str:
    if speed.minutes is not None:
        machine = say("two CPU cores") if speed.machine == TWO_CORES else speed.machine
        return say("{minutes:.0f} min on {machine}", minutes=speed.minutes, machine=machine)
    return say("{speed:,} tokens/s on an {machine}", speed=speed.tokens_per_second, machine=speed.machine)
