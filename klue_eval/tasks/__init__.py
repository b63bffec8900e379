"""The KLUE tasks, in the order of the published tables."""

from __future__ import annotations

from klue_eval.task import KlueTask
from klue_eval.tasks import dp, mrc, ner, nli, relations, sts, wos, ynat
from kobert_pipeline.config import nearest
from kobert_pipeline.errors import InputError

TASKS: dict[str, KlueTask] = {
    task.name: task for task in (ynat.TASK, sts.TASK, nli.TASK, ner.TASK, relations.TASK, dp.TASK, mrc.TASK, wos.TASK)
}


def find_task(name: str) -> KlueTask:
    """Raises InputError that names the nearest known task."""
    if name not in TASKS:
        raise InputError(f"{name}: no such KLUE task; {nearest(name, list(TASKS))}")
    return TASKS[name]
