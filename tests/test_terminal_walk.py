"""A newcomer's walk through the commands in a real terminal of 60, 80 and 120 columns: what is seen fits, and says what it should."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from kobert_pipeline.ground.progress_line import EMPTY, FULL, cells

pytestmark = [pytest.mark.system, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")]

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b\]8;[^\x1b\x07]*(?:\x07|\x1b\\)")
"""What moves the cursor or sets a colour."""
COPIED = re.compile(r"kobert |--set|/|\.yaml|\.html")
"""What a user copies is never cut: commands, settings, paths."""
STAGES = ["--until", "pretrain", "--yes", "--set", "pretrain.max_steps=24", "--set", "pretrain.validation_steps=24"]
SENTENCE = "띄어쓰기가 없는 긴 문장도 형태소대로 나뉘어야 한다."


def seen(columns: int, folder: Path, *arguments: str) -> list[str]:
    """Every line that the command draws in a terminal of that width, without colours; also those that are drawn over."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "kobert_pipeline.cli", *arguments],
        cwd=folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env=environment | {"TERM": "xterm-256color", "KOBERT_LANG": "en"},
    )  # fmt: skip
    os.close(slave)
    raw = _read(master)
    assert process.wait() == 0, raw[-2000:]
    return [line.rstrip() for line in re.split(r"[\r\n]+", CONTROL.sub("", raw))]


def _read(master: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(master, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(master)
    return b"".join(parts).decode()


def require_width(lines: list[str], columns: int) -> None:
    too_long = [line for line in lines if cells(line) > columns and not COPIED.search(line)]
    assert too_long == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("walk")


@pytest.fixture(scope="module")
def first_run(folder: Path) -> list[str]:
    return seen(60, folder, "run", "quickstart", *STAGES)


def test_a_run_shows_its_step_and_the_time_left(first_run: list[str]) -> None:
    require_width(first_run, 60)
    bars = [line for line in first_run if FULL in line or EMPTY in line]
    assert bars
    assert all(re.search(r"\d/(\d|\?)", line) and line.count(" left") == 1 for line in bars), bars
    assert any(re.search(rf"{FULL}.* \d+/24 ", line) for line in bars), bars
    assert not [line for line in first_run if "pretrain: " in line and FULL in line.split("pretrain: ")[0]]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_what_was_run_is_shown_at_every_width(columns: int, folder: Path, first_run: list[str]) -> None:
    settings = STAGES[3:]
    tokens = seen(columns, folder, "inspect", "quickstart", "tokens", SENTENCE, *settings)
    assert not [line for line in tokens if "…" in line]
    spelled = re.sub(r"[^가-힣]", "", "".join(tokens))
    assert re.sub(r"[^가-힣]", "", SENTENCE) in spelled
    status = seen(columns, folder, "status", "quickstart", *settings)
    runs = seen(columns, folder, "runs")
    for lines in (tokens, status, runs):
        require_width(lines, columns)
    assert any("pretrain" in line for line in status)
    assert any("quickstart" in line for line in runs)


def test_the_commands_of_the_last_screen_answer(folder: Path, first_run: list[str]) -> None:
    settings = STAGES[3:]
    filled = seen(80, folder, "fill", "quickstart", "대한민국의 수도는 [MASK]이다.", *settings)
    (folder / "raw").mkdir()
    (folder / "raw" / "a.txt").write_text("첫 문장이다.\n\n둘째 문장이다.\n", encoding="utf-8")
    begun = seen(80, folder, "init", "my.yaml", "--data", "raw")
    for lines in (filled, begun):
        require_width(lines, 80)
    assert any("%" in line for line in filled)
    assert (folder / "my.yaml").is_file()
