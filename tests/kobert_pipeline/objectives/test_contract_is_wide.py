"""The contract holds more than BERT: see `throw_away`. Everything that training does with an objective is tried with it."""

from __future__ import annotations

import io

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from throw_away import OBJECTIVE, list_it
from tiny_training import config_of, train

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.pretrain import batch_view
from kobert_pipeline.pretrain.models import build_models
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.training.checkpoints import best_checkpoint

pytestmark = pytest.mark.system  # a dozen runs of training

SETTINGS = {
    "objective": {"name": "throw_away", "mlm_probability": 0.3},
    "architecture": {"name": "bert", "layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64},
    "phases": [{"max_length": 32, "batch_size": 8}],
    "max_steps": 24, "validation_steps": 8, "log_steps": 4, "learning_rate": 5e-3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _listed(monkeypatch):
    list_it(monkeypatch)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        list_it(patch)
        return train(tmp_path_factory.mktemp("whole"), tiny, **SETTINGS)


def test_it_is_trained_and_measured_by_all_its_terms(whole):
    first, *_, last = read_manifest(whole).summary["validation"]
    assert {"generator", "detection", "mlm", "denoising", "detection_accuracy"} <= set(last)
    assert all(last[name] < first[name] for name in ("generator", "mlm", "denoising"))


def test_the_summary_says_what_pages_and_cards_show(whole):
    summary = read_manifest(whole).summary
    assert (summary["headline"], summary["chance"], summary["use"]) == (
        "detection",
        {"name": "a coin", "value": 0.6931},
        "fill_mask",
    )
    assert [figure["name"] for figure in summary["figures"]][:2] == ["detection", "detection_accuracy"]
    assert summary["measures"] == {}, "pseudo-perplexity belongs to masked objectives"


def test_the_best_checkpoint_is_that_of_the_headline(whole):
    rows = read_manifest(whole).summary["validation"]
    best = min(rows[1:], key=lambda row: row["detection"])
    kept = best_checkpoint(whole / "run" / "checkpoints")
    if best["detection"] < rows[0]["detection"]:
        assert kept is not None
        assert kept.name == f"best-{best['step']:08d}.ckpt"
    else:
        assert kept is None or kept.name == "best-00000000.ckpt"


def test_each_trained_model_is_exported_and_no_part_of_the_objective(whole):
    student, generator = (load_file(whole / name / "model.safetensors") for name in ("model", "generator"))
    assert any(".layer.1." in name for name in student)
    assert not any(".layer.1." in name for name in generator), "the generator has one layer"
    assert not any("detector" in name or "decoder.layers" in name for name in [*student, *generator])
    table = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(student[table], generator[table]), "embeddings are shared"
    assert (whole / "generator" / "tokenizer.json").is_file()


def test_a_run_that_was_cut_off_draws_the_samples_inside_the_loss_of_one_that_was_not(
    whole, tiny, tmp_path, monkeypatch
):
    real = PretrainModule.training_step

    def interrupted(self, drawn, batch_idx):
        if self.global_step == 13:
            raise RuntimeError("power cut")
        return real(self, drawn, batch_idx)

    monkeypatch.setattr(PretrainModule, "training_step", interrupted)
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path, tiny, **(SETTINGS | {"checkpoint_minutes": 1e-9}))
    monkeypatch.setattr(PretrainModule, "training_step", real)
    resumed = train(tmp_path, tiny, **SETTINGS)
    assert (resumed / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"gradient_checkpointing": True},
        {"optimizer": "muon"},
        {"phases": [{"max_length": 24, "batch_size": 4, "row_length": 64}]},
    ],
    ids=["gradient checkpointing", "muon", "packed"],
)
def test_what_training_offers_works_for_every_model_of_the_run(tiny, tmp_path, changes):
    folder = train(tmp_path, tiny, **(SETTINGS | {"max_steps": 2} | changes))
    assert read_manifest(folder).summary["steps"] == 2


def test_a_batch_can_be_looked_at(tiny):
    out = io.StringIO()
    page = batch_view.view(config_of(SETTINGS), tiny.tokenizer, tiny.dataset, seed=7, rows=2, batches=2)
    Console(file=out, width=160).print(page)
    assert out.getvalue().count("decoder reads: [SEP]") == 2


def test_a_frozen_teacher_is_read_and_neither_trained_nor_stored_nor_exported(whole, tiny):
    config = config_of(SETTINGS | {"objective": SETTINGS["objective"] | {"teacher": str(whole / "model")}})
    info = tokenizer_info(tiny.tokenizer)
    models = build_models(config, info, {"teacher": whole / "model"}, info.vocab_size)
    assert not any("teacher" in name for name in models.state_dict())
    assert not any(parameter.requires_grad for parameter in models["teacher"].parameters())
    models.train()
    assert not models["teacher"].training
    weights = load_file(whole / "model" / "model.safetensors")
    assert torch.equal(
        models["teacher"].transformer.state_dict()["cls.predictions.bias"], weights["cls.predictions.bias"]
    )
    assert models.double()["teacher"].transformer.cls.predictions.bias.dtype is torch.float64, (
        "it moves with the others"
    )


def test_what_the_objective_reads_besides_the_store_is_part_of_the_fingerprint(whole, tmp_path):
    from kobert_pipeline.ground.files import FileHashes

    options = OBJECTIVE.options(teacher=str(whole / "model"))
    known = OBJECTIVE.inputs.identity(options, FileHashes(tmp_path))
    assert set(known) == {"teacher config.json", "teacher model.safetensors"}
    assert OBJECTIVE.inputs.folders(options, known, tmp_path) == {"teacher": whole / "model"}
    with pytest.raises(InputError, match="no such folder"):
        OBJECTIVE.inputs.identity(OBJECTIVE.options(teacher="nowhere"), FileHashes(tmp_path))


def test_options_may_change_between_phases_where_the_objective_says_so(tiny):
    phases = [
        {"max_length": 24, "batch_size": 4, "share": 0.5},
        {"max_length": 32, "batch_size": 4, "share": 0.5, "objective": {"mlm_probability": 0.1}},
    ]
    config = config_of(SETTINGS | {"phases": phases})
    assert [config.options_in(number).mlm_probability for number in (0, 1)] == [0.3, 0.1]
    phases[1]["objective"] = {"generator_layers": 2}
    with pytest.raises(RecipeError, match=r"phases\[1\]\.objective\.generator_layers: cannot change between phases"):
        config_of(SETTINGS | {"phases": phases})


def test_it_is_not_paired_with_an_architecture_that_lacks_its_heads(monkeypatch):
    from dataclasses import replace

    from kobert_pipeline.architectures import ARCHITECTURES
    from kobert_pipeline.pretrain import config as settings

    bare = replace(ARCHITECTURES["bert"], heads={})
    monkeypatch.setattr(settings, "ARCHITECTURES", {**ARCHITECTURES, "bert": bare})
    with pytest.raises(RecipeError, match="needs the head 'tokens', which architecture 'bert' does not provide"):
        config_of(SETTINGS)
