"""NER: F1 of entities and of characters (Park et al. 2021, section 3.4).

A prediction is a list of labels, one for each character of the sentence. The labels of spaces are ignored, because the
annotation of a space means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import class_f1, f1, mean
from klue_eval.metrics.metric import Metrics, check_rows, row_name
from klue_eval.metrics.row_values import RowValues, class_f1_of, entity_f1_of
from kobert_pipeline.ground.errors import WrongValue

TYPES = ("PS", "LC", "OG", "DT", "TI", "QT")
LABELS = (*(f"{prefix}-{name}" for name in TYPES for prefix in "BI"), "O")
"""In the order of KLUE's released code."""
SPACE = " "

Entity = tuple[int, int, str]
"""First character, the one after the last, type."""


def official(predictions: Sequence[Sequence[str | None]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`entity_f1` and `character_f1`, with the four peculiarities of KLUE's released code:

    * all sentences are one sequence, and an entity at the end of one continues into the next;
    * every sentence has one extra character at both ends, O in the labels and, unless the model predicts another label,
      O in the predictions: up to 2 x 5,000 easy hits on dev, and no entity that continues;
    * `character_f1` is over 13 classes: O, the easiest, is one of them;
    * a class that occurs on neither side has F1 100 (scikit-learn's zero_division=1), so that a perfect prediction of
      few types still scores 100.

    `decode_officially` of the task returns predictions that are two longer than the sentence, with the model's labels
    at both ends, and None from the character on at which the released code stops: sentences are scored up to there.
    """
    sentences = _sentences(predictions, rows)
    predicted, actual = ([pair[side] for sentence in sentences for pair in sentence] for side in (0, 1))
    found = class_f1(predicted, actual)
    return {
        "entity_f1": _entity_f1([predicted], [actual]),
        "character_f1": mean(found.get(label, 100.0) for label in LABELS),
    }


def by_row(predictions: Sequence[Sequence[str | None]], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    """Sentence by sentence: which sentence an entity would continue into depends on the order in which rows are drawn."""
    sentences = _sentences(predictions, rows)
    sides = (
        ({*entities([one for one, _ in pairs])}, {*entities([other for _, other in pairs])}) for pairs in sentences
    )
    return {
        "entity_f1": entity_f1_of(sides),
        "character_f1": class_f1_of(sentences, LABELS, "macro_f1_of_all"),
    }


def corrected(predictions: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`entity_f1` by sentence, and `character_f1` over those of the 12 entity classes that occur on either side."""
    check_rows(predictions, rows)
    sentences = [
        _pairs(prediction, row, number) for number, (prediction, row) in enumerate(zip(predictions, rows, strict=True))
    ]
    predicted = [[label for label, _ in pairs] for pairs in sentences]
    actual = [[label for _, label in pairs] for pairs in sentences]
    found = class_f1(*([label for sentence in side for label in sentence] for side in (predicted, actual)))
    found.pop("O", None)
    return {
        "entity_f1": _entity_f1(predicted, actual),
        "character_f1": mean(found.values()) if found else 100.0,
    }


def entities(labels: Sequence[str]) -> Iterator[Entity]:
    """Reads strict IOB2 like seqeval: B- starts an entity, I- of its type continues it, any other I- is ignored."""
    start, kind = 0, ""
    for place, label in enumerate([*labels, "O"]):
        if kind and label != f"I-{kind}":
            yield start, place, kind
            kind = ""
        if label.startswith("B-"):
            start, kind = place, label[2:]


def _entity_f1(predicted: Sequence[Sequence[str]], actual: Sequence[Sequence[str]]) -> float:
    """Mean over the types that occur on either side; 100 if neither side has an entity."""
    guessed = {(number, *entity) for number, labels in enumerate(predicted) for entity in entities(labels)}
    known = {(number, *entity) for number, labels in enumerate(actual) for entity in entities(labels)}
    types = {entity[-1] for entity in guessed | known}
    if not types:
        return 100.0
    sides = [{kind: {entity for entity in side if entity[-1] == kind} for kind in types} for side in (guessed, known)]
    return mean(f1(len(sides[0][kind] & sides[1][kind]), len(sides[0][kind]), len(sides[1][kind])) for kind in types)


def _sentences(
    predictions: Sequence[Sequence[str | None]], rows: Sequence[Mapping[str, Any]]
) -> list[list[tuple[str, str]]]:
    """(predicted, actual) of the characters of each sentence, with the extra one at both ends."""
    check_rows(predictions, rows)
    sentences = []
    for number, (prediction, row) in enumerate(zip(predictions, rows, strict=True)):
        first, labels, last = _ends(prediction, len(row["characters"]))
        sentences.append([(first, "O"), *_pairs(labels, row, number), (last, "O")])
    return sentences


def _ends(prediction: Sequence[str | None], characters: int) -> tuple[str, Sequence[str | None], str]:
    if len(prediction) == characters + 2:
        return prediction[0] or "O", prediction[1:-1], prediction[-1] or "O"
    return "O", prediction, "O"


def _pairs(labels: Sequence[str | None], row: Mapping[str, Any], number: int) -> list[tuple[str, str]]:
    """(predicted, actual) of the characters that are not spaces, up to the first unread one."""
    characters = row["characters"]
    if len(labels) != len(characters):
        raise WrongValue(
            "{row}: {labels} labels for {characters} characters",
            row=row_name(row, number),
            labels=len(labels),
            characters=len(characters),
        )
    pairs = []
    for character, prediction, label in zip(characters, labels, row["labels"], strict=True):
        if character == SPACE:
            continue
        if prediction is None:
            break
        if prediction not in LABELS:
            raise WrongValue(
                "{row}: {prediction!r} is not a label; known: {labels}",
                row=row_name(row, number),
                prediction=prediction,
                labels=", ".join(LABELS),
            )
        pairs.append((prediction, label))
    return pairs


METRICS = Metrics(("entity_f1", "character_f1"), official, corrected, by_row)
