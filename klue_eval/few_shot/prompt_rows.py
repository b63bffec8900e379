"""KLUE's rows as lm-evaluation-harness reads them. The task files name `rows`, so that the harness alone reads the same data:
`lm_eval run --include_path klue_eval/few_shot --tasks klue_ynat --metadata '{"data": "FOLDER"}' …`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klue_eval.data import SAMPLE
from klue_eval.metrics.sts_metrics import SIMILAR
from klue_eval.task_data import read_task
from klue_eval.tasks import KNOWN, nli, ynat
from klue_eval.values import Row


@dataclass(frozen=True)
class Prompted:
    """A task that is a choice among words."""

    meanings: tuple[Any, ...]
    """The prediction that each word stands for, in the order of `doc_to_choice` in the task's YAML file."""
    choice: Callable[[Row], int]
    """Row -> the number of the right word."""
    metric: str
    """The task's metric that such predictions have."""


PROMPTED: Mapping[str, Prompted] = {
    "ynat": Prompted(ynat.LABELS, lambda row: ynat.LABELS.index(row["label"]), "macro_f1"),
    "nli": Prompted(nli.LABELS, lambda row: nli.LABELS.index(row["gold_label"]), "accuracy"),
    "sts": Prompted((5.0, 0.0), lambda row: int(row["labels"]["real-label"] < SIMILAR), "f1"),
}


def prompt_row(task: str, row: Row) -> dict[str, Any]:
    """What a prompt may show of a row, and the number of the right word."""
    return {"guid": row["guid"], **KNOWN[task].show(row), "choice": PROMPTED[task].choice(row)}


def rows(task: str, data: str = SAMPLE, **_: Any) -> Any:
    """A `datasets.DatasetDict` with the splits `train` and `dev`, in an order that is a fair sample from its first row on."""
    from datasets import Dataset, DatasetDict

    from klue_eval.data import drawing_order

    found = read_task(task, data)
    splits = {"train": found.train, "dev": drawing_order(found.dev)}
    return DatasetDict(
        {name: Dataset.from_list([prompt_row(task, row) for row in split]) for name, split in splits.items()}
    )
