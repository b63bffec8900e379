"""`make bench-distil` with tiny numbers: a teacher and a student of half its layers, and a second call that trains nothing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kobert_pipeline.ground.files import read_json

BENCH = Path(__file__).parent / "bench"
SETTINGS = [
    "pretrain.architecture={name: bert, layers: 4, hidden: 32, heads: 2, feed_forward: 64}", "pretrain.validation_steps=50",
    "pretrain.validation_tokens=2000", "pretrain.phases=[{max_length: 48, batch_size: 8}]", "pretrain.measured_sentences=0",
    "klue_eval.settings={ynat: {epochs: 1}}", "klue_eval.tfidf=false",
]  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    module = importlib.import_module("bench_distil")
    small = {
        "RECIPE": "quickstart", "TOKENS": 3_000, "ROUNDS": 2, "SEEDS": 1, "LABELS": 8, "TASKS": ("ynat",), "SETTINGS": SETTINGS,
        "ROWS": [row for row in module.ROWS if row.name in ("teacher", "half, distillation")],
        "ROOT": tmp_path / "artifacts", "RESULT": tmp_path / "distil.json",
    }  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.mark.system
def test_the_table_has_scores_sizes_and_speeds_and_finished_runs_are_not_repeated(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.main()
    rows = read_json(tmp_path / "distil.json")["rows"]
    assert list(rows) == ["half, distillation", "teacher"] or list(rows) == ["teacher", "half, distillation"]
    assert rows["half, distillation"]["parameters"] < rows["teacher"]["parameters"]
    named = {"parameters", "few labels, ynat", "all labels, ynat", "ms", "per second"}
    assert all(set(row) == named for row in rows.values())
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("artifacts/*/*/manifest.json")}
    bench.main()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("artifacts/*/*/manifest.json")} == made
    again = read_json(tmp_path / "distil.json")["rows"]
    assert all(again[name]["all labels, ynat"] == rows[name]["all labels, ynat"] for name in rows)
    assert capsys.readouterr().out.count("| half, distillation |") == 2
    assert (tmp_path / "distil.md").is_file()
