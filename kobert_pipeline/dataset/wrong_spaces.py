"""Training sentences with spaces in wrong places, so that a model learns to read what people write in a hurry. Pure."""

from __future__ import annotations

import random

import pyarrow as pa

from kobert_pipeline.dataset.splits import Text
from kobert_pipeline.ground.typing_errors import random_space, seeded


def with_wrong_spaces(text: Text, share: float) -> tuple[Text, int]:
    """Moves spaces in a share of the sentences. Returns how many were changed: a sentence may be too short to have an error.

    The sentence alone decides, so that adding text changes no other sentence.
    """
    before = text.sentences.to_pylist()
    after = [_moved(sentence, share) for sentence in before]
    changed = sum(one != other for one, other in zip(before, after, strict=True))
    return text._replace(sentences=pa.array(after, type=text.sentences.type)), changed


def _moved(sentence: str, share: float) -> str:
    rng: random.Random = seeded(sentence, "wrong_spaces")
    return random_space(sentence, rng).text if rng.random() < share else sentence
