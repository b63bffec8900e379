import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.progress import progress
from kobert_pipeline.ground.progress_line import Work, cells, duration, line

TRAINING = Work(
    "pretrain", "steps", 1_234, 5_500, seconds=130, own=1_234,
    notes=("loss 3.214", "NSP 81%", "8,243 tokens/s", "97% useful", "MFU 12.3%"),
)  # fmt: skip
LONG = Work("pretrain", "steps", 1_234_567, 2_400_000, seconds=3_720, own=100_000, notes=TRAINING.notes)


def test_progress_without_a_terminal_is_log_lines(caplog, monkeypatch):
    monkeypatch.setattr("kobert_pipeline.ground.progress.PLAIN_INTERVAL", 0.0)
    with (
        caplog.at_level(logging.INFO, logger="kobert_pipeline.ground.progress"),
        progress("센다", 10, "shards") as advance,
    ):
        advance(4, "loss 1.5")
    assert re.fullmatch(r"센다: 4 of 10 shards in 0s, 0s left, [\d,.]+ shards/s, loss 1.5", caplog.messages[0])


@pytest.mark.parametrize(
    ("work", "width", "shown"),
    [
        (TRAINING, 60, "pretrain ━─────── 1,234/5,500  2m10s, 7m29s left  loss 3.214"),
        (TRAINING, 80, "1,234/5,500  2m10s, 7m29s left  loss 3.214"),
        (TRAINING, 120, "1,234/5,500  2m10s, 7m29s left  loss 3.214  9.5 steps/s  NSP 81%  8,243 tokens/s  97% useful"),
        (LONG, 60, "1.23M/2.4M  1h02m, 12h02m left  loss 3.214"),
        (LONG, 80, "1,234,567/2,400,000  1h02m, 12h02m left  loss 3.214"),
        (Work("pretrain", "steps", 20, None, 8, 20, ("loss 9.1",)), 60, "20/?  8s, ? left  loss 9.1"),
    ],
    ids=str,
)  # fmt: skip
def test_the_line_says_how_far_and_how_long_at_every_width(work, width, shown):
    drawn = line(work, width)
    assert cells(drawn) <= width
    assert shown in drawn


@given(
    label=st.sampled_from(["pretrain", "corpora: split into sentences", "형태소를 센다", "YNAT, pretrained, seed 12"]),
    total=st.none() | st.integers(1, 3_000_000),
    share=st.floats(0, 1),
    seconds=st.floats(0, 90 * 86_400),
    width=st.sampled_from([60, 80, 120, 200]),
)
def test_no_line_is_wider_than_the_terminal_and_none_lacks_its_times(label, total, share, seconds, width):
    done = int(share * (total or 3_000_000))
    drawn = line(Work(label, "documents", done, total, seconds, done, TRAINING.notes), width)
    assert cells(drawn) <= width
    assert re.search(r"(━|─){6}", drawn)
    assert re.search(r"\d[^ ]*/(\?|\d[^ ]*)  \d+[smhd]\w*, (\?|\d+[smhd]\w*) left", drawn)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0s"), (59.6, "1m00s"), (130, "2m10s"), (3_720, "1h02m"), (90_000, "1d01h")])  # fmt: skip
def test_a_duration_has_the_units_that_fit(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_terminal_log_lines_are_above_the_bar_and_nested_work_is_below(width, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    try:
        with progress("klue_eval", 3, "comparisons") as outer, progress("YNAT", 10, "batches") as inner:
            outer(1)
            inner(4, "loss 1.5")
            logging.getLogger().warning("validation: [MASK] 3.2")
    finally:
        logging.getLogger().removeHandler(handler)
    shown = [re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", part) for part in re.split(r"[\r\n]+", capsys.readouterr().err)]
    assert "validation: [MASK] 3.2" in [part.strip() for part in shown]
    bars = [part for part in shown if "left" in part]
    assert any("klue_eval" in part and "1/3" in part for part in bars)
    assert any("YNAT" in part and "4/10" in part and "loss 1.5" in part for part in bars)
    assert all(len(part) <= width for part in shown)
    assert handler.stream is not None
