"""What is added to the encoder for a task: HEADS, one file for each kind of output."""

from __future__ import annotations

from klue_eval.heads import biaffine, multiple_choice, sequence, span, state, tagging, token_labels, written
from klue_eval.heads.head import Head, TaskModel

HEADS: dict[str, Head] = {
    head.name: head
    for head in (
        sequence.CLASSIFICATION,
        sequence.REGRESSION,
        tagging.HEAD,
        token_labels.HEAD,
        span.HEAD,
        multiple_choice.HEAD,
        biaffine.HEAD,
        state.HEAD,
        written.HEAD,
    )
}

__all__ = ["HEADS", "Head", "TaskModel"]
