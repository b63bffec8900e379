"""What KLUE's numbers mean: arithmetic on predictions and labels. Imports no model and reads no data."""

from __future__ import annotations

from klue_eval.metrics import nli, sts, ynat
from klue_eval.metrics.contract import Metrics

METRICS: dict[str, Metrics] = {"ynat": ynat.METRICS, "sts": sts.METRICS, "nli": nli.METRICS}

__all__ = ["METRICS", "Metrics"]
