"""`make systems`: every encoder's recipe is a row, the table and the plot show what is known."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE
from kobert_pipeline.ground.files import write_json
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import load_recipe, shipped_recipes

BENCH = Path(__file__).parent / "bench"
MODULES = ("systems", "parts", "run", "writers", "sweep", "optimizers")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("KOBERT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KOBERT_KLUE", str(tmp_path / "klue"))
    monkeypatch.setenv("KOBERT_CORPUS", str(tmp_path))
    module = importlib.import_module("systems")
    monkeypatch.chdir(tmp_path)
    yield module
    for name in MODULES:
        sys.modules.pop(name, None)


def test_each_row_trains_its_own_system_on_the_same_text(bench: Any) -> None:
    recipes = {name: bench.recipe_of(name, "pretrain.max_tokens=1000") for name in bench.SYSTEMS}
    assert len({recipe.corpora for recipe in recipes.values()}) == 1
    assert len({recipe.tokenizer for recipe in recipes.values()}) == 1
    assert len({str(recipe.pretrain) for recipe in recipes.values()}) == len(recipes)


def test_each_small_encoder_that_is_shipped_has_a_row(bench: Any) -> None:
    words = load_recipe("bert-mini").tokenizer
    small = {
        name: load_recipe(name)
        for name in shipped_recipes()
        if name.endswith("-mini") and "distil" not in name and "tiny" not in name
    }
    encoders = {name for name, recipe in small.items() if recipe.tokenizer == words}
    assert encoders == {system.recipe for system in bench.SYSTEMS.values()}


def test_the_table_and_the_plot_show_what_is_known_so_far(bench: Any, tmp_path: Path) -> None:
    speed = {"parameters": 5_000_000, "tokens/s": 6_000.0, "MFLOP/token": 20.0}
    run = {"tokens": 9_000_000, "steps": 10, "headline": "mlm", "validation": 5.0, "chance": 7.0}
    slow, fast = ({bench.YNAT: [number, number + 1, number + 2]} for number in (50.0, 60.0))
    figures = {
        "speeds": {"BERT": speed, "ELECTRA": speed | {"tokens/s": 3_000.0}},
        "runs": {
            "BERT": {"25": {"0.0005": run}},
            "ELECTRA": {
                "10": {"0.001": run | {"scores": slow}, "0.002": run | {"scores": fast}},
                "25": {"0.002": run | {"scores": fast}},
            },
        },
    }
    electra, bert, shorter = bench.rows_of(figures, list(bench.SYSTEMS), [25.0, 10.0])
    assert (bert["system"], electra["system"]) == ("BERT", "ELECTRA")
    assert electra["speed by FLOPs"] == 0.5
    assert electra[bench.YNAT] == shorter[bench.YNAT] == "61.0"
    assert (electra["learning rate"], bert["learning rate"]) == ("0.002", "0.0005")
    assert bench.YNAT not in bert
    bench.draw(figures, list(bench.SYSTEMS), [25.0])
    assert (tmp_path / bench.PLOT).stat().st_size > 10_000


def test_the_jobs_of_models_that_write_can_be_run(bench: Any, tmp_path: Path) -> None:
    """Settings are known, a model that is scored is trained by a job before, a patch exists."""
    writers = importlib.import_module("writers")
    names = [*writers.SYSTEMS, *(f"{name}, 512" for name in writers.WIDE)]
    write_json(writers.RESULT, {name: {"tokens/s": 1_000.0} for name in names})
    writers.jobs("jobs.jsonl")
    trained: set[str] = set()
    for job in map(json.loads, (tmp_path / "jobs.jsonl").read_text(encoding="utf-8").splitlines()):
        if "model" in job:
            assert job["model"] in trained
        else:
            assert PretrainConfig.parse(job["pretrain"]).max_tokens
            trained.add(job["name"])
        for settings in job["scores"]:
            EvaluationConfig.parse(settings)
        if job.get("patch"):
            assert callable(getattr(writers, job["patch"].removeprefix("writers:")))
    assert {writers.long_name(*run) for run in writers.LONG_RUNS} <= trained


@pytest.mark.parametrize("task", ["ynat", "sts", "nli"])
def test_a_prompt_shows_solved_rows_and_asks_for_each_word(bench: Any, task: str) -> None:
    writers = importlib.import_module("writers")
    (guid, prompt, words, right), *others = writers.prompted(task, 2, SAMPLE, 3, 0)
    assert len(others) == 2
    assert guid
    *shown, asked = prompt.split("\n\n")
    assert len(shown) == 2
    assert all(part.endswith(tuple(words)) for part in shown)
    assert not asked.endswith(tuple(words))
    assert 0 <= right < len(words)
