"""Scores that others have published, each with its split and its source.

`PAPER` is the test table of Park et al. 2021. KF-DeBERTa's authors ran the same models again and name no split. Their KLUE-BERT has
86.95 on YNAT, not the 85.73 of the test set, and the test set takes no more submissions, so theirs are scores of dev.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kobert_pipeline.ground.contents.score_table import PublishedModel

COLUMNS = (
    ("ynat", "macro_f1"),
    ("sts", "pearson"),
    ("sts", "f1"),
    ("nli", "accuracy"),
    ("ner", "entity_f1"),
    ("ner", "character_f1"),
    ("re", "micro_f1"),
    ("re", "auprc"),
    ("dp", "uas"),
    ("dp", "las"),
    ("mrc", "exact_match"),
    ("mrc", "rouge_w"),
    ("wos", "joint_goal_accuracy"),
    ("wos", "slot_f1"),
)
"""Task and metric of each score of KLUE below."""
BEYOND = (("nsmc", "accuracy"), ("pawsx", "accuracy"), ("kornli", "accuracy"), ("korsts", "spearman"))
"""The same for data sets that are not KLUE's."""
KORQUAD = (("korquad", "exact_match"), ("korquad", "f1"))

PAPER = "Park et al. 2021, table 8: the checkpoint that was best on dev"
KF_DEBERTA = (
    "README of KF-DeBERTa (Kakao Bank, 2023): the best of a grid over batch size, rate, decay and warm-up; it names no split, but its "
    "figures are not those of the test table"
)


def models(
    split: str, source: str, columns: Sequence[tuple[str, str]], scores: Mapping[str, tuple[float, ...]]
) -> tuple[PublishedModel, ...]:
    """A table of one source: model -> a score for each column."""
    return tuple(
        PublishedModel(name, split, source, dict(zip(columns, row, strict=True))) for name, row in scores.items()
    )


# fmt: off
ON_DEV = models("dev", KF_DEBERTA, COLUMNS, {
    "mBERT-base": (
        82.64, 82.97, 75.93, 72.90, 75.56, 88.81, 58.39, 56.41, 88.53, 86.04, 49.96, 55.57, 35.27, 88.60,
    ),
    "XLM-R-base": (
        84.52, 88.88, 81.20, 78.23, 80.48, 92.14, 57.62, 57.05, 93.12, 87.23, 26.76, 53.36, 41.54, 89.81,
    ),
    "XLM-R-large": (
        87.30, 93.08, 87.17, 86.40, 82.18, 93.20, 58.75, 63.53, 92.87, 87.82, 35.23, 66.55, 42.44, 89.88,
    ),
    "KR-BERT-base": (
        85.36, 87.50, 77.92, 77.10, 74.97, 90.46, 62.83, 65.42, 92.87, 87.13, 48.95, 58.38, 45.60, 90.82,
    ),
    "KoELECTRA-base": (
        85.99, 93.14, 85.89, 86.87, 86.06, 92.75, 62.67, 57.46, 90.93, 87.07, 59.54, 65.64, 39.83, 88.91,
    ),
    "KLUE-BERT-base": (
        86.95, 91.01, 83.44, 79.87, 83.71, 91.17, 65.58, 68.11, 93.07, 87.25, 62.42, 68.15, 46.72, 91.59,
    ),
    "KLUE-RoBERTa-small": (
        85.95, 91.70, 85.42, 81.00, 83.55, 91.20, 61.26, 60.89, 93.47, 87.50, 58.25, 63.56, 46.65, 91.50,
    ),
    "KLUE-RoBERTa-base": (
        86.19, 92.91, 86.78, 86.30, 83.81, 91.09, 66.73, 68.11, 93.75, 87.77, 69.56, 74.64, 47.41, 91.60,
    ),
    "KLUE-RoBERTa-large": (
        85.88, 93.20, 86.13, 89.50, 84.54, 91.45, 71.06, 73.33, 93.84, 87.93, 75.26, 80.30, 49.39, 92.19,
    ),
    "KF-DeBERTa-base": (
        87.51, 93.24, 87.73, 88.37, 89.17, 93.30, 69.70, 75.07, 94.05, 87.97, 72.59, 78.08, 50.21, 92.59,
    ),
})
ON_TEST = models("test", PAPER, COLUMNS, {
    "mBERT-base": (
        81.55, 84.66, 76.00, 73.20, 76.50, 89.23, 57.88, 53.82, 90.30, 86.66, 44.66, 55.92, 35.46, 88.63,
    ),
    "XLM-R-base": (
        83.52, 89.16, 82.01, 77.33, 80.37, 92.12, 57.46, 54.98, 89.20, 87.69, 27.48, 53.93, 39.82, 89.61,
    ),
    "XLM-R-large": (
        86.06, 92.97, 85.86, 85.93, 82.27, 93.22, 58.39, 61.15, 92.71, 88.70, 35.99, 66.77, 41.20, 89.80,
    ),
    "KR-BERT-base": (
        84.58, 88.61, 81.07, 77.17, 74.58, 90.13, 62.74, 60.94, 89.92, 87.48, 48.28, 58.54, 45.33, 90.70,
    ),
    "KoELECTRA-base": (
        84.59, 92.46, 84.84, 85.63, 86.11, 92.56, 62.85, 58.94, 92.90, 87.77, 59.82, 66.05, 41.58, 89.60,
    ),
    "KLUE-BERT-base": (
        85.73, 90.85, 82.84, 81.63, 83.97, 91.39, 66.44, 66.17, 89.96, 88.05, 62.32, 68.51, 46.64, 91.61,
    ),
    "KLUE-RoBERTa-small": (
        84.98, 91.54, 85.16, 79.33, 83.65, 91.14, 60.89, 58.96, 90.04, 88.14, 57.32, 62.70, 46.62, 91.44,
    ),
    "KLUE-RoBERTa-base": (
        85.07, 92.50, 85.40, 84.83, 84.60, 91.44, 67.65, 68.55, 93.04, 88.32, 68.67, 73.98, 47.49, 91.64,
    ),
    "KLUE-RoBERTa-large": (
        85.69, 93.35, 86.63, 89.17, 85.00, 91.86, 71.13, 72.98, 93.48, 88.36, 75.58, 80.59, 50.22, 92.23,
    ),
})
OTHERS_ON_TEST = models("test", KF_DEBERTA, BEYOND, {
    "KLUE-RoBERTa-base": (90.47, 84.79, 81.65, 84.40),
    "KoELECTRA-base": (90.63, 84.45, 82.24, 85.53),
    "KF-DeBERTa-base": (91.36, 86.14, 84.54, 85.99),
})
KORQUAD_ON_DEV = {
    "KLUE-RoBERTa-base": (86.34, 94.40),
    "KoELECTRA-base": (84.83, 93.45),
    "KF-DeBERTa-base": (86.60, 95.07),
}
# fmt: on


def _with_korquad(model: PublishedModel) -> PublishedModel:
    more = zip(KORQUAD, KORQUAD_ON_DEV.get(model.name, ()), strict=False)
    return replace(model, scores={**model.scores, **dict(more)})


PUBLISHED = (*map(_with_korquad, ON_DEV), *ON_TEST, *OTHERS_ON_TEST)
"""Scores of dev first: ours are of dev too."""
