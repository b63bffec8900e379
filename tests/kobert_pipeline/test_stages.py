"""The pipeline as a table, and the one declaration of each stage's version and libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobert_pipeline.ground.stage import StageSpec
from kobert_pipeline.stages import STAGE_NAMES, STAGES

ROOT = Path(__file__).parents[2]
CONFIGS = {
    "corpora": "corpora/config.py",
    "tokenizer": "tokenizer/config.py",
    "dataset": "kobert_pipeline/dataset/config.py",
    "pretrain": "kobert_pipeline/pretrain/config.py",
    "klue_eval": "klue_eval/config.py",
    "hub": "kobert_pipeline/hub/config.py",
}
"""Stage -> the file that declares its SPEC."""
NOT_A_LIST = (
    "kobert_pipeline/training/quiet.py",
    "kobert_pipeline/embedding/embedding_folder.py",
    "kobert_pipeline/exporting/onnx_libraries.py",
)
"""The first names loggers, which have the names of libraries; the others are of commands that are not stages."""
DECIDES = ("StageSpec", "Stage", "Identity")
"""Calls that would take a version and libraries."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for package in ("corpora", "tokenizer", "klue_eval", "kobert_pipeline"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DECIDES:
            yield node


def test_stages_are_the_pipeline_in_order():
    assert STAGE_NAMES == ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub")
    for number, stage in enumerate(STAGES):
        assert set(stage.after) <= set(STAGE_NAMES[:number])
        assert stage.version >= 1
        assert stage.spec.libraries


def test_each_stage_declares_its_spec_in_its_own_config():
    assert {name: CONFIGS[name] for name in STAGE_NAMES} == CONFIGS
    declared = {path: [call for call in calls(tree) if call.func.id == "StageSpec"] for path, tree in trees()}
    assert sorted(path for path, found in declared.items() if found) == sorted(CONFIGS.values())
    for name, path in CONFIGS.items():
        (call,) = declared[path]
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        assert isinstance(named["name"], ast.Constant)
        assert named["name"].value == name


def test_nobody_else_writes_the_version_of_a_stage():
    for path, tree in trees():
        if path not in CONFIGS.values():
            for call in calls(tree):
                values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "version")]
                numbers = [value.value for value in values if isinstance(value, ast.Constant)]
                assert not any(isinstance(value, int) for value in numbers), f"{path}:{call.lineno}"


def test_nobody_else_lists_the_libraries_of_a_stage():
    """Two distributions in one tuple, list or set are a list of libraries."""
    libraries = {name for stage in STAGES for name in stage.spec.libraries}
    for path, tree in trees():
        if path not in CONFIGS.values() and path not in NOT_A_LIST:
            for node in ast.walk(tree):
                if isinstance(node, ast.Tuple | ast.List | ast.Set):
                    texts = [item.value for item in node.elts if isinstance(item, ast.Constant)]
                    assert len(libraries & {text for text in texts if isinstance(text, str)}) < 2, (
                        f"{path}:{node.lineno}"
                    )


def test_the_version_and_the_libraries_decide_the_fingerprint():
    spec = StageSpec("corpora", 1, ("pytest", "no-such-distribution"))
    assert spec.library_versions() == {"pytest": pytest.__version__, "no-such-distribution": "missing"}
    assert spec.identity({}, {}).fingerprint != StageSpec("corpora", 2, spec.libraries).identity({}, {}).fingerprint
    assert spec.identity({}, {}).fingerprint != StageSpec("corpora", 1, ("pytest",)).identity({}, {}).fingerprint
