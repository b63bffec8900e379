"""TASKS, the eight of KLUE in the order of the published tables, and OTHERS, other data sets with the same contract."""

from __future__ import annotations

from collections.abc import Iterable

from klue_eval.task import KlueTask
from klue_eval.tasks import (
    boolq,
    copa,
    dp,
    hellaswag,
    kornli,
    kornli_snli,
    korquad,
    korsts,
    movie_reviews,
    mrc,
    naver_ner,
    ner,
    nli,
    nsmc,
    pawsx,
    relations,
    sentineg,
    sts,
    wic,
    wos,
    xnli,
    ynat,
)
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

TASKS: dict[str, KlueTask] = {
    task.name: task for task in (ynat.TASK, sts.TASK, nli.TASK, ner.TASK, relations.TASK, dp.TASK, mrc.TASK, wos.TASK)
}
OTHERS: dict[str, KlueTask] = {
    task.name: task
    for task in (
        nsmc.TASK,
        movie_reviews.TASK,
        kornli.TASK,
        kornli_snli.TASK,
        xnli.TASK,
        korsts.TASK,
        pawsx.TASK,
        korquad.TASK,
        naver_ner.TASK,
        boolq.TASK,
        copa.TASK,
        wic.TASK,
        hellaswag.TASK,
        sentineg.TASK,
    )
}
"""Not part of KLUE. Evaluated only if they are named: older data sets, and the five of KoBEST."""
KNOWN: dict[str, KlueTask] = {**TASKS, **OTHERS}


def find_task(name: str) -> KlueTask:
    """Raises InputError that names the nearest known task."""
    if name not in KNOWN:
        raise InputError("{name}: no such task; {meant}", name=name, meant=nearest(name, list(KNOWN)))
    return KNOWN[name]


def not_in_words(names: Iterable[str]) -> str:
    """Why these tasks cannot be text to text, and what to do; empty if they can."""
    refused = [name for name in names if KNOWN[name].as_text is None]
    if not refused:
        return ""
    fitting = [name for name in TASKS if TASKS[name].as_text is not None]
    return say(
        "no text to text for {refused}; set klue_eval.tasks to some of {fitting}",
        refused=", ".join(refused), fitting=", ".join(fitting),
    )  # fmt: skip


OF_WHOLE_TEXTS = ("classification", "regression", "multiple_choice")
"""Heads that ask about a text as a whole; the others ask about its tokens."""


def not_for_decoders(names: Iterable[str]) -> str:
    """Why a model with a decoder cannot be scored on these tasks, and what to do; empty if it can."""
    refused = [name for name in names if KNOWN[name].head not in OF_WHOLE_TEXTS]
    fitting = [name for name in TASKS if TASKS[name].head in OF_WHOLE_TEXTS]
    if not refused:
        return ""
    return say(
        "A decoder is scored on whole texts, not on {refused}; set klue_eval.tasks to some of {fitting}",
        refused=", ".join(refused), fitting=", ".join(fitting),
    )  # fmt: skip
