"""ALBERT's pairs: two neighbouring segments of one document, in their order or swapped."""

from __future__ import annotations

from kobert_pipeline.dataset.pairs import PairBuilder
from kobert_pipeline.dataset.plan import Examples, PlanContext, drawn_documents
from kobert_pipeline.dataset.store import Block

IN_ORDER, SWAPPED = 0, 1
"""transformers' convention for `sentence_order_label`."""


def sentence_order(block: Block, context: PlanContext, *, short_probability: float = 0.1) -> Examples:
    """Plans sentence-order pairs (Lan et al. 2020, section 3.1): segments of whole sentences fill `max_length`, half
    are swapped.

    Every sentence of a usable document is in exactly one pair for each reading of the document, except for truncation;
    `PairBuilder` counts what is left out. ALBERT's code gives a chunk of one sentence a random second segment. Here
    every chunk has at least two sentences, so that the label always means order: a long sentence takes the next one
    with it, and a sentence that would end a document alone is joined by one from the chunk before.
    """
    pairs = PairBuilder(block, context, short_probability)
    for document in drawn_documents(block, pairs.usable, context, pairs.rng):
        sentence, stop = pairs.first_sentence[document], pairs.first_sentence[document + 1]
        while sentence < stop:
            end = _end(pairs, sentence, stop)
            _add(pairs, sentence, end)
            sentence = end
    return pairs.examples("sentence_order_label")


def _end(pairs: PairBuilder, sentence: int, stop: int) -> int:
    end = max(pairs.end(sentence, stop, pairs.target()), sentence + 2)
    if stop - end != 1:
        return end
    return end - 1 if end - sentence > 2 else stop


def _add(pairs: PairBuilder, sentence: int, end: int) -> None:
    at, split = pairs.first_token, sentence + 1 + pairs.below(end - sentence - 1)
    first, second = (at[sentence], at[split]), (at[split], at[end])
    if pairs.draw() < 0.5:
        pairs.append(second, first, SWAPPED)
    else:
        pairs.append(first, second, IN_ORDER)
