"""What KLUE's numbers mean: arithmetic on predictions and labels. Imports no model and reads no data.

The metrics of a task are in `<task>_metrics.py`, named after its file in `tasks/`. Arithmetic that several tasks share
is in `arithmetic.py`, and the accuracy of tasks with one label for each row in `label_accuracy.py`.
"""

from __future__ import annotations

from klue_eval.metrics import (
    dp_metrics,
    mrc_metrics,
    ner_metrics,
    nli_metrics,
    relations_metrics,
    sts_metrics,
    wos_metrics,
    ynat_metrics,
)
from klue_eval.metrics.metric import Metrics

METRICS: dict[str, Metrics] = {
    "ynat": ynat_metrics.METRICS,
    "sts": sts_metrics.METRICS,
    "nli": nli_metrics.METRICS,
    "ner": ner_metrics.METRICS,
    "re": relations_metrics.METRICS,
    "dp": dp_metrics.METRICS,
    "mrc": mrc_metrics.METRICS,
    "wos": wos_metrics.METRICS,
}

__all__ = ["METRICS", "Metrics"]
