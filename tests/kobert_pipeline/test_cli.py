from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kobert_pipeline import cli
from kobert_pipeline.ground.errors import Interrupted, KobertError

HEAVY = ("torch", "transformers", "lightning", "datasets", "numpy", "pyarrow", "kss", "pydantic")


def kobert(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kobert_pipeline.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"} | environment, check=False
    )


def test_help_imports_nothing_heavy():
    """What makes `kobert --help` slow is imports; which ones happen can be tested, seconds cannot."""
    program = f"import sys, kobert_pipeline.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_threads_that_wait_do_not_spin_unless_the_user_says_so():
    found: list[dict[str, str]] = [{}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}]
    for environment in found:
        cli.set_libraries(environment)
    assert [environment.get("GOMP_SPINCOUNT") for environment in found] == [cli.WAITING_TURNS, None, "7"]


MISTAKES = [
    (["run", "quikstart"], "did you mean `quickstart`"),
    (
        ["run", "quickstart", "--set", "pretrain.max_step=3"],
        "pretrain.max_step: unknown key; did you mean `max_steps`",
    ),
    (["run", "quickstart", "--set", "pretrain.max_steps=many"], "pretrain.max_steps: "),
    (["run", "bert-mini"], "KOBERT_CORPUS is not set"),
    (["run", "quickstart", "--until", "pretraining"], "did you mean `pretrain`"),
    (["inspect", "quickstart", "batch"], "There is no dataset"),
    (["inspect", "quickstart", "tokens", "문장"], "There is no tokenizer"),
    (["inspect", "quickstart", "bach"], "did you mean `batch`"),
    (
        ["fill", "quickstart", "[MASK]이다."],
        "no trained model for these settings. Run `kobert run quickstart --until pretrain`",
    ),
    (["report", "quickstart", "bert-mimi"], "did you mean `bert-mini`"),
    (["push", "quickstart", "--to", "a/b"], "not finished: corpora: not built yet. Run `kobert run"),
    (["push", "quickstart", "--to", "a/b", "--what", "modl"], "did you mean `model`"),
    (["push", "quickstart", "--repo", "nobody"], "name the owner too"),
    (["push", "quickstart", "--to", "a/b", "--tag", "my tag"], "not a name that git allows"),
    (["run", "quickstart", "--set", "corpora.sources=[{name: a, path: /no/such/file.txt}]"], "no such file"),
]
ONE_AFTER_ANOTHER = """
import sys
from kobert_pipeline import cli
for line in {commands!r}:
    sys.argv = ["kobert", *line]
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code
    sys.stderr.flush()
    print("EXIT", code, file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    """Every mistake's exit status and what it wrote to stderr, from one process: a process for each takes a second."""
    folder = ["--artifacts", str(tmp_path_factory.mktemp("artifacts"))]
    program = ONE_AFTER_ANOTHER.format(commands=[[*arguments, *folder] for arguments, _ in MISTAKES])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ | {"NO_COLOR": "1"}
    )
    *parts, rest = re.split(r"^EXIT (\d+)\n", done.stderr, flags=re.MULTILINE)
    assert (rest, len(parts)) == ("", 2 * len(MISTAKES))
    return {
        message: (int(code), written)
        for (_, message), written, code in zip(MISTAKES, parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("message", [message for _, message in MISTAKES])
def test_a_mistake_is_one_message_without_a_traceback(message, mistakes):
    code, written = mistakes[message]
    assert code != 0
    assert message in written
    assert "Traceback" not in written
    assert len(written.strip().splitlines()) <= 3


def test_a_mistake_has_the_exit_code_of_its_process(tmp_path):
    result = kobert("run", "quikstart", "--artifacts", str(tmp_path))
    assert (result.returncode, "did you mean `quickstart`" in result.stderr) == (1, True)


def test_debug_shows_the_traceback(tmp_path):
    assert "Traceback" in kobert("run", "quikstart", "--debug", "--artifacts", str(tmp_path)).stderr


def test_a_usage_error_has_its_own_exit_code():
    result = kobert("run")
    assert result.returncode == 2
    assert "RECIPE" in result.stderr


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (OSError(28, "No space left on device"), "disk is full", 1),
        (RuntimeError("unexpected pos: No space left on device"), "disk is full", 1),
        (OSError(27, "File too large"), "disk is full", 1),
        (OSError(122, "Disk quota exceeded"), "disk is full", 1),
        (Interrupted("stopped by Ctrl-C; step-00000013.ckpt holds"), "step-00000013.ckpt", 130),
        (PermissionError(13, "denied", "x"), "no permission", 1),
        (KeyboardInterrupt(), "goes on from there", 130),
    ],
)
def test_problems_of_the_machine_say_what_to_do(error, message, code):
    shown, code_shown = cli.explain(error)
    assert message in shown
    assert code_shown == code


def test_a_bug_of_ours_keeps_its_traceback():
    assert cli.explain(AssertionError("an invariant"))[0] is None


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB. Needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("may not mount a small disk here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.system
def test_a_full_disk_is_one_message_and_leaves_finished_stages_whole(small_disk):
    result = kobert("run", "quickstart", "--artifacts", str(small_disk))
    assert result.returncode == 1
    assert "disk is full" in result.stderr
    assert "Traceback" not in result.stderr
    finished = kobert("status", "quickstart", "--verify", "--artifacts", str(small_disk))
    assert finished.returncode == 0, finished.stdout
    assert "complete" in finished.stdout


@pytest.mark.system
def test_ctrl_c_stops_a_run_with_one_message_and_the_next_one_finishes_it(tmp_path):
    command = [
        sys.executable,
        "-m",
        "kobert_pipeline.cli",
        "run",
        "quickstart",
        "--until",
        "dataset",
        "--artifacts",
        str(tmp_path),
    ]

    def hear_it() -> None:
        """A shell lets what it starts in the background ignore Ctrl-C, and that is inherited."""
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=hear_it)
    while process.poll() is None and not list(tmp_path.rglob("*.partial/work")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "stopped. What was finished is kept" in errors
    assert "Traceback" not in errors
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_foreign_package_of_our_name_is_refused_by_name(monkeypatch, tmp_path):
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tokenizer", raising=False)
    with pytest.raises(KobertError, match="`tokenizer` comes from"):
        cli.refuse_foreign_packages()


def test_a_file_that_may_not_be_read_is_told_from_one_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the system's answer is replaced."""
    secret = tmp_path / "secret.yaml"
    secret.write_text("")
    monkeypatch.setattr(os, "access", lambda name, mode: not (Path(name) == secret and mode & os.R_OK))
    assert str(cli.explain(PermissionError(13, "denied", str(secret)))[0]).startswith(
        f"no permission to read {secret}."
    )
    for name in (tmp_path, tmp_path / "new.json"):
        assert str(cli.explain(PermissionError(13, "denied", str(name)))[0]).startswith(
            f"no permission to write {name}."
        )
