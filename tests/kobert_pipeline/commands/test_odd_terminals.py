"""What a terminal cannot write, or did not send as text, ends no command."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.progress_line import cells
from kobert_pipeline.ground.terminal import PLAIN, folded, require_place

SIGNS = "–—…×→⟦⟧한글🙂"
PROGRAM = """
import sys
from kobert_pipeline import cli
for line in {commands!r}:
    sys.argv = ["kobert", *line]
    try:
        cli.main()
    except SystemExit as end:
        print("CODE", *line[:1], end.code, flush=True)
import logging
print({signs!r}); print({signs!r}, file=sys.stderr); logging.getLogger("corpora").warning("%s", {signs!r})
"""
HELP = [[command.__name__, "--help"] for command in cli.COMMANDS]
COMMANDS = [
    ["--help"], *HELP, ["status", "quickstart"], ["report", "quickstart"], ["init", "my.yaml"], ["clean"], ["doctor"],
]  # fmt: skip
FAILING = [["status", "my.yaml"], ["inspect", "quickstart", "tokens", "서울–부산"], ["fill", "⟦recipe⟧.yaml", "[MASK]"], ["run", "—.yaml"], ["run", "q—ckstart"]]  # fmt: skip


@pytest.mark.parametrize(
    "encoding", ["cp949", *(pytest.param(name, marks=pytest.mark.system) for name in ("ascii", "latin-1", "utf-8"))]
)
def test_no_command_ends_for_the_encoding_of_the_terminal(encoding, tmp_path):
    program = PROGRAM.format(commands=COMMANDS + FAILING, signs=SIGNS)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=False,
        env=os.environ | {"PYTHONIOENCODING": encoding, "NO_COLOR": "1"},
    )  # fmt: skip
    errors = done.stderr.decode(encoding, "replace")  # click writes UTF-8 where it is told ASCII
    assert done.returncode == 0, errors
    assert "Traceback" not in errors
    assert "Logging error" not in errors
    codes = [
        line.split()[2] for line in done.stdout.decode(encoding, "replace").splitlines() if line.startswith("CODE")
    ]
    assert codes == ["0"] * len(COMMANDS) + ["1"] * len(FAILING)
    shown = SIGNS if encoding == "utf-8" else done.stdout.decode(encoding, "replace").splitlines()[-1]
    assert len(shown) >= len(SIGNS)
    if encoding == "cp949":
        assert "한글?" in shown
        assert (tmp_path / "my.yaml").read_text(encoding="utf-8").count("말뭉치") == 1


def test_a_sign_that_is_missing_is_written_in_signs_that_every_encoding_has():
    assert all(text.isascii() for text in PLAIN.values())


class Terminal(io.StringIO):
    def isatty(self):
        return True


@given(st.lists(st.text(st.sampled_from("가나 다라ab c`\n"), max_size=30)), st.integers(20, 60))
def test_a_message_is_cut_at_spaces_and_no_line_is_wider_than_the_terminal(words, width):
    text = " ".join(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        lines = folded(text, Terminal()).split("\n")
    assert " ".join(lines) == text.replace("\n", " ")
    assert all(cells(line) <= width or " " not in line or "`" in line for line in lines)
    assert folded(text, io.StringIO()) == text


def test_a_command_stays_whole_so_that_it_can_be_copied(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    shown = folded("먼저 실행하세요: `kobert run quickstart --until pretrain` 그다음 다시", Terminal())
    assert "`kobert run quickstart --until pretrain`" in shown.split("\n")


@pytest.mark.parametrize("argument", ["서울[MASK]".encode("cp949"), b"\xff\xfe"])
def test_an_argument_that_is_not_text_is_one_line(argument, tmp_path):
    command = [sys.executable.encode(), b"-m", b"kobert_pipeline.cli", b"fill", b"quickstart", argument]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    errors = done.stderr.decode()
    assert done.returncode == 1
    assert len(errors.splitlines()) == 1
    assert errors.startswith("error: argument 3, ")
    assert "CP949" in errors.upper()


def test_a_folder_that_was_removed_meanwhile_is_named(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(KobertError, match="current folder does not exist any more"):
        require_place()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileExistsError(17, "File exists", "a/notes.txt"), "a/notes.txt: it, or what it should be in, is a file"),
        (NotADirectoryError(20, "Not a directory", "/dev/null/x"), "/dev/null/x: it, or what it should be in, is a file"),
        (IsADirectoryError(21, "Is a directory", "/tmp/a.tmp", None, "/tmp"), "/tmp: is a folder; a file is needed"),
        (OSError(30, "Read-only file system", "/disk/a.tmp"), "/disk: this disk can only be read"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_written_is_named(error, said):
    message, code = cli.explain(error)
    assert code == 1
    assert message.startswith(said)
