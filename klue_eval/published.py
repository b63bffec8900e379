"""Published KLUE scores: of the hidden test set and the checkpoint that was best on dev (Park et al. 2021, table 8), except where
the name says (dev).

The row of KF-DeBERTa (Kakao Bank, 2023) is from the README of its repository, which names no split. Its own run of KLUE-BERT has
86.95 on YNAT, not the 85.73 of the test set, so the split is dev. Each figure is the best of a grid over batch size, rate, decay and
warm-up.
"""

from __future__ import annotations

from kobert_pipeline.ground.contents.score_table import Published

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
"""Task and metric of each score below."""

# fmt: off
PUBLISHED = Published(COLUMNS, {
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
    "KF-DeBERTa-base (dev)": (
        87.51, 93.24, 87.73, 88.37, 89.17, 93.30, 69.70, 75.07, 94.05, 87.97, 72.59, 78.08, 50.21, 92.59,
    ),
})
# fmt: on
