from __future__ import annotations

from kobert_pipeline.report.charts import MOST_POINTS, learning_rate_chart, loss_chart, thinned


def rows(count: int) -> list[dict[str, float]]:
    return [{"step": float(step), "learning_rate": 1e-3, "mlm": 5.0} for step in range(count)]


def test_a_short_curve_is_not_thinned() -> None:
    assert thinned(rows(MOST_POINTS)) == rows(MOST_POINTS)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    kept = thinned(rows(123_457))
    assert MOST_POINTS / 2 < len(kept) <= MOST_POINTS + 1
    assert (kept[0]["step"], kept[-1]["step"]) == (0, 123_456)


def test_a_curve_of_a_million_rows_stays_small() -> None:
    assert len(learning_rate_chart(rows(1_000_000))) < 100_000


def test_a_run_too_short_for_a_curve_still_has_its_charts() -> None:
    assert "<svg" in loss_chart([], [{"step": 0.0, "mlm": 8.0}], 6.0, "mlm")
    assert "<svg" in learning_rate_chart([])
