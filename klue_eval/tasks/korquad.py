"""KorQuAD 1.0: a question and a context with the answer -> a span (Lim et al. 2019). Like MRC. Not part of KLUE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klue_eval.layouts import questions
from klue_eval.metrics.korquad_metrics import METRICS
from klue_eval.task import KlueTask
from klue_eval.tasks import mrc
from klue_eval.values import Answer, Row


def read(record: Mapping[str, Any]) -> Row | None:
    return mrc.read({**record, "guid": record["id"]})


def decode(answers: Sequence[Answer], row: Row) -> str:
    """The best span of all windows: every question has an answer."""
    spans = mrc.candidates(answers, row)
    return spans[0][1] if spans else ""


TASK = KlueTask(
    name="korquad",
    version=1,
    title="KorQuAD 1.0",
    dataset="KorQuAD 1.0: 60,407 train and 5,774 dev questions, CC BY-ND 2.0 KR",
    paper="Lim et al. 2019",
    labels=(),
    read=read,
    encode=mrc.encode,
    head="span",
    decode=decode,
    gold=mrc.gold,
    show=mrc.show,
    metrics=METRICS,
    primary_metric="f1",
    defaults=mrc.MrcSettings(batch_size=16, epochs=5, max_length=512),
    files={"train": "KorQuAD_v1.0_train", "dev": "KorQuAD_v1.0_dev"},
    layouts={".json": questions},
)
