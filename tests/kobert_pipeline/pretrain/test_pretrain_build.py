from __future__ import annotations

import csv
import dataclasses
import shutil
import signal
from collections import defaultdict

import numpy as np
import pytest
import torch
from tiny_training import train

from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training.checkpoints import checkpoints


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    return train(tmp_path_factory.mktemp("pretrain"), tiny)


def test_training_lowers_the_validation_loss_and_writes_the_curve(trained):
    summary = read_manifest(trained).summary
    assert [entry["step"] for entry in summary["validation"]] == [0, 10, 20, 30]
    assert summary["validation"][-1]["mlm"] < summary["validation"][0]["mlm"]
    rows = list(csv.DictReader((trained / "losses.csv").open()))
    assert [int(row["step"]) for row in rows] == [5, 10, 15, 20, 25, 30]
    assert {"tokens", "learning_rate", "mlm", "nsp", "mlm_accuracy", "nsp_accuracy"} <= set(rows[0])


def test_the_exported_folder_loads_with_plain_transformers(trained):
    from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForPreTraining

    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    given = tokenizer("봄이 오면 [MASK]가 핀다.", "바다는 푸르다.", return_tensors="pt")
    assert set(given["token_type_ids"].flatten().tolist()) == {0, 1}
    for loader in (AutoModelForMaskedLM, BertForPreTraining):
        model, report = loader.from_pretrained(trained / "model", output_loading_info=True)
        assert not report["missing_keys"]
        assert model.config.vocab_size == len(tokenizer)
        with torch.no_grad():
            model(**given)
    assert tokenizer.model_max_length == 48, "the longest phase, not the positions"


def test_modernbert_is_exported_without_segment_numbers(tiny, tmp_path):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    sizes = {"name": "modernbert", "layers": 1, "hidden": 32, "heads": 2, "feed_forward": 32, "positions": 64}
    folder = train(tmp_path, tiny, objective={"name": "mlm"}, architecture=sizes, max_steps=3) / "model"
    given = AutoTokenizer.from_pretrained(folder)("봄이 오면 꽃이 핀다.", return_tensors="pt")
    assert set(given) == {"input_ids", "attention_mask"}
    assert AutoModelForMaskedLM.from_pretrained(folder)(**given).logits.shape[-1] == 992


def test_two_runs_end_with_the_same_bytes(trained, tiny, tmp_path):
    again = train(tmp_path, tiny)
    assert (again / "manifest.json").read_bytes() == (trained / "manifest.json").read_bytes()


@pytest.mark.parametrize("cut_after", [1, 10, 15, 17])
def test_a_run_that_was_cut_off_ends_with_the_bytes_of_one_that_was_not(
    trained, tiny, tmp_path, monkeypatch, cut_after
):
    """With dropout on: the random state, the cursor and the curve come back with the weights. Step 10 is validated and
    closes a row of the curve, 15 closes a row, 17 stands in the middle of one."""
    real, steps = PretrainModule.training_step, []

    def interrupted(self, drawn, batch_idx):
        if len(steps) == cut_after:
            raise RuntimeError("power cut")
        steps.append(batch_idx)
        return real(self, drawn, batch_idx)

    monkeypatch.setattr(PretrainModule, "training_step", interrupted)
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path, tiny, checkpoint_minutes=1e-9)
    monkeypatch.setattr(PretrainModule, "training_step", real)
    torch.manual_seed(999)
    resumed = train(tmp_path, tiny)
    assert (resumed / "losses.csv").read_bytes() == (trained / "losses.csv").read_bytes()
    assert (resumed / "manifest.json").read_bytes() == (trained / "manifest.json").read_bytes()


def test_two_epochs_of_the_same_sentence_differ_in_the_batches_the_trainer_saw(tiny, tmp_path, monkeypatch):
    """Of some twenty pieces, the same are hidden twice once in a thousand times."""
    real, rows = PretrainModule.training_step, defaultdict(list)

    def noted(self, drawn, batch_idx):
        batch, cursor = drawn
        original = torch.where(batch["labels"] != IGNORE_INDEX, batch["labels"], batch["input_ids"])
        pairs = zip(original.short().numpy(), batch["input_ids"].short().numpy(), strict=True)
        rows[cursor["epoch"]] += [(one.tobytes(), two.tobytes()) for one, two in pairs]
        return real(self, drawn, batch_idx)

    monkeypatch.setattr(PretrainModule, "training_step", noted)
    train(tmp_path, tiny)
    store = Store(tiny.dataset)
    block = store.read(store.blocks(TRAIN)[0])
    sentences = [one.tobytes() for one in np.split(block.tokens, block.sentence_offsets[1:-1]) if len(one) > 11]

    def shown(epoch, sentence):
        places = [(original.find(sentence), row) for original, row in rows[epoch]]
        return {row[at : at + len(sentence)] for at, row in places if at >= 0 and at % 2 == 0}

    found = [(shown(0, sentence), shown(1, sentence)) for sentence in sentences]
    met_twice = [(first, second) for first, second in found if first and second]
    assert len(met_twice) > 20
    assert sum(bool(first & second) for first, second in met_twice) <= 0.05 * len(met_twice)


def test_packed_rows_train_resume_and_say_how_full_they_are(tiny, tmp_path):
    phases = [{"max_length": 48, "batch_size": 4, "row_length": 144}]
    folder = train(tmp_path, tiny, phases=phases, objective={"name": "mlm_nsp"})
    summary = read_manifest(folder).summary
    assert summary["validation"][-1]["mlm"] < summary["validation"][0]["mlm"]
    (efficiency,) = summary["packing"]
    assert 0.9 < efficiency <= 1


@pytest.mark.system
def test_a_run_whose_batches_come_from_workers_ends_with_the_same_bytes(trained, tiny, tmp_path):
    by_workers = train(tmp_path, tiny, workers=2)
    assert (by_workers / "manifest.json").read_bytes() == (trained / "manifest.json").read_bytes()
    assert (by_workers / "losses.csv").read_bytes() == (trained / "losses.csv").read_bytes()


def test_checkpoints_are_read_without_unpickling_code(trained):
    state = torch.load(checkpoints(trained / "run" / "checkpoints")[-1], weights_only=True)
    assert state["global_step"] == 30
    assert state["kobert"]["cursor"]["batch"] == 30


def test_a_store_built_with_another_tokenizer_is_refused_by_name(tiny, tmp_path):
    other = tmp_path / "tokenizer"
    shutil.copytree(tiny.tokenizer, other)
    manifest = (other / "manifest.json").read_text(encoding="utf-8")
    fingerprint = read_manifest(tiny.tokenizer).fingerprint
    (other / "manifest.json").write_text(manifest.replace(fingerprint, "f" * 64), encoding="utf-8")
    with pytest.raises(ArtifactMismatch, match=f"built with tokenizer {fingerprint[:16]}, but .* is ffffffff"):
        train(tmp_path / "root", dataclasses.replace(tiny, tokenizer=other))


def test_ctrl_c_reaches_the_command_line(tiny, tmp_path, monkeypatch):
    def pressed(self, drawn, batch_idx):
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(PretrainModule, "training_step", pressed)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, tiny)
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning lets nobody press it twice
