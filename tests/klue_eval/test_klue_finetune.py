"""Tiny whole: a two-layer model learns the sample, with the same result each time. Other models are refused."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pairs import OBJECTIVE_OF, known_sizes

from klue_eval.config import task_settings
from klue_eval.data import SAMPLE, drawing_order, read_split
from klue_eval.encoders import accepted_inputs, load_config, load_model, load_tokenizer
from klue_eval.finetune import Outcome, Trial, finetune
from klue_eval.heads import TaskModel
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from klue_eval.values import Row
from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import put_cls_last
from kobert_pipeline.objectives import OBJECTIVES


def run(folder: Path, name: str, *, rows: int = 32, seed: int = 42, scorings: int = 0, **settings: Any) -> Outcome:
    task = TASKS[name]
    trial = Trial(task, task_settings(name, settings), "pretrained", seed, scorings, "32-true")
    return finetune(folder, trial, drawn(name, rows), drawn(name, rows))


def model_of(name: str, folder: Path, initialisation: str) -> TaskModel:
    task = TASKS[name]
    reader = Reader(load_tokenizer(folder, task.added_tokens), 64)
    return load_model(task, folder, initialisation, task.defaults, reader)


def drawn(name: str, rows: int) -> list[Row]:
    return drawing_order(read_split(name, SAMPLE, "train").rows)[:rows]


LEARNING: dict[str, dict[str, Any]] = {
    "dp": {"lstm_size": 64, "arc_size": 48, "type_size": 32, "pos_size": 16, "dropout": 0.0},
    "mrc": {"epochs": 60},
}
"""Settings that differ from 40 epochs over 32 rows with the official sizes of the head."""


SLOW = {"nli", "mrc", "sts", "dp"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.system if name in SLOW else ()) for name in TASKS if name != "wos"],
)
def test_a_tiny_model_memorises_the_sample_of_every_task(name: str, tiny_bert: Path) -> None:
    settings = {"learning_rate": 2e-3, "epochs": 40, "batch_size": 8, **LEARNING.get(name, {})}
    outcome = run(tiny_bert, name, **settings)
    assert is_memorised(name, outcome), outcome.curve[-1]


@pytest.mark.long
@pytest.mark.system
def test_a_tiny_model_memorises_the_dialogues_of_the_sample(talking_bert: Path) -> None:
    """All of them, with every turn right. One seed is enough to show that the path is right: some seeds end with a single
    wrong gate (two slots that attend to one position). A seed takes half a minute."""
    settings = {"learning_rate": 3e-3, "epochs": 200, "batch_size": 1, "weight_decay": 0.0, "teacher_forcing": 0.8}
    assert any(is_memorised("wos", run(talking_bert, "wos", seed=seed, **settings)) for seed in (43, 44, 42))


def is_memorised(name: str, outcome: Outcome) -> bool:
    """Whether every metric of the last checkpoint is at least 99 % of the official score of perfect predictions."""
    task, rows = TASKS[name], drawn(name, len(outcome.predictions))
    ceiling = task.metrics.official([task.gold(row) for row in rows], rows)
    reached = outcome.curve[-1]["metrics"]
    return all(reached[metric] >= 0.99 * ceiling[metric] for metric in task.metrics.names)


def test_a_seed_decides_the_predictions(tiny_bert: Path) -> None:
    first, again, other = (run(tiny_bert, "sts", epochs=2, seed=seed) for seed in (7, 7, 8))
    assert first.predictions == again.predictions
    assert first.predictions != other.predictions


def test_scoring_during_training_changes_only_the_curve(tiny_bert: Path) -> None:
    often, once = (run(tiny_bert, "sts", epochs=2, batch_size=8, scorings=scorings) for scorings in (4, 0))
    assert [point["step"] for point in often.curve] == list(range(1, 9))
    assert often.predictions == once.predictions


def test_added_tokens_get_embeddings_of_their_own(tiny_bert: Path, tokenizer: Any) -> None:
    model = model_of("re", tiny_bert, "pretrained")
    assert model.encoder.get_input_embeddings().num_embeddings == len(tokenizer) + 4
    assert model.encoder.config.num_labels == 30


def test_the_official_score_is_that_of_the_official_decoding(tiny_bert: Path) -> None:
    outcome = run(tiny_bert, "ner", rows=8, epochs=1)
    rows = drawn("ner", 8)
    assert outcome.official_predictions
    lengths = [len(prediction) for prediction in outcome.official_predictions]
    assert lengths == [len(row["characters"]) + 2 for row in rows]
    assert outcome.curve[-1]["metrics"] == TASKS["ner"].metrics.official(outcome.official_predictions, rows)


def test_a_random_initialisation_keeps_the_architecture_and_nothing_else(tiny_bert: Path) -> None:
    torch.manual_seed(1)
    untrained, trained = (model_of("ynat", tiny_bert, initialisation) for initialisation in ("random", "pretrained"))
    shapes = [{name: weight.shape for name, weight in model.state_dict().items()} for model in (untrained, trained)]
    assert shapes[0] == shapes[1]
    name = "encoder.bert.embeddings.word_embeddings.weight"
    assert not torch.equal(untrained.state_dict()[name], trained.state_dict()[name])


def test_a_run_that_diverges_is_scored_and_counted(tiny_bert: Path) -> None:
    outcome = run(tiny_bert, "sts", learning_rate=1e30, epochs=2, batch_size=8)
    assert outcome.not_finite == 32
    assert outcome.curve[-1]["metrics"]["pearson"] == 0.0


def test_a_modernbert_is_fine_tuned_without_segments(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    ModernBertForMaskedLM(ModernBertConfig(vocab_size=len(tokenizer), **sizes, **ids)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = model_of("nli", tmp_path, "pretrained")
    assert accepted_inputs(model.encoder, ["input_ids", "token_type_ids"]) == ["input_ids"]
    assert len(run(tmp_path, "nli", rows=8, epochs=1).predictions) == 8
    assert len(run(tmp_path, "wos", rows=1, epochs=1).predictions) == 1


def test_rows_longer_than_the_positions_are_truncated_not_fatal(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=12, **sizes)
    BertForMaskedLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    outcome = run(tmp_path, "nli", rows=8, epochs=1)
    assert outcome.truncated["train"] == outcome.truncated["scored"] > 0


def test_a_model_without_a_tokenizer_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny_bert / name, tmp_path / name)
    with pytest.raises(InputError, match="no tokenizer next to the model"):
        load_tokenizer(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a Hugging Face model"):
        load_config(tmp_path)


# --- every encoder that the pipeline trains, as it is exported ---------------------------------------------------------

ENCODERS = [name for name, row in ARCHITECTURES.items() if not (row.causal or row.writes_targets)]
SIZES = {"layers": 2, "hidden": 64, "heads": 2, "feed_forward": 128, "positions": 192, "dropout": 0.0}
BY_HEART = {"modernbert": "re", "albert": "ynat", "deberta": "ner", "electra": "ynat", "xlnet": "mrc"}
"""A task for each encoder; a BERT learns every task by heart above."""


@pytest.fixture(scope="module")
def exported(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an architecture, untrained, as a run of its first objective exports it."""

    def export(name: str) -> Path:
        row, objective = ARCHITECTURES[name], OBJECTIVES[OBJECTIVE_OF[name]]
        spec = ModelSpec(len(tokenizer), 0, 2, 3, 192, "eager")
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp("exported")
        module = row.build(row.sizes.parse(known_sizes(name, SIZES)), spec, objective.heads(objective.options()))
        with torch.no_grad():  # as in `tiny_bert`: wider at the start learns sooner
            for weight in module.parameters():
                weight.mul_(5.0 if weight.ndim > 1 else 1.0)
        row.export({"student": module}, folder)
        own = copy.deepcopy(tokenizer)
        if row.cls_last:
            put_cls_last(own)
        own.save_pretrained(folder / "model")
        return folder / "model"

    return export


@pytest.mark.system
@pytest.mark.parametrize("architecture", ENCODERS)
def test_all_eight_tasks_run_on_what_is_exported(architecture: str, exported: Callable[[str], Path]) -> None:
    folder = exported(architecture)
    for name, task in TASKS.items():
        outcome = run(folder, name, rows=2, epochs=1, batch_size=2)
        assert len(outcome.predictions) == 2
        assert set(outcome.curve[-1]["metrics"]) == set(task.metrics.names)


@pytest.mark.system
@pytest.mark.parametrize(("architecture", "name"), BY_HEART.items())
def test_every_encoder_learns_rows_by_heart(architecture: str, name: str, exported: Callable[[str], Path]) -> None:
    settings = {"learning_rate": 2e-3, "epochs": 40, "batch_size": 8, **LEARNING.get(name, {})}
    outcome = run(exported(architecture), name, **settings)
    assert is_memorised(name, outcome), outcome.curve[-1]
