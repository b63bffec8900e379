"""TASKS, the eight of KLUE in the order of the published tables, and OTHERS, older data sets with the same contract."""

from __future__ import annotations

from klue_eval.task import KlueTask
from klue_eval.tasks import (
    dp,
    kornli,
    korquad,
    korsts,
    mrc,
    naver_ner,
    ner,
    nli,
    nsmc,
    pawsx,
    relations,
    sts,
    wos,
    ynat,
)
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import InputError

TASKS: dict[str, KlueTask] = {
    task.name: task for task in (ynat.TASK, sts.TASK, nli.TASK, ner.TASK, relations.TASK, dp.TASK, mrc.TASK, wos.TASK)
}
OTHERS: dict[str, KlueTask] = {
    task.name: task for task in (nsmc.TASK, kornli.TASK, korsts.TASK, pawsx.TASK, korquad.TASK, naver_ner.TASK)
}
"""Not part of KLUE. Evaluated only if they are named, to compare a model with older ones."""
KNOWN: dict[str, KlueTask] = {**TASKS, **OTHERS}


def find_task(name: str) -> KlueTask:
    """Raises InputError that names the nearest known task."""
    if name not in KNOWN:
        raise InputError(f"{name}: no such task; {nearest(name, list(KNOWN))}")
    return KNOWN[name]
