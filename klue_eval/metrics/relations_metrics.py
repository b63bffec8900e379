"""RE: micro F1 without `no_relation`, and the area under the precision–recall curve (Park et al. 2021, section 3.5).

A prediction is `(label, probabilities)`: the label's string, and 30 numbers in the order of LABELS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import average_precision_area, mean, micro_f1
from klue_eval.metrics.metric import Metrics, check_rows, row_name
from klue_eval.metrics.row_values import RowValues, pooled_f1_of
from kobert_pipeline.ground.errors import WrongValue

NO_RELATION = "no_relation"
LABELS = (
    NO_RELATION,
    *(
        f"org:{name}"
        for name in (
            "dissolved", "founded", "place_of_headquarters", "alternate_names", "member_of", "members",
            "political/religious_affiliation", "product", "founded_by", "top_members/employees",
            "number_of_employees/members",
        )
    ),
    *(
        f"per:{name}"
        for name in (
            "date_of_birth", "date_of_death", "place_of_birth", "place_of_death", "place_of_residence", "origin",
            "employee_of", "schools_attended", "alternate_names", "parents", "children", "siblings", "spouse",
            "other_family", "colleagues", "product", "religion", "title",
        )
    ),
)  # fmt: skip
"""In the order of `relation_list.json`."""

Prediction = tuple[str, Sequence[float]]


def official(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`micro_f1` over the 29 relations, and `auprc`, the mean area over **all 30** classes, like KLUE's released code.

    * `auprc` counts `no_relation`, by far the commonest and easiest class, as one of the 30;
    * a class that does not occur in the rows has the area 50 for any prediction, because scikit-learn sets its recall
      to 1 at every threshold. KLUE's dev has every class, so this matters only on subsets, where a perfect prediction
      stays below 100.
    """
    labels, areas = _areas(predictions, rows)
    return {"micro_f1": _micro_f1(predictions, labels), "auprc": mean(areas.values())}


def corrected(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`auprc` is the mean over the relations except `no_relation` that occur in the rows (all classes if none does)."""
    labels, areas = _areas(predictions, rows)
    present = set(labels) - {NO_RELATION} or set(labels)
    return {"micro_f1": _micro_f1(predictions, labels), "auprc": mean(areas[label] for label in present)}


def _micro_f1(predictions: Sequence[Prediction], labels: Sequence[str]) -> float:
    return micro_f1([prediction[0] for prediction in predictions], labels, {NO_RELATION})


def _areas(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, float]]:
    check_rows(predictions, rows)
    for number, ((label, probabilities), row) in enumerate(zip(predictions, rows, strict=True)):
        if label not in LABELS or len(probabilities) != len(LABELS):
            raise WrongValue(
                "{row}: {label!r} with {count} probabilities; a prediction is one of the {labels} labels and {labels} probabilities",
                row=row_name(row, number),
                label=label,
                count=len(probabilities),
                labels=len(LABELS),
            )
    labels = [row["label"] for row in rows]
    return labels, {
        name: average_precision_area(
            [probabilities[index] for _, probabilities in predictions], [label == name for label in labels]
        )
        for index, name in enumerate(LABELS)
    }


def by_row(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    """Without `auprc`, which is a curve over all rows and no sum over them."""
    pairs = ([(guess[0], row["label"])] for guess, row in zip(predictions, rows, strict=True))
    return {"micro_f1": pooled_f1_of(pairs, ignored=NO_RELATION)}


METRICS = Metrics(("micro_f1", "auprc"), official, corrected, by_row)
