"""Tokens a second, useful share, MFU: what is counted; never how fast this machine is."""

from __future__ import annotations

import csv
import math
from types import SimpleNamespace

import pytest
import torch

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.pretrain import throughput as throughput_module
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.loggers import loggers
from kobert_pipeline.pretrain.throughput import Cost, SpeedLog, Throughput, matmul_peak
from kobert_pipeline.pretrain.watch import note

H, F, V = 16, 64, 100


def model(name: str, **sizes: int) -> torch.nn.Module:
    architecture = ARCHITECTURES[name]
    shape = {"layers": 4, "hidden": H, "heads": 2, "feed_forward": F, "positions": 64} | sizes
    return architecture.build(architecture.sizes(**shape), ModelSpec(V, 0, 2, 3, 64), architecture.heads)


def test_the_weights_of_bert_are_those_a_piece_meets():
    cost = Cost.of(model("bert"))
    assert cost.encoder == 4 * (4 * H * H + 2 * H * F)
    assert cost.head == H * H + H * V
    assert cost.windows == (math.inf,) * 4


def test_local_layers_of_modernbert_cost_their_window():
    cost = Cost.of(model("modernbert", local_attention=8))
    assert cost.encoder == 4 * (4 * H * H + 3 * H * F)
    assert cost.head == H * H + H * V
    assert cost.windows == (math.inf, 8, 8, math.inf)


def batch() -> dict[str, torch.Tensor]:
    """Rows of 6 and 2 pieces, padded to 6; two pieces are masked."""
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    labels = torch.full((2, 6), -100)
    labels[0, 1] = labels[1, 1] = 7
    return {"attention_mask": mask, "labels": labels}


def test_padding_costs_nothing():
    cost = Cost(encoder=1_000, head=100, hidden=H, windows=(math.inf, 4.0))
    attended = (6 * 6 + 2 * 2) + (6 * 4 + 2 * 2)
    assert float(cost.flops(batch())) == 6 * (1_000 * 8 + 100 * 2) + 12 * H * attended


def test_slots_count_where_they_are_filled():
    cost = Cost(encoder=0, head=1, hidden=0, windows=())
    slots = {"attention_mask": torch.ones(1, 4), "masked_labels": torch.tensor([[5, 6, -100]])}
    assert float(cost.flops(slots)) == 12


def test_figures_are_of_what_was_added_since_the_last_reading(monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 4.0, 4.0, 4.0, 6.0, 6.0])
    monkeypatch.setattr(throughput_module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    cost = Cost(encoder=1_000, head=0, hidden=0, windows=())
    throughput = Throughput(cost, peak=1e6)
    throughput.begin()  # waited for a second
    throughput.end(batch())
    figures = throughput.read()
    assert figures == {
        "tokens_per_second": 8 / 4,
        "useful_share": 8 / 12,
        "mfu": pytest.approx(6 * 1_000 * 8 / 4 / 1e6),
        "waiting_share": 1 / 4,
    }
    throughput.end(batch())
    assert throughput.read()["tokens_per_second"] == pytest.approx(8 / 2)


def test_positions_of_packed_rows_are_counted_in_place_of_the_padded_ones():
    throughput = Throughput(Cost(encoder=1_000, head=0, hidden=0, windows=()), peak=1e6)
    throughput.end(batch() | {"packing": torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7, -1, -1]])})
    assert throughput.read()["useful_share"] == 8 / 10


def test_devices_are_added_up():
    throughput = Throughput(Cost(encoder=1_000, head=0, hidden=0, windows=()), peak=1e6)
    throughput.end(batch())
    figures = throughput.read(lambda sums: 2 * sums, devices=2)
    assert figures["useful_share"] == 8 / 12
    assert figures["mfu"] == pytest.approx(figures["tokens_per_second"] * 6 * 1_000 / 2e6)


def test_a_run_that_resumes_drops_what_came_behind_its_checkpoint(tmp_path):
    log = SpeedLog(tmp_path / "speed.csv")
    log.resume(0)
    for step in (5, 10, 15):
        log.add(step, {"mfu": 0.5})
    log.resume(12)
    log.add(15, {"mfu": 0.25})
    assert (tmp_path / "speed.csv").read_text() == "step,mfu\n5,0.5\n10,0.5\n15,0.25\n"


def test_the_peak_is_a_rate_and_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    assert matmul_peak(torch.device("cpu"), torch.float32) > 1e6
    assert torch.equal(torch.get_rng_state(), before)


def test_the_note_names_what_there_is():
    figures = {"tokens_per_second": 12_345.6, "useful_share": 0.97, "mfu": 0.4012, "waiting_share": 0.0}
    assert note({"mlm": 6.1234, "nsp_accuracy": 0.61}, figures) == (
        "loss 6.123, nsp 61%, 12,346 tokens/s, 97% useful, MFU 40.1%"
    )
    assert note({}, figures).startswith("12,346 tokens/s")


SETTINGS = {
    "objective": {"name": "mlm_nsp"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 16, "heads": 2, "feed_forward": 16, "positions": 64},
    "phases": [{"max_length": 48, "batch_size": 4}],
    "max_steps": 6, "validation_steps": 3, "log_steps": 2, "precision": "fp32", "measured_sentences": 3,
}  # fmt: skip


def test_a_run_logs_its_speed_but_never_hashes_it(tiny, tmp_path):
    config = PretrainConfig.parse(SETTINGS)
    with Workspace(tmp_path, Identity("pretrain", 1, config.content(), {}, 7, {})) as out:
        summary = build(config, tiny.tokenizer, tiny.dataset, out, seed=7)
        logged = list(csv.DictReader((out.run_folder / "speed.csv").open()))
        curve = list(csv.DictReader((out.path / "losses.csv").open()))
    assert [row["step"] for row in logged] == ["2", "4", "6"]
    assert all(0 < float(row["useful_share"]) <= 1 and float(row["mfu"]) > 0 for row in logged)
    assert not {"tokens_per_second", "mfu"} & set(curve[0])
    assert summary["pseudo_perplexity"] > 1
    assert [entry["step"] for entry in summary["validation"]] == [0, 3, 6]


def test_weights_and_biases_is_named_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = PretrainConfig.parse(SETTINGS | {"wandb_project": "korean"})
    with pytest.raises(InputError, match="pip install wandb"):
        loggers(tmp_path, config)
