import logging
import sys

from kobert_pipeline.ground.progress import progress


def test_progress_without_a_terminal_is_log_lines(caplog, monkeypatch):
    monkeypatch.setattr("kobert_pipeline.ground.progress.PLAIN_INTERVAL", 0.0)
    with (
        caplog.at_level(logging.INFO, logger="kobert_pipeline.ground.progress"),
        progress("센다", 10, "shards") as advance,
    ):
        advance(4, "loss 1.5")
    assert caplog.messages[0].startswith("센다: 4 of 10 shards, ")
    assert caplog.messages[0].endswith("loss 1.5")


def test_progress_on_a_terminal_draws_a_bar_with_rate_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with progress("센다", 10, "shards") as advance:
        advance(4, "loss 1.5")
    shown = capsys.readouterr().err
    assert "센다" in shown
    assert "4/10" in shown
    assert "shards/s loss 1.5" in shown
