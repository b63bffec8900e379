"""The README: its commands run, the Korean version has the same parts, its links lead to files."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.objectives import OBJECTIVES

ROOT = Path(__file__).parent.parent
README, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
NOT_HERE = ("# needs a network", "; needs a network", "# your own files", "# needs KOBERT_DATA")
"""Endings of README lines that a test cannot run."""
MOST_COLUMNS = 7
PAGES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not {".venv", "artifacts", "build", "golden"} & set(path.parts) and "golden" not in path.name
]
TABLES: dict[str, Mapping[str, object]] = {
    "kobert_pipeline/objectives": OBJECTIVES,
    "kobert_pipeline/architectures": ARCHITECTURES,
}
"""Folder of a package -> the table that its README shows."""


def blocks(path: Path) -> list[str]:
    """Contents of the shell blocks."""
    return re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def commands(path: Path) -> list[str]:
    """Lines of the README that call `kobert`, with their comments."""
    return [line for block in blocks(path) for line in block.splitlines() if line.startswith("kobert ")]


def sections(path: Path) -> list[tuple[str, list[list[int]], int]]:
    """Of each section: the level of its heading, the columns of every row of every table, the number of list items."""
    text = path.read_text(encoding="utf-8")
    parts = re.split(r"^(#+) .*\n", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)[1:]
    return [
        (level, tables(body), len(re.findall(r"^(?:\*|\d+\.) ", body, re.MULTILINE)))
        for level, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def tables(text: str) -> list[list[int]]:
    """Columns of every row, by table."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[line.count("|") - 1 for line in table.splitlines()] for table in found]


def test_both_readmes_show_the_same_commands() -> None:
    def bare(path: Path) -> list[str]:
        return [line.split("#")[0].strip() for block in blocks(path) for line in block.splitlines()]

    assert bare(README) == bare(KOREAN)


def test_both_readmes_have_the_same_sections_tables_and_lists() -> None:
    assert sections(README) == sections(KOREAN)


@pytest.mark.parametrize("path", [README, KOREAN], ids=lambda path: path.name)
def test_tables_have_at_most_seven_columns_and_rows_of_one_width(path: Path) -> None:
    for _, found, _ in sections(path):
        assert all(max(widths) <= MOST_COLUMNS and len(set(widths)) == 1 for widths in found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(path: Path) -> None:
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("table", TABLES)
def test_the_readme_of_a_package_lists_its_table(table: str) -> None:
    text = (ROOT / table / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.py\)", text, re.MULTILINE)
    assert [name for name, _ in rows] == list(TABLES[table])


@pytest.mark.parametrize("path", [README, KOREAN], ids=lambda path: path.name)
def test_the_first_lines_say_what_this_is_and_what_it_is_not(path: Path) -> None:
    head = "\n".join(path.read_text(encoding="utf-8").splitlines()[:12])
    assert "KoBERT" in head
    assert "SKT" in head
    assert "make run" in path.read_text(encoding="utf-8").split("\n## ")[1]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {word for block in blocks(README) for word in re.findall(r"^make ([\w-]+)", block, re.MULTILINE)}
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.long
@pytest.mark.system
def test_the_commands_of_the_readme_run_in_order_in_an_empty_folder(tmp_path: Path) -> None:
    kobert = shutil.which("kobert", path=str(Path(sys.executable).parent))
    assert kobert, "kobert is not installed next to this Python"
    run = [line for line in commands(README) if not line.rstrip().endswith(NOT_HERE)]
    assert len(run) >= 5
    for line in run:
        arguments = shlex.split(line, comments=True)[1:]
        result = subprocess.run(
            [kobert, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            check=False,
        )
        assert result.returncode == 0, f"{line}\n{result.stderr[-2000:]}"
    again = subprocess.run([kobert, "run", "quickstart"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert again.stderr.count("up to date") == 6
