"""A fine-tuned model of a KLUE task leaves the house: plain transformers answers as the evaluation did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, ModernBertConfig, ModernBertForMaskedLM, pipeline
from typer.testing import CliRunner

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE
from klue_eval.task_card import Trained, hub_id, task_card
from klue_eval.task_data import read_all
from klue_eval.tasks import TASKS
from kobert_pipeline.cli import app
from kobert_pipeline.commands.own_tasks import copy_models
from kobert_pipeline.ground.errors import InputError, KobertError, RecipeError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.hub.folder_bundle import folder_bundle
from kobert_pipeline.publishing import questions
from kobert_pipeline.report.own_tasks_page import FineTuned

EXPORTED = ("ynat", "sts", "ner", "mrc")


def config_of(*tasks: str, **changes: Any) -> EvaluationConfig:
    base = {
        "tasks": tasks, "export": tasks, "data": SAMPLE, "settings": {name: {"epochs": 1} for name in tasks}, "tfidf": False,
        "protocols": {"quick": {"seeds": 1, "train_rows": 8, "evaluations_per_epoch": 0}}, "precision": "32-true",
    }  # fmt: skip
    return EvaluationConfig.parse(base | changes)


@pytest.fixture(scope="module")
def kept(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Task -> the run that keeps its model."""
    root = tmp_path_factory.mktemp("kept")
    folder = evaluate_model(str(tiny_bert), config_of(*EXPORTED), root, 42)
    results = read_json(folder / "scores.json")["results"]
    return {entry["task"]: root / "klue_runs" / entry["runs"][0] for entry in results}


def predictions(run: Path) -> list[Any]:
    return [json.loads(line)["prediction"] for line in (run / "predictions.jsonl").read_text().splitlines()]


@pytest.mark.system
def test_pipelines_answer_as_the_evaluation_did(kept: dict[str, Path]) -> None:
    data = read_all(config_of(*EXPORTED))
    classify = pipeline("text-classification", model=str(kept["ynat"] / "model"))
    answers = classify([row["title"] for row in data["ynat"].dev], truncation=True)
    assert [answer["label"] for answer in answers] == predictions(kept["ynat"])
    compare = pipeline("text-classification", model=str(kept["sts"] / "model"))
    pairs = [{"text": row["sentence1"], "text_pair": row["sentence2"]} for row in data["sts"].dev]
    assert [compare(pair)["score"] for pair in pairs] == pytest.approx(predictions(kept["sts"]), abs=1e-4)
    tag = pipeline("token-classification", model=str(kept["ner"] / "model"), ignore_labels=[])
    for row, expected in list(zip(data["ner"].dev, predictions(kept["ner"]), strict=True))[:4]:
        found = {word["start"]: word["entity"] for word in tag("".join(row["characters"]))}
        assert found == {place: expected[place] for place in found}
        assert len(found) > 5


@pytest.mark.system
def test_questions_are_answered_by_the_class_that_the_card_shows(kept: dict[str, Path]) -> None:
    folder = kept["mrc"] / "model"
    model, tokenizer = (
        AutoModelForQuestionAnswering.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    row = read_all(config_of("mrc"))["mrc"].dev[0]
    with torch.no_grad():
        output = model(**tokenizer(row["question"], row["context"], return_tensors="pt", truncation="only_second"))
    assert output.start_logits.shape == output.end_logits.shape
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "AutoModelForQuestionAnswering" in card
    assert "pipeline(" not in card


@pytest.mark.system
@pytest.mark.parametrize("task", EXPORTED)
def test_the_folder_has_names_of_labels_a_card_and_its_own_scores(kept: dict[str, Path], task: str) -> None:
    folder, labels = kept[task] / "model", TASKS[task].labels
    names = read_json(folder / "config.json").get("id2label", {})
    assert not labels or list(names.values()) == list(labels)
    scores = read_json(folder / "scores.json")["last"]["official"]
    assert scores == read_json(kept[task] / "scores.json")["last"]["official"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"| {value:.2f} |" in card for value in scores.values())
    assert "this is not a KLUE score" in card
    assert "model-index" not in yaml.safe_load(card.split("---\n")[1])
    assert str(kept[task].parent.parent) not in card


def test_a_score_on_all_of_dev_is_in_the_front_matter_of_the_card() -> None:
    task, whole = TASKS["ynat"], Trained("klue/bert-base", 45_678, 9_107, "dev", 42, False, False)
    front = yaml.safe_load(task_card(task, task.defaults, {"macro_f1": 85.126}, whole).split("---\n")[1])
    assert front["base_model"] == "klue/bert-base"
    result = front["model-index"][0]["results"][0]
    assert result["dataset"] | {"name": ""} == {
        "type": "klue/klue",
        "name": "",
        "config": "ynat",
        "split": "validation",
    }
    assert result["metrics"][0]["value"] == 85.13
    assert hub_id(Path("hub/models--klue--bert-base/snapshots/0123")) == "klue/bert-base"
    assert hub_id(Path("models/bert-base")) == ""


@pytest.mark.system
def test_a_modernbert_is_exported_with_the_layer_that_its_class_has(tokenizer: Any, tmp_path: Path) -> None:
    """transformers' token classifier of ModernBERT is not a linear layer alone; what was scored is what is kept."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    special = {f"{name}_token_id": number for number, name in enumerate(("pad", "unk", "cls", "sep"))}
    special |= {"bos_token_id": 2, "eos_token_id": 3}
    model = ModernBertForMaskedLM(ModernBertConfig(vocab_size=len(tokenizer), **sizes, **special))
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "model")
    folder = evaluate_model(str(tmp_path / "model"), config_of("ner"), tmp_path / "artifacts", 42)
    run = tmp_path / "artifacts" / "klue_runs" / read_json(folder / "scores.json")["results"][0]["runs"][0]
    tag = pipeline("token-classification", model=str(run / "model"), ignore_labels=[])
    row, expected = read_all(config_of("ner"))["ner"].dev[0], predictions(run)[0]
    found = {word["start"]: word["entity"] for word in tag("".join(row["characters"]))}
    assert found == {place: expected[place] for place in found}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"export": ["nli"]}, "export names nli, which is not among the tasks"),
        ({"tasks": ["dp", "ynat"], "export": ["dp"], "settings": {}}, "the head of dp does; possible: ynat"),
        ({"protocols": {"probe": {"training": "probe"}}}, "no protocol fine-tunes the encoder on one task"),
    ],
)
def test_what_cannot_be_exported_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        config_of("ynat", **changes)


@pytest.mark.system
def test_an_exported_model_can_be_pushed_once_its_licence_is_named(kept: dict[str, Path], tmp_path: Path) -> None:
    bundle = folder_bundle(kept["ynat"] / "model")
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "scores.json"} <= set(bundle.files)
    assert [question.name for question in questions(bundle)] == ["licences"]
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"kobert eval MODEL --export TASK"):
        folder_bundle(tmp_path)


def test_settings_without_export_keep_their_fingerprint() -> None:
    assert "export" not in EvaluationConfig().content()
    assert "distil" not in EvaluationConfig().content()["protocols"]["official"]


@pytest.mark.system
def test_kobert_eval_keeps_the_model_of_a_task(tiny_bert: Path, tmp_path: Path) -> None:
    arguments = ["eval", str(tiny_bert), "--export", "nli,ynat", "--data", SAMPLE, "--seeds", "1", "--train-rows", "8"]
    where = ["--artifacts", str(tmp_path / "artifacts"), "--out", str(tmp_path / "models"), "--workers", "1"]
    shown = CliRunner().invoke(app, [*arguments, *where])
    assert shown.exit_code == 0, shown.output
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["nli", "ynat"]
    assert "text_pair" in (tmp_path / "models" / "nli" / "README.md").read_text(encoding="utf-8")
    dry = CliRunner().invoke(app, ["push", str(tmp_path / "models" / "ynat"), "--to", "me/ynat"])
    assert "Dry run: nothing was sent. To me/ynat" in dry.output
    assert np.all([name in dry.output for name in ("model.safetensors", "README.md", "names no licence")])
    refused = CliRunner().invoke(app, [*arguments, *where])
    assert isinstance(refused.exception, KobertError)
    assert "the folder is not empty" in str(refused.exception)


def test_models_of_one_task_by_two_protocols_are_copied_next_to_each_other(tmp_path: Path) -> None:
    kept = []
    for protocol in ("few", "all"):
        (tmp_path / protocol).mkdir()
        (tmp_path / protocol / "config.json").write_text(protocol)
        kept.append(FineTuned("ynat", "classification", protocol, tmp_path / protocol))
    places = copy_models(kept, tmp_path / "out")
    assert [place.name for place in places] == ["ynat-few", "ynat-all"]
    assert [(place / "config.json").read_text() for place in places] == ["few", "all"]
