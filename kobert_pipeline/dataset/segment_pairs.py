"""BERT's pairs: two segments, of which the second either follows the first or comes from another document."""

from __future__ import annotations

import numpy as np

from kobert_pipeline.dataset.pairs import PairBuilder
from kobert_pipeline.dataset.plan import Examples, PlanContext, drawn_documents
from kobert_pipeline.dataset.store import Block

IS_NEXT, IS_RANDOM = 0, 1
"""transformers' convention for `next_sentence_label`."""


def segment_pairs(block: Block, context: PlanContext, *, short_probability: float = 0.1) -> Examples:
    """Plans BERT's pairs (Devlin et al. 2019, appendix A.2, and its released `create_pretraining_data`).

    Segments of whole sentences fill `max_length`; one example in ten aims at a shorter length. Half of the second
    segments come from another document; the sentences that they displace begin the next example. So every sentence is
    in exactly one first or true-next segment for each reading of its document. The exceptions are in `counts`:

    * `one_sentence`, `no_continuity`: documents left out because they have no next sentence;
    * `truncated_tokens`: tokens removed by truncation;
    * `lone_chunks`: a single sentence that fills an example or ends a document. Only a random segment can follow it;
      the next chunk of several sentences gets a true next segment, so that labels stay balanced;
    * `no_other_document`: lone chunks left out because the block has no second document;
    * `short_documents`: documents that fit into one example and give a shorter one.
    """
    planner = _Planner(PairBuilder(block, context, short_probability))
    for document in drawn_documents(block, planner.pairs.usable, context, planner.pairs.rng):
        planner.add_document(document)
    return planner.pairs.examples("next_sentence_label")


class _Planner:
    def __init__(self, pairs: PairBuilder) -> None:
        self.pairs = pairs
        self.documents: list[int] = np.flatnonzero(pairs.usable).tolist()
        self.owed = 0
        """True pairs still to be made, one for each lone chunk, to balance the labels."""

    def add_document(self, document: int) -> None:
        sentence, stop = self.pairs.first_sentence[document], self.pairs.first_sentence[document + 1]
        while sentence < stop:
            target = self.pairs.target()
            end = self.pairs.end(sentence, stop, target)
            sentence = self._add_chunk(document, sentence, end, target)

    def _add_chunk(self, document: int, sentence: int, end: int, target: int) -> int:
        """Adds one example from sentences [sentence, end). Returns the first sentence that was not used."""
        at, lone = self.pairs.first_token, end - sentence == 1
        self.pairs.counts["lone_chunks"] += lone
        if lone and len(self.documents) < 2:
            self.pairs.counts["no_other_document"] += 1
            return end
        split = end if lone else sentence + 1 + self.pairs.below(end - sentence - 1)
        first = at[sentence], at[split]
        if not self._random_next(lone):
            self.pairs.append(first, (at[split], at[end]), IS_NEXT)
            return end
        self.pairs.append(first, self._random_segment(document, target - (at[split] - at[sentence])), IS_RANDOM)
        return split

    def _random_next(self, lone: bool) -> bool:
        if len(self.documents) < 2:
            return False
        if lone:
            self.owed += 1
            return True
        if self.owed:
            self.owed -= 1
            return False
        return self.pairs.draw() < 0.5

    def _random_segment(self, document: int, length: int) -> tuple[int, int]:
        """Sentences of another document from a random one on, up to `length` tokens (at least one sentence)."""
        other = document
        while other == document:
            other = self.documents[self.pairs.below(len(self.documents))]
        begin, stop = self.pairs.first_sentence[other], self.pairs.first_sentence[other + 1]
        sentence = begin + self.pairs.below(stop - begin)
        at = self.pairs.first_token
        return at[sentence], at[self.pairs.end(sentence, stop, length)]
