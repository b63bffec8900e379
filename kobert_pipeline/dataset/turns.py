"""Replies of dialogues with the turns before them, as Meena reads them (Adiwardana et al. 2020, section 3.1).

A turn is a paragraph, which is a line of the dialogue; in a document without line breaks it is a sentence. Shapes: S sentences, T turns, E examples (each turn that answers another) of at most L
tokens.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext, drawn_documents
from kobert_pipeline.dataset.ragged import offsets_of
from kobert_pipeline.dataset.store import Block

REPLY = "reply"
"""Label (E,): the place in the example, [CLS] counted, at which the reply begins."""


def replies(block: Block, context: PlanContext, turns: int) -> Examples:
    """Plans [CLS] context reply [SEP] for each turn but the first of a document: up to `turns` turns before it, as many as fit
    whole. If not even one fits, its last tokens stay, and of a reply that is longer than an example, its last tokens, too.

    Documents whose lines do not continue each other are not dialogues. In random order of documents.
    """
    turn_starts, first_turns = _turns(block)
    dialogues = (np.diff(first_turns) > 1) & block.continuity
    documents = np.array(drawn_documents(block, dialogues, context, context.generator()), dtype=np.int64)
    counts = np.diff(first_turns)[documents] - 1
    owner = np.repeat(documents, counts)
    turn = first_turns[owner] + 1 + np.arange(len(owner)) - np.repeat(offsets_of(counts)[:-1], counts)
    ends, room = turn_starts[turn + 1], context.max_length - 2
    fits = np.searchsorted(turn_starts, ends - room)
    earliest = np.maximum(np.maximum(turn - turns, first_turns[owner]), fits)
    whole = turn_starts[np.minimum(earliest, turn - 1)]
    starts = np.maximum(whole, ends - room)
    reply = np.maximum(turn_starts[turn], starts) - starts + 1
    left_out = Counter(cut_context=int((starts > whole).sum()), cut_reply=int((turn_starts[turn] < starts).sum()))
    return Examples(block, starts, ends, np.arange(len(owner) + 1), ends - starts + 2, {REPLY: reply}, +left_out)


def _turns(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """The first token of each turn, with the end of the last one (T + 1,), and the first turn of each document (D + 1,)."""
    documents = block.document_offsets
    paragraphs = offsets_of(block.paragraph_end)
    alone = np.diff(paragraphs[documents]) == 1
    ends = np.flatnonzero(block.paragraph_end | np.repeat(alone, np.diff(documents))) + 1
    borders = np.append(0, ends)
    return block.sentence_offsets[borders], np.searchsorted(borders, documents)
