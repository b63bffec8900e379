"""Task distillation: losses by hand, the teacher's run, and teachers that do not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from klue_eval.build import evaluate_model
from klue_eval.config import Distil, EvaluationConfig
from klue_eval.data import SAMPLE, read_split
from klue_eval.encoders import load_model, load_tokenizer
from klue_eval.heads import HEADS
from klue_eval.heads.distilled import Distilled
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from kobert_pipeline.architectures.attention_scores import SCORES, register
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import read_json

RATE = 3e-4
"""Of the protocol; the tasks' own is another."""


@pytest.fixture(scope="module")
def small_bert(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of `tiny_bert`: half of its layers, half of its width, as many heads."""
    return save(tmp_path_factory.mktemp("models") / "small", tokenizer)


def save(folder: Path, tokenizer: Any, **changes: Any) -> Path:
    sizes = {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 192,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    torch.manual_seed(1)
    model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **(sizes | changes)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def config_of(teacher: Path | str, *tasks: str, **distil: Any) -> EvaluationConfig:
    protocol = {
        "seeds": 2,
        "train_rows": 16,
        "evaluations_per_epoch": 0,
        "learning_rates": [RATE],
        "distil": {"teacher": str(teacher)} | distil,
    }
    return EvaluationConfig.parse(
        {
            "tasks": tasks, "data": SAMPLE, "settings": {name: {"epochs": 1, "batch_size": 4} for name in tasks},
            "tfidf": False, "protocols": {"taught": protocol}, "precision": "32-true",
        }
    )  # fmt: skip


# --- losses -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tiny_bert: Path, small_bert: Path) -> Callable[[str], Any]:
    """Task -> student, teacher and a batch of four rows."""

    def build(name: str) -> Any:
        register()
        task, reader = TASKS[name], Reader(load_tokenizer(small_bert), 32)
        models = [
            load_model(task, folder, "pretrained", task.defaults, reader, attention=SCORES).eval()
            for folder in (small_bert, tiny_bert)
        ]
        rows = read_split(name, SAMPLE, "train").rows[:4]
        examples = [task.encode(row, reader, task.defaults)[0] for row in rows]
        width = max(len(example.input_ids) for example in examples)
        padded = [[*example.input_ids, *[0] * (width - len(example.input_ids))] for example in examples]
        ids = torch.tensor(padded)
        inputs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": (ids != 0).long()}
        return models[0], models[1], inputs, HEADS[task.head].collate(examples)

    return build


def test_layers_then_predictions_equal_the_formula_over_the_outputs_of_transformers(pair: Callable[[str], Any]) -> None:
    student, teacher, inputs, labels = pair("ynat")
    torch.manual_seed(0)
    model = Distilled(student, teacher, Distil(layer_share=0.5, temperature=2.0, label_weight=0.5), steps=2)
    assert model.layer_steps == 1
    layers, predictions = (float(model.loss(inputs, labels).detach()) for _ in range(2))
    mask = inputs["attention_mask"].bool()
    with torch.no_grad():
        own, theirs = (each.encoder(**inputs, output_hidden_states=True) for each in (student, teacher))
        embeddings, hidden = model.projections
        expected = ((embeddings(own.hidden_states[0]) - theirs.hidden_states[0])[mask] ** 2).mean()
        expected += ((hidden(own.hidden_states[1]) - theirs.hidden_states[2])[mask] ** 2).mean()
        pairs = mask[:, :, None] & mask[:, None, :]
        scores = [scores_of(student, own.hidden_states[0], 0), scores_of(teacher, theirs.hidden_states[1], 1)]
        expected += ((scores[0] - scores[1]) ** 2).mean(1)[pairs].mean()
        wanted, given = theirs.logits / 2.0, own.logits / 2.0
        soft = -(wanted.softmax(-1) * (given.log_softmax(-1) - wanted.log_softmax(-1))).sum(-1).mean() * 4.0
        soft += 0.5 * functional.cross_entropy(own.logits, labels["targets"])
    assert layers == pytest.approx(float(expected), rel=1e-5)
    assert predictions == pytest.approx(float(soft), abs=1e-5)


def scores_of(model: Any, states: torch.Tensor, layer: int) -> torch.Tensor:
    own = model.encoder.bert.encoder.layer[layer].attention.self
    query, key = (part(states).unflatten(-1, (2, -1)).transpose(1, 2) for part in (own.query, own.key))
    return query @ key.transpose(2, 3) / query.shape[-1] ** 0.5


@pytest.mark.parametrize(
    "task", ["ner", *(pytest.param(task, marks=pytest.mark.system) for task in ("ynat", "sts", "mrc"))]
)
def test_a_student_that_imitates_predicts_what_its_teacher_does(pair: Callable[[str], Any], task: str) -> None:
    """Of every head: decisions come together, the teacher stays as it is, and gets no gradient."""
    student, teacher, inputs, labels = pair(task)
    model = Distilled(student, teacher, Distil(layer_share=0.0), steps=40).train()
    assert not teacher.training
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=3e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = model.loss(inputs, labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.system
def test_the_teacher_is_fine_tuned_once_and_students_of_all_seeds_learn_from_it(
    tiny_bert: Path, small_bert: Path, tmp_path: Path
) -> None:
    config = config_of(tiny_bert, "ynat", "sts").model_copy(update={"export": ("ynat",)})
    folder = evaluate_model(str(small_bert), config, tmp_path, 42)
    results = read_json(folder / "scores.json")["results"]
    assert [len(entry["runs"]) for entry in results] == [2, 2]
    taught = sorted(path.parent.name for path in tmp_path.glob("klue_runs/*/weights.safetensors"))
    assert len(taught) == 2, "one for each task"
    for name in taught:
        settings = read_json(tmp_path / "klue_runs" / name / "manifest.json")["config"]["settings"]
        assert settings["learning_rate"] == RATE, "a teacher of the task's own rate may have learnt nothing"
    assert not set(taught) & {run for entry in results for run in entry["runs"]}
    exported = tmp_path / "klue_runs" / results[0]["runs"][0] / "model"
    assert read_json(exported / "config.json")["num_hidden_layers"] == 1
    assert str(tiny_bert) not in (folder / "manifest.json").read_text()
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    assert (
        evaluate_model(
            str(small_bert), config_of(copy, "ynat", "sts").model_copy(update={"export": ("ynat",)}), tmp_path, 42
        )
        == folder
    )
    alone = config_of(tiny_bert, "ynat", temperature=2.0)
    assert evaluate_model(str(small_bert), alone, tmp_path, 42) != folder
    assert len(list(tmp_path.glob("klue_runs/*/weights.safetensors"))) == 2, "the teacher's run is shared"


# --- what does not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "distil", "message"),
    [
        ({"num_attention_heads": 4}, {}, "has 4 attention heads, and the model 2; set layer_share: 0"),
        ({"max_position_embeddings": 64}, {}, "has 64 positions, and examples of ynat have up to 128 tokens"),
        ({"num_hidden_layers": 0}, {}, "has 0 layers, and the model 1"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    small_bert: Path, tokenizer: Any, tmp_path: Path, changes: dict[str, Any], distil: dict[str, Any], message: str
) -> None:
    teacher = save(tmp_path / "teacher", tokenizer, **changes)
    with pytest.raises(InputError, match=f"protocols.taught.distil.teacher: teacher: {message}"):
        evaluate_model(str(small_bert), config_of(teacher, "ynat", **distil), tmp_path / "artifacts", 42)


def test_a_teacher_with_another_vocabulary_or_the_model_itself_is_refused(
    small_bert: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    teacher = shutil.copytree(tiny_bert, tmp_path / "teacher")
    content = read_json(teacher / "tokenizer.json")
    vocabulary = content["model"]["vocab"]
    one, two = list(vocabulary)[-2:]
    vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]
    (teacher / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    assert AutoTokenizer.from_pretrained(teacher).get_vocab() != AutoTokenizer.from_pretrained(tiny_bert).get_vocab()
    with pytest.raises(InputError, match=r"another vocabulary: 2 of its [\d,]+ pieces"):
        evaluate_model(str(small_bert), config_of(teacher, "ynat"), tmp_path / "artifacts", 42)
    with pytest.raises(InputError, match=r"is the model itself\. Name another model"):
        evaluate_model(str(small_bert), config_of(small_bert, "ynat"), tmp_path / "artifacts", 42)
    with pytest.raises(InputError, match=r"protocols.taught.distil.teacher: nowhere: no such folder"):
        evaluate_model(str(small_bert), config_of("nowhere", "ynat"), tmp_path / "artifacts", 42)


def test_protocols_and_tasks_that_cannot_be_distilled_are_refused() -> None:
    with pytest.raises(RecipeError, match="distil is not offered for dp, wos"):
        config_of("x", "ynat", "dp", "wos")
    with pytest.raises(RecipeError, match="training probe freezes it"):
        EvaluationConfig.parse({"protocols": {"a": {"training": "probe", "distil": {"teacher": "x"}}}})
