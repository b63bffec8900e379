"""DP: attachment scores (Park et al. 2021, section 3.6).

A prediction is a list of `(head, relation)`, one for each eojeol. Heads count eojeols from 1, and 0 is the root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import accuracy, macro_f1
from klue_eval.metrics.metric import Metrics, check_rows, row_name
from klue_eval.metrics.row_values import RowValues, class_f1_of
from kobert_pipeline.ground.errors import WrongValue

RELATIONS = [
    "NP",
    "NP_AJT",
    "VP",
    "NP_SBJ",
    "VP_MOD",
    "NP_OBJ",
    "AP",
    "NP_CNJ",
    "NP_MOD",
    "VNP",
    "DP",
    "VP_AJT",
    "VNP_MOD",
    "NP_CMP",
    "VP_SBJ",
    "VP_CMP",
    "VP_OBJ",
    "VNP_CMP",
    "AP_MOD",
    "X_AJT",
    "VP_CNJ",
    "VNP_AJT",
    "IP",
    "X",
    "X_SBJ",
    "VNP_OBJ",
    "VNP_SBJ",
    "X_OBJ",
    "AP_AJT",
    "L",
    "X_MOD",
    "X_CNJ",
    "VNP_CNJ",
    "X_CMP",
    "AP_CMP",
    "AP_SBJ",
    "R",
    "NP_SVJ",
]
"""In the order of KLUE's released code."""
COMMON = 15
"""The official LAS has a separate class only for the relations before this id."""
RARE, WRONG_HEAD = "(rare)", "(wrong head)"

Prediction = Sequence[tuple[int, str]]


def official(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`uas` and `las` as KLUE's released code computes them. Neither is what its name says:

    * `uas` is the macro F1 of a classification with **the index of the head as the class**: a mistake at a head index
      that few sentences reach (the 40th eojeol) counts as much as hundreds at the second;
    * `las` is a macro F1 of relations. All relations with id 15 or more are one class, in the predictions and in the
      labels, and the relation to a wrong head is replaced by an extra class. No label has that class, so its F1 is 0,
      and it counts in the mean: **one wrong head in the whole data set limits `las`** to 16/17, 94.1.
    """
    heads, relations, gold_heads, gold_relations = _flat(predictions, rows)
    arcs = zip(heads, relations, gold_heads, strict=True)
    classes = [_class(head, relation, gold) for head, relation, gold in arcs]
    return {"uas": macro_f1(heads, gold_heads), "las": macro_f1(classes, [_lumped(gold) for gold in gold_relations])}


def by_row(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    heads, relations = [], []
    for prediction, row in zip(predictions, rows, strict=True):
        arcs = list(zip(prediction, row["heads"], row["relations"], strict=True))
        heads.append([(int(head), gold) for (head, _), gold, _ in arcs])
        relations.append([(_class(int(head), name, gold), _lumped(known)) for (head, name), gold, known in arcs])
    return {"uas": class_f1_of(heads), "las": class_f1_of(relations)}


def corrected(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Share of eojeols with the right head (`uas`), and with the right head and relation (`las`)."""
    heads, relations, gold_heads, gold_relations = _flat(predictions, rows)
    arcs, gold_arcs = list(zip(heads, relations, strict=True)), list(zip(gold_heads, gold_relations, strict=True))
    return {"uas": accuracy(heads, gold_heads), "las": accuracy(arcs, gold_arcs)}


def _class(head: int, relation: str, gold: int) -> str:
    return _lumped(relation) if head == gold else WRONG_HEAD


def _lumped(relation: str) -> str:
    return relation if RELATIONS.index(relation) < COMMON else RARE


def _flat(
    predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]]
) -> tuple[list[int], list[str], list[int], list[str]]:
    """Predicted heads and relations, then the labels, over all eojeols of all rows."""
    check_rows(predictions, rows)
    for number, (prediction, row) in enumerate(zip(predictions, rows, strict=True)):
        _check(prediction, row, row_name(row, number))
    arcs = [(int(head), str(relation)) for prediction in predictions for head, relation in prediction]
    gold = [arc for row in rows for arc in zip(row["heads"], row["relations"], strict=True)]
    return [arc[0] for arc in arcs], [arc[1] for arc in arcs], [arc[0] for arc in gold], [arc[1] for arc in gold]


def _check(prediction: Prediction, row: Mapping[str, Any], name: str) -> None:
    if len(prediction) != len(row["heads"]):
        raise WrongValue(
            "{name}: {given} arcs for {expected} eojeols",
            name=name,
            given=len(prediction),
            expected=len(row["heads"]),
        )
    unknown = [relation for _, relation in prediction if relation not in RELATIONS]
    if unknown:
        raise WrongValue(
            "{name}: {label!r} is not a relation; known: {relations}",
            name=name,
            label=unknown[0],
            relations=", ".join(RELATIONS),
        )


METRICS = Metrics(("uas", "las"), official, corrected, by_row)
