"""Frozen encoders: their weights do not change, every head works with them, and it can memorise the sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from klue_eval import encoded_once, frozen_states
from klue_eval.batches import batch_of, encode_rows
from klue_eval.config import Protocol, task_settings
from klue_eval.data import SAMPLE, drawing_order, read_split
from klue_eval.encoders import accepted_inputs, load_model, load_tokenizer
from klue_eval.finetune import Trial, finetune
from klue_eval.frozen_states import with_states
from klue_eval.heads import HEADS, TaskModel
from klue_eval.heads.frozen import FeatureEncoder, FrozenEncoder
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import RecipeError

SMALL = {"dp": {"lstm_size": 16, "arc_size": 8, "type_size": 8, "pos_size": 4}}


def model_and_batch(name: str, folder: Path, training: str) -> tuple[TaskModel, Any]:
    task, settings = TASKS[name], task_settings(name, SMALL.get(name, {}))
    reader = Reader(load_tokenizer(folder, task.added_tokens), 96)
    model = load_model(task, folder, "pretrained", settings, reader, training=training)
    encoded = encode_rows(task, read_split(name, SAMPLE, "dev").rows[:2], reader, settings)
    known = accepted_inputs(model.encoder, ("input_ids", "token_type_ids"))
    assert known == ["input_ids", "token_type_ids"]
    return model, batch_of(encoded, np.arange(2), HEADS[task.head].collate)


@pytest.mark.parametrize("training", ["features", "probe"])
@pytest.mark.parametrize("name", TASKS)
def test_every_head_learns_on_a_frozen_encoder_and_the_encoder_does_not(
    name: str, training: str, tiny_bert: Path
) -> None:
    model, batch = model_and_batch(name, tiny_bert, training)
    model.loss(**batch).backward()
    body = {id(parameter) for parameter in model.encoder.body.parameters()}
    learned = [parameter for parameter in model.parameters() if id(parameter) not in body]
    assert all(parameter.grad is None for parameter in model.encoder.body.parameters())
    assert sum(parameter.grad is not None for parameter in learned) >= 2
    with torch.no_grad():
        assert len(model.eval().predict(**batch)) == 2


def test_a_frozen_encoder_never_drops_anything(tiny_bert: Path) -> None:
    model, _ = model_and_batch("ner", tiny_bert, "probe")
    model.train()
    assert model.training
    assert not any(part.training for part in model.encoder.body.modules())


def test_a_probe_is_linear_on_the_mean_of_an_examples_tokens(tiny_bert: Path) -> None:
    model, batch = model_and_batch("ynat", tiny_bert, "probe")
    body, inputs = model.encoder.body, batch["inputs"]
    states, mask = body(**inputs).last_hidden_state, inputs["attention_mask"].bool()
    means = torch.stack([row[inside].mean(0) for row, inside in zip(states, mask, strict=True)])
    assert torch.allclose(model.encoder(**inputs).logits, model.encoder.classifier(means), atol=1e-5)


def test_features_are_the_last_four_layers_concatenated() -> None:
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}
    torch.manual_seed(0)
    body = BertModel(BertConfig(num_hidden_layers=6, **sizes)).eval()
    encoder = FeatureEncoder(body)
    assert encoder.reader.input_size == 4 * 8
    seen: list[torch.Tensor] = []
    encoder.reader.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].data))
    inputs = {"input_ids": torch.tensor([[1, 2, 3]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    assert encoder.eval()(**inputs).last_hidden_state.shape == (1, 3, 8)
    layers = body(**inputs, output_hidden_states=True).hidden_states
    assert torch.allclose(seen[0], torch.cat(layers[-4:], dim=-1)[0])
    assert FeatureEncoder(BertModel(BertConfig(num_hidden_layers=2, **sizes))).layers == 2
    assert torch.equal(FrozenEncoder(body)(**inputs).last_hidden_state, layers[-1])


def test_a_modernbert_has_features_too() -> None:
    from transformers import ModernBertConfig, ModernBertModel

    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    sizes = {"hidden_size": 8, "num_hidden_layers": 5, "num_attention_heads": 2, "intermediate_size": 8}
    encoder = FeatureEncoder(ModernBertModel(ModernBertConfig(vocab_size=9, **sizes, **ids)))
    inputs = {"input_ids": torch.tensor([[2, 4, 3]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    assert encoder.reader.input_size == 4 * 8
    assert encoder.eval()(**inputs).last_hidden_state.shape == (1, 3, 8)


def test_features_of_a_tiny_model_are_enough_to_memorise(tiny_bert: Path) -> None:
    rows = drawing_order(read_split("nli", SAMPLE, "train").rows)[:8]
    settings = task_settings("nli", {"learning_rate": 1e-2, "epochs": 25, "batch_size": 8})
    trial = Trial(TASKS["nli"], settings, "pretrained", 42, 0, "32-true", training="features")
    assert finetune(tiny_bert, trial, rows, rows).curve[-1]["metrics"] == {"accuracy": 100.0}


# --- early stopping ---------------------------------------------------------------------------------------------------


def test_a_run_ends_when_the_scores_of_other_rows_do_not_improve(tiny_bert: Path) -> None:
    rows = drawing_order(read_split("sts", SAMPLE, "train").rows)
    settings = task_settings("sts", {"learning_rate": 1e-12, "epochs": 3, "batch_size": 4})
    patient = Trial(TASKS["sts"], settings, "pretrained", 42, 2, "32-true", patience=2)
    outcome = finetune(tiny_bert, patient, rows[:8], rows[8:12], rows[12:16])
    assert [point["step"] for point in outcome.curve] == [1, 2, 3]
    assert outcome.steps == 3
    assert len(outcome.predictions) == 4
    whole = Trial(TASKS["sts"], settings, "pretrained", 42, 2, "32-true")
    assert finetune(tiny_bert, whole, rows[:8], rows[8:12]).steps == 6


def test_stopping_is_decided_on_other_rows() -> None:
    with pytest.raises(RecipeError, match="patience needs selection_rows, train_rows and evaluations_per_epoch"):
        Protocol.parse({"patience": 2, "train_rows": 100})
    assert Protocol.parse({"patience": 2, "train_rows": 100, "selection_rows": 50}).other_rows == 50
    assert Protocol.parse({"selection_rows": 50}).other_rows == 0


# --- what is done once ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", ["features", "probe"])
@pytest.mark.parametrize("name", ["ynat", "ner", "dp"])
def test_a_batch_with_kept_states_is_read_as_by_the_encoder(name: str, training: str, tiny_bert: Path) -> None:
    task, settings = TASKS[name], task_settings(name, SMALL.get(name, {}))
    reader = Reader(load_tokenizer(tiny_bert, task.added_tokens), 96)
    model = load_model(task, tiny_bert, "pretrained", settings, reader, training=training).eval()
    plain = encode_rows(task, read_split(name, SAMPLE, "dev").rows, reader, settings)
    kept = with_states(model, plain, "32-true")
    assert kept.states is not None
    assert len(kept.states) == plain.offsets[-1]
    assert with_states(model, plain, "32-true").states is kept.states
    numbers = np.array([3, 0, 5])
    with torch.no_grad():
        losses = [model.loss(**batch_of(part, numbers, HEADS[task.head].collate)).item() for part in (plain, kept)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def run_of(folder: Path, seed: int, training: str = "probe", initialisation: str = "pretrained") -> list[Any]:
    task, rows = TASKS["ynat"], drawing_order(read_split("ynat", SAMPLE, "train").rows)
    settings = task.defaults.model_copy(update={"epochs": 3, "learning_rate": 1e-2})
    trial = Trial(task, settings, initialisation, seed, 1, "32-true", training)
    return finetune(folder, trial, rows[:16], rows[16:24]).curve


def test_the_encoder_reads_rows_once_for_all_epochs_and_seeds_and_each_seed_is_what_it_is_alone(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen_states._KEPT.clear()
    read: list[int] = []
    real = FrozenEncoder.states
    monkeypatch.setattr(FrozenEncoder, "states", lambda self, inputs: (read.append(1), real(self, inputs))[1])
    together = [run_of(tiny_bert, seed) for seed in (1, 2)]
    assert len(read) == 2, "the rows trained on, and those scored"
    frozen_states._KEPT.clear()
    assert run_of(tiny_bert, 2) == together[1]
    read.clear()
    run_of(tiny_bert, 2, initialisation="random")
    assert len(read) == 2, "other weights are read anew"
    frozen_states._KEPT.clear()
    monkeypatch.setattr(frozen_states, "LIMIT", 1000)
    read.clear()
    run_of(tiny_bert, 1)
    assert len(read) == 3 + 3, "three epochs and three scorings, batch by batch"
    assert not frozen_states._KEPT


def test_rows_are_cut_into_tokens_once_for_all_seeds_and_rates(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded_once._KEPT.clear()
    cut: list[int] = []
    real = encoded_once.encode_rows
    monkeypatch.setattr(
        encoded_once, "encode_rows", lambda task, rows, *rest: (cut.append(len(rows)), real(task, rows, *rest))[1]
    )
    task, rows = TASKS["nli"], read_split("nli", SAMPLE, "train").rows
    for seed, rate, length in ((1, 1e-3, 64), (2, 1e-3, 64), (2, 1e-2, 64), (2, 1e-2, 32)):
        settings = task.defaults.model_copy(update={"epochs": 1, "learning_rate": rate, "max_length": length})
        finetune(tiny_bert, Trial(task, settings, "pretrained", seed, 1, "32-true"), rows[:8], rows[8:12])
    assert [count for count in cut if count] == [8, 4, 8, 4], "again with another length alone"
