"""How batches of several tasks are mixed: how many steps each task gets, and in which order they come. Pure.

The batches of all tasks are shuffled together (Liu et al. 2019, algorithm 1), here those of the whole run instead of an epoch. A
task's share of the steps is n ** (1 / T), where n is the number of its steps alone (Raffel et al. 2020, section 3.5.2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

By = Literal["size", "square_root", "temperature"]
TEMPERATURES: Mapping[str, float] = {"size": 1.0, "square_root": 2.0}


@dataclass(frozen=True)
class Mixture:
    """Tasks that train one encoder together."""

    by: By = "size"
    temperature: float | None = None
    """Set if `by` is `temperature`: 1 is the size, and the larger it is, the more equal are the shares."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Task -> factor of its loss. 1 for all tasks if empty."""

    def content(self) -> dict[str, Any]:
        """For a fingerprint."""
        return {"by": self.by, "temperature": self.temperature, "weights": dict(self.weights)}

    def steps(self, alone: Sequence[int]) -> list[int]:
        """Steps of each task alone -> its steps in the mixture, with the same sum: by size, they are the same. At least one each."""
        shares = [steps ** (1 / (self.temperature or TEMPERATURES[self.by])) for steps in alone]
        exact = [sum(alone) * share / sum(shares) for share in shares]
        steps = [max(1, int(value)) for value in exact]
        missing = sum(alone) - sum(steps)
        for place in sorted(range(len(alone)), key=lambda place: steps[place] - exact[place])[: max(0, missing)]:
            steps[place] += 1
        for _ in range(-missing):  # the steps that tasks below one step got
            steps[max(range(len(alone)), key=lambda place: (steps[place], -alone[place]))] -= 1
        return steps


def mixed_order(steps: Sequence[int], seed: int) -> NDArray[np.int64]:
    """[sum of steps] the number of the task whose batch each step trains on."""
    import numpy as np

    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, len(steps), sum(steps)])))
    return generator.permutation(np.repeat(np.arange(len(steps)), steps))


def problem_of(heads: Mapping[str, str], weights: Collection[str]) -> str:
    """Why tasks cannot be mixed, and what to do; empty if they can. `heads`: task -> the kind of its output."""
    if weights and set(weights) != set(heads):
        named, mixed = ", ".join(sorted(weights)), ", ".join(heads)
        return say("weights names {named}, but the tasks of the mixture are {mixed}", named=named, mixed=mixed)
    if weights or len(set(heads.values())) == 1:
        return ""
    kinds = ", ".join(f"{name} ({head})" for name, head in heads.items())
    example = ", ".join(f"{name}: 1" for name in heads)
    return say(
        "multitask mixes kinds of tasks whose losses have other scales: {kinds}. Say what each counts: weights: {example}",
        kinds=kinds,
        example=f"{{{example}}}",
    )
