"""The pipeline in Python: frames hold what the artifacts hold, errors say what to do, and the notebook runs."""

from __future__ import annotations

import builtins
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kobert_pipeline
from kobert_pipeline import api, open_run
from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.pointers import Pointer

SMALL_RUN = Path(__file__).parent / "hub" / "small_run"
NOTEBOOK = Path(kobert_pipeline.__file__).parent / "examples" / "first_run.ipynb"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An artifacts folder in which the hand-written small run is the run `mine:first`."""
    folders = {}
    for stage in ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub"):
        fingerprint = read_manifest(SMALL_RUN / stage).fingerprint
        folders[stage] = Path(shutil.copytree(SMALL_RUN / stage, tmp_path / stage / fingerprint[:16]))
    Pointer(tmp_path, "mine:first").remember(folders)
    return tmp_path


def opened(root: Path) -> api.OpenRun:
    return api.OpenRun("mine:first", Pointer(root, "mine:first").finished())


def without_other_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small run has only the files that tests read."""
    monkeypatch.setattr("kobert_pipeline.ground.contents.artifact_reader.require_files", lambda *_: None)


def test_the_curve_is_that_of_the_artifact(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_other_files(monkeypatch)
    run = opened(root)
    artifact = PretrainedRun(run.folders["pretrain"])
    train, validation = run.curve(), run.curve("validation")
    assert train.to_dict("records") == [pytest.approx(row) for row in artifact.curve()]
    assert list(validation["mlm"]) == [row["mlm"] for row in artifact.summary.validation]
    assert {str(frame[name].dtype) for frame in (train, validation) for name in ("step", "tokens")} == {"int64"}
    with pytest.raises(KobertError, match="the split is `train` or `validation`"):
        run.curve("dev")  # type: ignore[arg-type]


def test_scores_are_those_of_the_artifact(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_other_files(monkeypatch)
    run = opened(root)
    summary, frame = Scores(run.folders["klue_eval"]).summary, run.scores()
    assert len(frame) == sum(len(result.metrics) for result in summary.results)
    first = summary.results[0]
    metric, figures = next(iter(first.metrics.items()))
    row = frame.iloc[0]
    assert (row["protocol"], row["task"], row["metric"], row["mean"]) == (
        first.protocol,
        first.task,
        metric,
        figures.last_mean,
    )
    assert row["deviation"] == figures.last_std or (figures.last_std is None and math.isnan(row["deviation"]))
    assert row["baseline"] == summary.baseline[first.protocol][first.task][metric]


def test_a_run_is_opened_by_its_name_and_its_id(root: Path) -> None:
    by_name = open_run("mine:first", root)
    assert by_name.name == "mine:first"
    assert list(by_name.folders)[-1] == "hub"
    assert open_run(by_name.folders["pretrain"].name[:10], root).folders.keys() == {
        "corpora",
        "tokenizer",
        "dataset",
        "pretrain",
    }


def test_what_is_missing_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = api.OpenRun("mine", {"corpora": root / "corpora"})
    for call in (begun.curve, begun.scores, lambda: begun.model):
        with pytest.raises(KobertError, match=r"mine: the run has no (pretrain|klue_eval)\. It has corpora\."):
            call()
    with pytest.raises(KobertError, match=r"mine:other: no run of mine in .* has this tag"):
        open_run("mine:other", root)
    with pytest.raises(KobertError, match="quickstart: no run in"):
        open_run("quickstart", root)
    real = builtins.__import__

    def without_pandas(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *arguments, **named)

    without_other_files(monkeypatch)
    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(KobertError, match=r"pip install 'kobert-pipeline\[notebook\]'"):
        opened(root).scores()


def test_the_package_offers_three_functions_and_imports_them_late() -> None:
    assert {kobert_pipeline.load_recipe, kobert_pipeline.run, kobert_pipeline.open_run} == {
        api.load_recipe,
        api.run,
        api.open_run,
    }
    with pytest.raises(AttributeError, match="has no attribute 'trains'"):
        _ = kobert_pipeline.trains
    code = "import sys, kobert_pipeline; print('kobert_pipeline.runner' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.system
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "save the notebook without outputs"
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any("mlm" in text and "tokens" in text for text in shown)
    assert any("macro_f1" in text and "baseline" in text for text in shown)
    assert shown[-1].count("'") == 10
