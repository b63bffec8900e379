"""What a run is measured on: batches of validation data for its own terms, and the data of the objective's further measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from kobert_pipeline.architectures.padding import look_for_padding
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.objectives.objective import Batch, Measure, Objective, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import validation_batches


@dataclass(frozen=True)
class ValidationData:
    """Text that training never sees, the same for every seed."""

    batches: list[Batch]
    measures: list[tuple[Measure, list[Batch]]] = field(default_factory=list)
    """Each measure with what it is taken on after the last step."""

    @property
    def cost_of_measures(self) -> float:
        """The cost of all further measures, in measurements on `batches`: the ratio of their positions."""
        measured = sum(batch["input_ids"].numel() for batch in self.batches)
        further = sum(batch["input_ids"].numel() for _, batches in self.measures for batch in batches)
        return further / max(1, measured)

    @classmethod
    def of(cls, store: Store, objective: Objective, config: PretrainConfig, info: TokenizerInfo) -> Self:
        number, longest = config.measured_sentences, config.phases[0].max_length
        measures = [
            (measure, [look_for_padding(batch) for batch in measure.batches(store, number, longest, info)])
            for measure in objective.measures
        ]
        taken = [(measure, batches) for measure, batches in measures if batches]
        return cls(validation_batches(store, objective, config, info), taken)
