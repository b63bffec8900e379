"""`precision: auto`: a run computes in what its machine has instructions for, says so, and keeps it to its end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import config_of, train

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.pretrain.estimate import estimate
from kobert_pipeline.pretrain.machine import require_machine, settled
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training import precision

SHORT = {"max_steps": 12, "validation_steps": 6, "log_steps": 3, "measured_sentences": 0, "checkpoint_minutes": 1e-9}
EMULATES = "has no instructions for bf16"


def machine(monkeypatch: pytest.MonkeyPatch, has_bf16: bool) -> None:
    monkeypatch.setattr(precision, "computes_bf16", lambda: has_bf16)


@pytest.fixture(scope="module")
def named(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Curves of runs whose recipe names the precision."""
    return {
        name: (train(tmp_path_factory.mktemp(name), tiny, precision=name, **SHORT) / "losses.csv").read_bytes()
        for name in ("bf16", "fp32")
    }


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_run_computes_in_what_the_machine_has_and_says_so(
    has_bf16: bool, expected: str, named: dict[str, bytes], tiny: Any, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    machine(monkeypatch, has_bf16)
    with caplog.at_level(logging.INFO):
        folder = train(tmp_path, tiny, precision="auto", **SHORT)
    assert (folder / "losses.csv").read_bytes() == named[expected]
    assert PretrainedRun(folder).summary.precision == expected
    assert read_manifest(folder).config["precision"] == "auto"
    assert f"matrix products in {expected}" in caplog.text
    assert EMULATES not in caplog.text


def test_the_two_precisions_give_different_losses(named: dict[str, bytes]) -> None:
    assert named["bf16"] != named["fp32"]


@pytest.mark.parametrize("began", ["bf16", "fp32"])
def test_a_run_that_goes_on_elsewhere_keeps_its_precision_to_the_last_bit(
    began: str, named: dict[str, bytes], tiny: Any, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    real = PretrainModule.training_step

    def interrupted(self: Any, drawn: Any, batch_idx: int) -> None:
        if self.global_step == 7:
            raise RuntimeError("power cut")
        real(self, drawn, batch_idx)

    machine(monkeypatch, began == "bf16")
    with monkeypatch.context() as patch:
        patch.setattr(PretrainModule, "training_step", interrupted)
        with pytest.raises(RuntimeError, match="power cut"):
            train(tmp_path, tiny, precision="auto", **SHORT)
    machine(monkeypatch, began != "bf16")
    with caplog.at_level(logging.INFO):
        folder = train(tmp_path, tiny, precision="auto", **SHORT)
    assert "resumes from step-00000007.ckpt" in caplog.text
    assert f"goes on in {began}, in which it began" in caplog.text
    assert (EMULATES in caplog.text) == (began == "bf16"), "the new machine emulates what the run began in"
    assert (folder / "losses.csv").read_bytes() == named[began]
    assert PretrainedRun(folder).summary.precision == began


@pytest.mark.parametrize(("wanted", "has_bf16", "warned"), [("bf16", False, 1), ("bf16", True, 0), ("fp32", False, 0)])
def test_a_named_precision_is_kept_and_emulation_costs_one_warning(
    wanted: str, has_bf16: bool, warned: int, monkeypatch: Any, caplog: Any
) -> None:
    machine(monkeypatch, has_bf16)
    config = config_of({"precision": wanted})
    assert settled(config) == config
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [message.startswith(f"pretrain.precision: this machine {EMULATES}") for message in warnings] == [
        True
    ] * warned


def test_a_plan_is_measured_in_the_precision_of_this_machine(tiny: Any, monkeypatch: Any) -> None:
    machine(monkeypatch, True)
    changes = {"max_steps": 3, "precision": "auto", "measured_sentences": 0}
    assert estimate(config_of(changes), tiny.tokenizer, tiny.dataset, seed=1).precision == "bf16"


def test_the_setting_decides_the_fingerprint_and_not_the_machine(monkeypatch: Any) -> None:
    contents = {name: config_of({"precision": name}).content() for name in ("auto", "bf16", "fp32")}
    assert {name: content["precision"] for name, content in contents.items()} == {name: name for name in contents}
    machine(monkeypatch, True)
    before = config_of({"precision": "auto"}).content()
    machine(monkeypatch, False)
    assert config_of({"precision": "auto"}).content() == before


VARLEN = {"attention": "varlen", "architecture": {"name": "bert", "size": "mini", "dropout": 0.0}, "precision": "auto"}


@pytest.mark.parametrize(("began", "refused"), [("fp32", True), ("bf16", False), (None, False)])
def test_varlen_is_refused_where_the_precision_is_known(began: str | None, refused: bool, monkeypatch: Any) -> None:
    """A run that a CPU began in fp32 cannot go on with FlashAttention. On a CPU varlen is a mask, in any precision."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    machine(monkeypatch, True)
    config = config_of(VARLEN)
    require_machine(config)
    if refused:
        with pytest.raises(InputError, match="varlen does not support fp32 on a GPU, and this run began in fp32"):
            settled(config, began)
    else:
        assert settled(config, began).precision == "bf16"
