"""Published KLUE scores: the hidden test set, best checkpoint on dev (Park et al. 2021, table 8)."""

from __future__ import annotations

from collections.abc import Mapping

COLUMNS = (
    ("ynat", "macro_f1"),
    ("sts", "pearson"),
    ("sts", "f1"),
    ("nli", "accuracy"),
)
"""Task and metric of each figure below."""

PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "mBERT-base": (81.55, 84.66, 76.00, 73.20),
    "XLM-R-base": (83.52, 89.16, 82.01, 77.33),
    "XLM-R-large": (86.06, 92.97, 85.86, 85.93),
    "KR-BERT-base": (84.58, 88.61, 81.07, 77.17),
    "KoELECTRA-base": (84.59, 92.46, 84.84, 85.63),
    "KLUE-BERT-base": (85.73, 90.85, 82.84, 81.63),
    "KLUE-RoBERTa-small": (84.98, 91.54, 85.16, 79.33),
    "KLUE-RoBERTa-base": (85.07, 92.50, 85.40, 84.83),
    "KLUE-RoBERTa-large": (85.69, 93.35, 86.63, 89.17),
}


def published_score(model: str, task: str, metric: str) -> float | None:
    """None for a metric that the table does not hold."""
    return dict(zip(COLUMNS, PUBLISHED[model], strict=True)).get((task, metric))
