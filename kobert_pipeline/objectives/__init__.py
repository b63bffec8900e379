"""What is learned: one file per objective, listed here by hand."""

from __future__ import annotations

from types import MappingProxyType

from kobert_pipeline.objectives import (
    causal,
    denoise,
    dialogue,
    distillation,
    layer_distillation,
    mlm,
    mlm_nsp,
    mlm_sop,
    permutation,
    replaced_tokens,
    span_boundary,
    span_corruption,
)
from kobert_pipeline.objectives.objective import Objective

OBJECTIVES: MappingProxyType[str, Objective] = MappingProxyType(
    {
        objective.name: objective
        for objective in (
            mlm.OBJECTIVE,
            mlm_nsp.OBJECTIVE,
            mlm_sop.OBJECTIVE,
            replaced_tokens.OBJECTIVE,
            span_boundary.OBJECTIVE,
            permutation.OBJECTIVE,
            causal.OBJECTIVE,
            denoise.OBJECTIVE,
            dialogue.OBJECTIVE,
            distillation.OBJECTIVE,
            layer_distillation.OBJECTIVE,
            span_corruption.OBJECTIVE,
        )
    }
)
