"""One function says in which precision a machine trains. The machines are described by what torch reports of them."""

from __future__ import annotations

import platform
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from klue_eval.finetune import choose_precision
from kobert_pipeline.commands.doctor import examine
from kobert_pipeline.training.environment import CPU_INFO
from kobert_pipeline.training.precision import computes_bf16, fastest, warn_if_emulated

GPU_GENERATIONS = {"V100": 7, "T4": 7, "RTX 2080": 7, "A100": 8, "RTX 4090": 8, "H100": 9, "B200": 10}
"""The major number of their compute capability. Ampere, 8, is the first with bfloat16 (CUDA C++ Programming Guide, 5.4)."""


def processor(monkeypatch: pytest.MonkeyPatch, machine: str = "x86_64", **has: bool) -> None:
    """A machine without a GPU whose processor has these instructions."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: has.get("mps", False))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has.get("avx512_bf16", False))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has.get("amx", False))
    arm = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: has.get("arm_bf16", False))
    monkeypatch.setattr(torch.ops, "mkldnn", arm)


def graphics(monkeypatch: pytest.MonkeyPatch, major: int) -> None:
    """A machine with a GPU of this generation. Every one of them takes bfloat16 tensors: the older ones emulate."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "a GPU")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(major=major))
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ({}, "fp32"),
        ({"avx512_bf16": True}, "bf16"),
        ({"amx": True}, "bf16"),
        ({"arm_bf16": True}, "fp32"),
        ({"machine": "aarch64", "arm_bf16": True}, "bf16"),
        ({"machine": "aarch64"}, "fp32"),
        ({"machine": "arm64", "mps": True, "arm_bf16": True}, "fp32"),
    ],
    ids=str,
)
def test_a_processor_trains_in_what_it_has_instructions_for(
    machine: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, **machine)
    assert fastest() == expected


@pytest.mark.parametrize("name", GPU_GENERATIONS)
def test_a_gpu_that_emulates_bfloat16_trains_in_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And never in fp16 unless that is asked for: its range is smaller than that of what trains well in the other two."""
    graphics(monkeypatch, GPU_GENERATIONS[name])
    assert fastest() == ("bf16" if GPU_GENERATIONS[name] >= 8 else "fp32")


@pytest.mark.parametrize(
    ("has", "lightning", "said"), [(True, "bf16-mixed", "computes bf16"), (False, "32-true", "fp32")]
)
def test_fine_tuning_and_doctor_say_the_same(
    has: bool, lightning: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, avx512_bf16=has)
    assert choose_precision("auto") == lightning
    assert choose_precision("32-true") == "32-true"
    assert choose_precision("bf16-mixed") == "bf16-mixed"
    (line,) = (line for line in examine()[0] if "bf16" in line)
    assert said in line


@pytest.mark.parametrize(
    ("wanted", "has", "warned"),
    [("bf16", False, True), ("bf16-mixed", False, True), ("bf16-mixed", True, False), ("32-true", False, False)],
)
def test_emulation_is_said_by_either_name(
    wanted: str, has: bool, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processor(monkeypatch, avx512_bf16=has)
    warn_if_emulated(wanted, "klue_eval.precision")
    assert ("klue_eval.precision: this machine has no instructions for bf16" in caplog.text) == warned


def test_the_real_processor_is_asked() -> None:
    """What Linux says of the processor is what torch says of it."""
    if not CPU_INFO.is_file() or platform.machine() != "x86_64" or torch.cuda.is_available():
        pytest.skip("needs an x86 processor under Linux, and no GPU")
    flags = set(CPU_INFO.read_text(encoding="utf-8", errors="replace").split())
    assert computes_bf16() == bool(flags & {"avx512_bf16", "amx_tile"})
