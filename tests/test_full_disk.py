"""A disk that is full, in every stage: one line that says so, nothing that looks finished, and the same bytes once there is room.

A disk that can only be read: commands that read work on it, and those that write say so in one line.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobert_pipeline.cli import app, explain
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.stages import STAGES

pytestmark = pytest.mark.system

SETTINGS = tuple(
    f"{name}={json.dumps(value)}"
    for name, value in {
        "pretrain.architecture": {"name": "bert", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64},
        "pretrain.max_steps": 8, "pretrain.validation_steps": 4, "pretrain.validation_tokens": 2_000, "pretrain.log_steps": 2,
        "pretrain.phases": [{"max_length": 48, "batch_size": 8}], "pretrain.precision": "fp32",
        "pretrain.measured_sentences": 0, "klue_eval.tasks": ["ynat"], "klue_eval.tfidf": False,
        "klue_eval.protocols": {"sample": {"seeds": 1, "train_rows": 40, "epochs": [1], "evaluations_per_epoch": 0}},
    }.items()
)  # fmt: skip
ROOM = 24 * 1024
"""Bytes that a stage finds free: each writes more."""
NAMES = [stage.spec.name for stage in STAGES]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("quickstart", SETTINGS)


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return run(recipe, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory, whose size can change."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # a model may still be mapped


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


@pytest.mark.parametrize("stage", NAMES)
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    recipe: Recipe, whole: dict[str, Path], disk: Path, stage: str
) -> None:
    for earlier in NAMES[: NAMES.index(stage)]:
        shutil.copytree(whole[earlier], disk / earlier / whole[earlier].name)
    if stage == "hub":
        shutil.copytree(whole["klue_eval"].parent.parent / "klue_runs", disk / "klue_runs")
    resize(disk, shutil.disk_usage(disk).used + ROOM)
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    command = [
        sys.executable,
        "-m",
        "kobert_pipeline.cli",
        "run",
        "quickstart",
        "--artifacts",
        str(disk),
        "--until",
        stage,
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, (done.returncode, done.stderr[-2_000:])
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "disk is full" in last or "No space left" in last, last
    assert not (disk / stage / whole[stage].name).exists()

    resize(disk, 256 * 2**20)
    again = run(recipe, disk, until=stage)[stage]
    assert (again / "manifest.json").read_bytes() == (whole[stage] / "manifest.json").read_bytes()


# --- a disk that can only be read ------------------------------------------------------------------------------------

MODEL = "MODEL"
"""Stands for the folder of the exported model."""
READING = {
    "status": ["status", "quickstart"],
    "status --verify": ["status", "quickstart", "--verify"],
    "inspect batch": ["inspect", "quickstart", "batch", "--batches", "1"],
    "inspect tokens": ["inspect", "quickstart", "tokens", "학교에 간다"],
    "fill a run": ["fill", "quickstart", "오늘은 [MASK]이다."],
    "fill a folder": ["fill", MODEL, "오늘은 [MASK]이다."],
    "report": ["report", "quickstart", "--out", "page.html"],
    "report of two": ["report", "quickstart", "quickstart", "--out", "two.html"],
    "eval": ["eval", MODEL, "--data", "package:klue_eval/sample", "--tasks", "ynat", "--train-rows", "8", "--seeds", "1", "--artifacts", "."],
    "rescore": ["eval", "--rescore", "klue_runs", "--data", "package:klue_eval/sample"],
    "push": ["push", "quickstart", "--repo", "me/model"],
    "push the tokenizer": ["push", "quickstart", "--repo", "me/tokenizer", "--what", "tokenizer"],
    "push the corpus": ["push", "quickstart", "--repo", "me/corpus", "--what", "dataset"],
    "clean": ["clean"],
    "run what is finished": ["run", "quickstart", "--until", "klue_eval"],
    "doctor": ["doctor"],
}  # fmt: skip
WRITING = {
    "run": ["run", "quickstart", "--set", "seed=7"],
    "report": ["report", "quickstart"],
    "eval": ["eval", MODEL, "--data", "package:klue_eval/sample", "--tasks", "ynat", "--train-rows", "8"],
}  # fmt: skip


@pytest.fixture(scope="module")
def read_only(whole: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The finished run on a file system that refuses every write, also to the superuser."""
    place = tmp_path_factory.mktemp("mount") / "artifacts"
    shutil.copytree(whole["corpora"].parents[1], place)
    bound = subprocess.run(["mount", "--bind", place, place], capture_output=True, check=False).returncode == 0
    if (
        not bound
        or subprocess.run(["mount", "-o", "remount,ro,bind", place], capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def invoke(command: list[str], disk: Path, model: Path) -> tuple[int, str]:
    """Runs a command in this process, as `main` does: exit code, and what it says."""
    from typer.testing import CliRunner

    named = [str(model) if part == MODEL else str(disk / part) if part == "klue_runs" else part for part in command]
    takes = {"fill", "status", "inspect", "report", "push", "run", "eval"} & {command[0]}
    settings = [part for setting in SETTINGS for part in ("--set", setting)] if takes - {"eval"} else []
    place = (
        [] if command[0] == "doctor" or "--artifacts" in named or "--rescore" in named else ["--artifacts", str(disk)]
    )
    result = CliRunner().invoke(app, [*named, *settings, *place])
    if result.exception is None or isinstance(result.exception, SystemExit):
        return result.exit_code, result.output
    message, code = explain(result.exception)
    assert message is not None, result.exception
    return code, message


@pytest.mark.parametrize("name", READING)
def test_a_command_that_reads_works_on_a_disk_that_can_only_be_read(
    name: str, read_only: Path, whole: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = invoke(READING[name], read_only, read_only / "pretrain" / whole["pretrain"].name / "model")
    assert code == 0, said


@pytest.mark.parametrize("name", WRITING)
def test_a_command_that_writes_says_that_it_may_not(name: str, read_only: Path, whole: dict[str, Path]) -> None:
    code, said = invoke(WRITING[name], read_only, read_only / "pretrain" / whole["pretrain"].name / "model")
    assert (code, len(said.splitlines())) == (1, 1), said
    assert "can only be read" in said
