"""From an existing model to the Hub: adopt its tokenizer, continue its training, score, publish, load back. One checkpoint for
each class of published Korean models."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml
from published_models import CHECKPOINTS, LENGTH
from safetensors.torch import load_file

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.uses.fill_mask import USE

pytestmark = pytest.mark.system

SIZES = {"layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": LENGTH}
SETTINGS: dict[str, Any] = {
    "corpora.sources": [{"name": "texts", "path": str(Path(__file__).parent / "fixtures" / "documents.txt"), "license": "Apache-2.0"}],
    "corpora.decontaminate.against": None, "corpora.splitter": "fast",
    "pretrain.max_steps": 2, "pretrain.validation_steps": 2, "pretrain.log_steps": 1, "pretrain.precision": "fp32",
    "pretrain.validation_tokens": 2_000, "pretrain.phases": [{"max_length": 48, "batch_size": 8}], "pretrain.measured_sentences": 0,
    "pretrain.objective": {"name": "mlm"}, "dataset.validation_share": 0.15, "hub.base_model": "someone/model",
    "klue_eval.tasks": ["ynat"], "klue_eval.tfidf": False,
    "klue_eval.protocols": {"sample": {"seeds": 1, "train_rows": 16, "epochs": [1], "evaluations_per_epoch": 0}},
}  # fmt: skip


def recipe(checkpoint: Path, architecture: str) -> Recipe:
    pair = {"pretrain.architecture": {"name": architecture} | SIZES, "pretrain.continue_from": str(checkpoint)}
    settings = SETTINGS | pair | {"tokenizer.adopt": str(checkpoint)}
    return load_recipe("quickstart", tuple(f"{key}={json.dumps(value)}" for key, value in settings.items()))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("continued")


@pytest.mark.parametrize("name", list(CHECKPOINTS))
def test_a_published_model_is_continued_and_published_again(
    name: str, root: Path, tiny: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    architecture, write = CHECKPOINTS[name]
    pieces = (tiny.tokenizer / "vocab.txt").read_text(encoding="utf-8").splitlines()
    checkpoint = tmp_path / name
    checkpoint.mkdir()
    write(checkpoint, pieces)
    with caplog.at_level(logging.WARNING):
        folders = run(recipe(checkpoint, architecture), root)
    assert read_manifest(folders["hub"]).summary["load_back"] == "ok"
    assert "decomposed Hangul" in caplog.text
    folder = folders["hub"] / "publish"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---")[1])["base_model"] == "someone/model"
    assert "from scratch" not in card
    assert "SKT" not in card
    assert "normalise text to NFC first" in card
    assert str(checkpoint) not in "".join(
        path.read_text("utf-8") for path in folder.rglob("*.*") if path.suffix != ".safetensors"
    )
    assert read_json(folder / "tokenizer_config.json")["model_max_length"] == 48
    assert read_json(folder / "config.json")["vocab_size"] == read_json(checkpoint / "config.json")["vocab_size"]
    assert set(load_file(folder / "model.safetensors")) >= set(load_file(checkpoint / "model.safetensors"))
    tokenizer, network = USE.load(str(folder))
    (result,) = USE.try_it(tokenizer, network, ["수도는 [MASK]이다."])
    known = set(tokenizer.get_vocab())
    assert all(answer.text in known for answers in result.answers for answer in answers)
