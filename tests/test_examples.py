"""The files of `kobert_pipeline/examples` for clusters: bash reads them, and the program knows the commands and settings in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from kobert_pipeline.cli import app
from kobert_pipeline.recipe import load_recipe

EXAMPLES = Path(__file__).parents[1] / "kobert_pipeline" / "examples"
BATCH_FILES = sorted(EXAMPLES.glob("*.sbatch"))
NUMBER = re.compile(r'="\$\w+"')
"""A setting whose value is a variable of SLURM."""


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
    found = commands(path.read_text(encoding="utf-8"))
    assert found
    for name, *words in found:
        assert {word for word in words if word.startswith("--")} <= known_options(name)
        settings = [NUMBER.sub("=2", words[place + 1]) for place, word in enumerate(words) if word == "--set"]
        load_recipe("quickstart", tuple(settings))
