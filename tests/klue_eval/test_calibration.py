"""Expected calibration error: the formula of the paper, bin by bin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klue_eval.calibration import BINS, calibration, expected_calibration_error
from klue_eval.values import Answer, Example

ROWS = st.lists(st.tuples(st.integers(0, 150).map(lambda number: number / 150), st.booleans()), min_size=1, max_size=60)


@given(rows=ROWS)
def test_the_error_is_the_sum_over_bins_of_the_paper(rows: list[tuple[float, bool]]) -> None:
    """Guo et al. 2017, equation 3: B_m holds confidences in ((m - 1) / M, m / M]."""
    confidence, right = (np.array(side) for side in zip(*rows, strict=True))
    expected = 0.0
    for number in range(1, BINS + 1):
        members = [row for row in rows if max(1, math.ceil(row[0] * BINS)) == number]
        if members:
            accuracy = sum(hit for _, hit in members) / len(members)
            mean = sum(value for value, _ in members) / len(members)
            expected += len(members) / len(rows) * abs(accuracy - mean)
    assert expected_calibration_error(confidence, right) == pytest.approx(expected, abs=1e-12)


def answer(target: int, *logits: float) -> list[Answer]:
    return [Answer(Example([1], [0], target=target), {"logits": np.array(logits, dtype=np.float32)})]


def test_confidence_is_the_probability_of_the_predicted_label() -> None:
    sure, half = math.log(9), math.log(1)
    found = calibration([answer(0, sure, 0.0), answer(1, sure, 0.0), answer(1, half, 0.0), answer(0, half, 0.0)])
    assert found == {"ece": 20.0, "confidence": 70.0, "accuracy": 50.0}, "0.9 twice, right once; 0.5 twice, right once"
    assert calibration([answer(1, -800.0, 800.0)]) == {"ece": 0.0, "confidence": 100.0, "accuracy": 100.0}
