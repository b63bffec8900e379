"""Windows over documents, for models that read from left to right. Each token and each document's end is predicted once.

A document is [CLS], its tokens, [SEP]. A window begins with the last token of the window before it, which it reads and does not
predict. Shapes: D documents, W windows of at most L tokens.
"""

from __future__ import annotations

import numpy as np

from kobert_pipeline.dataset.plan import Examples, PlanContext, drawn_documents
from kobert_pipeline.dataset.ragged import offsets_of
from kobert_pipeline.dataset.store import Block

BEGINS, ENDS = "begins", "ends"
"""Labels (W,) bool: the window has the document's [CLS]; its [SEP]."""


def document_windows(block: Block, context: PlanContext) -> Examples:
    """Plans windows of `max_length` tokens over the documents of the block, in random order. Only the last window of a
    document is shorter. No window holds two documents."""
    step = context.max_length - 1
    sizes = np.diff(block.token_offsets)
    documents = np.array(drawn_documents(block, sizes > 0, context, context.generator()), dtype=np.int64)
    counts = -(-(sizes[documents] + 1) // step)
    owner = np.repeat(documents, counts)
    place = np.arange(len(owner)) - np.repeat(offsets_of(counts)[:-1], counts)
    first = place * step
    """(W,) place of the window's first token in its document; [CLS] has place 0, [SEP] the last."""
    last = np.minimum(first + context.max_length, sizes[owner] + 2)
    starts = block.token_offsets[owner] + np.maximum(first - 1, 0)
    ends = block.token_offsets[owner] + np.minimum(last - 1, sizes[owner])
    labels = {BEGINS: first == 0, ENDS: last == sizes[owner] + 2}
    return Examples(block, starts, ends, np.arange(len(owner) + 1), last - first, labels)
