"""Does a classifier know when it is right? Its confidence against its accuracy (Guo et al. 2017, section 2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from klue_eval.values import Answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15
"""As in the paper."""


def calibration(answers: Sequence[Sequence[Answer]]) -> dict[str, float]:
    """The answers of a classification, one for each row -> `ece`, mean `confidence` and `accuracy`, each 0 to 100.

    The confidence is the softmax probability of the predicted label.
    """
    import numpy as np
    from scipy.special import softmax

    logits = np.stack([row[0].values["logits"] for row in answers]).astype(np.float64)
    right = logits.argmax(-1) == np.array([row[0].example.target for row in answers])
    confidence = softmax(logits, axis=-1).max(-1)
    figures = {
        "ece": expected_calibration_error(confidence, right),
        "confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
    }
    return {name: round(100 * value, 4) for name, value in figures.items()}


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """The mean distance of confidence and accuracy over bins of equal width, weighted by their rows (equation 3). 0 to 1.

    A bin holds its upper end and not its lower one.
    """
    import numpy as np

    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
