"""KoBEST, the Korean balanced evaluation of significant tasks (Kim et al. 2022): what its five tasks share. Not part of KLUE.

Rows have the field names of the copy on the Hub. The released files have other names for the same columns, so each task names
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klue_eval.layouts import tab_separated
from klue_eval.metrics.label_f1 import METRICS
from klue_eval.task import TaskSettings, known_label, text_field
from klue_eval.values import Row
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.messages import say

REPOSITORY = "skt/kobest_v1"
LABEL = "label"


def common(name: str, folder: str, train: int, test: int, *, max_length: int = 128) -> dict[str, Any]:
    """The fields of a task that all five have. The paper scores macro F1 on the test split, whose labels are released."""
    return {
        "name": f"kobest_{name}",
        "version": 1,
        "dataset": f"KoBEST v1.0, {folder}: {train:,} train and {test:,} test rows, CC BY-SA 4.0",
        "paper": "Kim et al. 2022",
        "metrics": METRICS,
        "primary_metric": "macro_f1",
        "defaults": TaskSettings(epochs=5, max_length=max_length),
        "sizes": {"train": train, "dev": test},
        "scored_split": "test",
        "files": {"train": f"{folder}/train", "dev": f"{folder}/test"},
        "layouts": {".tsv": tab_separated},
        "hub": (REPOSITORY, name),
    }


def kobest_row(
    record: Mapping[str, Any], released: Mapping[str, str], labels: Mapping[str, str], on_hub: tuple[str, ...]
) -> Row | None:
    """Reads a record of a released file or of the Hub's copy. None if its label is withheld.

    `released`: field of a row -> column of the released file. `labels`: what the released file calls a label, in lower case ->
    the label. `on_hub`: the labels in the order of the Hub's numbers. Raises ValueError for a record with other columns.
    """
    is_released = all(column in record for column in released.values())
    if not is_released and any(name not in record for name in released):
        raise ValueError(_other_schema(record, released))
    if is_released:
        _require_one_line(record)
    columns = released if is_released else {name: name for name in released}
    known = (
        labels
        if is_released
        else {spelling: label for number, label in enumerate(on_hub) for spelling in (str(number), label.lower())}
    )
    value = record[columns[LABEL]]
    if value in (None, "", -1):
        return None
    spelling = known_label(str(value).strip().lower(), columns[LABEL], tuple(known))
    texts = {name: text_field(record, column).strip() for name, column in columns.items() if name != LABEL}
    return {"guid": record["guid"], **texts, LABEL: known[spelling]}


def _require_one_line(record: Mapping[str, Any]) -> None:
    """Raises ValueError for a record of a TSV with more or fewer cells than the header, or with a line break inside a cell."""
    if any(name is None for name in record):  # csv gives cells without a header this name, and absent cells this value
        raise WrongValue("has more cells than the header")
    if any(value is None for value in record.values()):
        raise WrongValue("has fewer cells than the header")
    if any("\n" in value for value in record.values() if isinstance(value, str)):
        raise WrongValue("a cell runs over several lines; a quotation mark at its beginning is not closed")


def _other_schema(record: Mapping[str, Any], released: Mapping[str, str]) -> str:
    found, files, hub = (
        ", ".join(map(str, names))
        for names in ([name for name in record if name != "guid"], released.values(), released)
    )
    return say(
        "has the columns {found}. The released file has {files}; the copy on the Hub has {hub}. Is it the file of another task?",
        found=found,
        files=files,
        hub=hub,
    )
