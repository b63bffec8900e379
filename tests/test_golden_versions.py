"""Keeps the versions of the stages honest: the output of each stage on the sample is recorded with the version that made it.

If this test fails, either the change should not have changed the output, or the version in the SPEC of the stage (in
`config.py` of its package) must be raised. Then record again:
KOBERT_UPDATE_GOLDEN=1 pytest tests/test_golden_versions.py
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from klue_eval.data import SAMPLE, read_split
from klue_eval.tasks import TASKS
from kobert_pipeline.dataset.annotations import EOJEOL_START
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.ground.files import write_json
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.stages import STAGES, Stage

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "stages.json"
SETTINGS = ("pretrain.max_steps=4", "pretrain.log_steps=1", "pretrain.precision=fp32", "pretrain.validation_steps=4")
LOSS_TOLERANCE = 2e-3
"""In nats, because processors round differently."""


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


WRITES = (*SETTINGS, "tokenizer.model=bpe", "pretrain.objective={name: causal}", "pretrain.architecture.name=gpt2")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.fixture(scope="module")
def folders(root: Path) -> dict[str, Path]:
    return run(load_recipe("quickstart", SETTINGS), root, until="pretrain")


@pytest.fixture(scope="module")
def writing(root: Path) -> dict[str, Path]:
    """Of a model that writes: a byte-level tokenizer, and a store of whole texts."""
    return run(load_recipe("quickstart", WRITES), root, until="dataset")


def corpora(folders: dict[str, Path]) -> Any:
    return sha256(
        [pq.read_table(path).to_pylist() for path in sorted((folders["corpora"] / "shards").glob("*.parquet"))]
    )


def tokenizer(folders: dict[str, Path]) -> Any:
    return sha256((folders["tokenizer"] / "vocab.txt").read_text(encoding="utf-8"))


def byte_pairs(folders: dict[str, Path]) -> Any:
    """Pieces in the order of their ids, and merges in theirs."""
    model = json.loads((folders["tokenizer"] / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    return sha256([sorted(model["vocab"], key=model["vocab"].__getitem__), model["merges"]])


def dataset(folders: dict[str, Path]) -> Any:
    store = Store(folders["dataset"])
    blocks = [store.read(files) for split in (TRAIN, VALIDATION) for files in store.blocks(split)]
    return sha256(
        [
            [
                block.tokens.tolist(),
                block.annotations[EOJEOL_START].tolist(),
                block.document_offsets.tolist(),
                block.paragraph_end.tolist(),
            ]
            for block in blocks
        ]
    )


def pretrain(folders: dict[str, Path]) -> Any:
    with (folders["pretrain"] / "losses.csv").open(encoding="utf-8") as stream:
        return [round(float(row["mlm"]), 4) for row in csv.DictReader(stream)]


def klue_eval(folders: dict[str, Path]) -> Any:
    """Official and corrected metrics of fixed predictions on the dev rows of the sample."""
    return {name: fixed_scores(name) for name in TASKS}


def fixed_scores(name: str) -> dict[str, dict[str, float]]:
    """Scores of made-up predictions: every third row gets its own labels, the others those of the row before, cut or
    filled up to the right length."""
    rows = read_split(name, SAMPLE, "dev").rows
    gold = [TASKS[name].gold(row) for row in rows]
    guesses = [fitted(name, gold[number - (number % 3 > 0)], labels) for number, labels in enumerate(gold)]
    metrics = TASKS[name].metrics
    scores = {"official": metrics.official(guesses, rows), "corrected": metrics.corrected(guesses, rows)}
    return {kind: {metric: round(value, 6) for metric, value in values.items()} for kind, values in scores.items()}


def fitted(name: str, labels: Any, gold: Any) -> Any:
    """The labels, made as long as `gold` for the tasks whose predictions have a length."""
    return [*labels, *gold[len(labels) :]][: len(gold)] if name in ("ner", "dp", "wos") else labels


def hub(folders: dict[str, Path]) -> Any:
    return sha256((HERE / "kobert_pipeline" / "hub" / "golden_card.md").read_text(encoding="utf-8"))


OF_WRITING = {"tokenizer": byte_pairs, "dataset": dataset}
OUTPUTS = {function.__name__: function for function in (corpora, tokenizer, dataset, pretrain, klue_eval, hub)}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_version_of_a_stage_is_raised_when_its_output_changes(stage: Stage, folders: dict[str, Path]) -> None:
    require_recorded(stage.name, stage, OUTPUTS[stage.name](folders))


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.name in OF_WRITING], ids=lambda stage: stage.name)
def test_it_is_raised_too_when_what_models_that_write_read_changes(stage: Stage, writing: dict[str, Path]) -> None:
    require_recorded(f"{stage.name} of a model that writes", stage, OF_WRITING[stage.name](writing))


def require_recorded(name: str, stage: Stage, output: Any) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("KOBERT_UPDATE_GOLDEN"):
        write_json(GOLDEN, golden | {name: {"version": stage.version, "output": output}})
        return
    recorded = golden[name]
    if stage.name == "pretrain":
        same = np.allclose(recorded["output"], output, atol=LOSS_TOLERANCE)
    else:
        same = recorded["output"] == output
    assert same or recorded["version"] != stage.version, (
        f"the output of {name} changed: raise the version in the SPEC of {stage.name}"
    )
    assert recorded["version"] == stage.version, f"record version {stage.version} with KOBERT_UPDATE_GOLDEN=1"
