"""What KLUE's numbers mean: arithmetic on predictions and labels. Imports no model and reads no data."""

from __future__ import annotations

from klue_eval.metrics import dp, mrc, ner, nli, relations, sts, wos, ynat
from klue_eval.metrics.contract import Metrics

METRICS: dict[str, Metrics] = {
    "ynat": ynat.METRICS,
    "sts": sts.METRICS,
    "nli": nli.METRICS,
    "ner": ner.METRICS,
    "re": relations.METRICS,
    "dp": dp.METRICS,
    "mrc": mrc.METRICS,
    "wos": wos.METRICS,
}

__all__ = ["METRICS", "Metrics"]
