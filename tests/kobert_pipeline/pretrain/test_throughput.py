"""Tokens a second, useful share, MFU: what is counted; never how fast this machine is."""

from __future__ import annotations

import csv
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pairs import config_of_pair, tiny_models
from torch.utils.flop_counter import FlopCounterMode

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TokenizerInfo
from kobert_pipeline.pretrain import throughput as throughput_module
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.flops import Cost
from kobert_pipeline.pretrain.machine import require_machine
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.throughput import SpeedLog, Throughput, matmul_peak
from kobert_pipeline.pretrain.watch import note

H, F, V = 16, 64, 100


SIZES = {"layers": 4, "hidden": H, "heads": 2, "feed_forward": F, "positions": 64, "dropout": 0.0}


def step_of(architecture: str, objective: str = "mlm", **sizes: int) -> Callable[[dict[str, torch.Tensor]], None]:
    """A pass forward and back."""
    config = config_of_pair(objective, architecture, SIZES | sizes, length=32)
    info = TokenizerInfo(V, 0, 1, 2, 3, 4, np.arange(5, V))
    models, options = tiny_models(config, info), config.options

    def step(batch: dict[str, torch.Tensor]) -> None:
        total_loss(OBJECTIVES[objective].loss(models, batch, torch.Generator(), options)).backward()

    return step


def counted(step: Callable[[dict[str, torch.Tensor]], None]) -> Cost:
    """By torch, on examples of 16 and 32 tokens, a quarter of which is masked."""
    return Cost.measured(step, [masked(2, length) for length in (16, 32)])


def masked(rows: int, length: int) -> dict[str, torch.Tensor]:
    """Every fourth token is masked; for a generator they are drawn, and in an order they come one after the other."""
    input_ids = torch.full((rows, length), 7)
    labels = torch.full((rows, length), -100)
    labels[:, ::4] = 9
    mask = torch.ones(rows, length, dtype=torch.bool)
    places = torch.arange(0, length, 4).expand(rows, -1)
    order = torch.zeros(rows, length, dtype=torch.long).scatter(1, places, places // 4 + 1)
    return {
        "input_ids": input_ids, "token_type_ids": 0 * input_ids, "attention_mask": mask, "labels": labels,
        "draws": torch.zeros(rows, length), "order": order, "targets": places,
    }  # fmt: skip


def test_the_counted_cost_is_the_arithmetic_of_the_layers():
    """6 FLOPs per weight and token, forward and backward; scores and their use 12 L H per pair of positions (Chowdhery et al.
    2022, appendix B); the head runs on a quarter of the tokens. ModernBERT computes its rotary angles, too."""
    for name, matrices in (("bert", 4 * H * H + 2 * H * F), ("modernbert", 4 * H * H + 3 * H * F)):
        cost = counted(step_of(name))
        assert cost.per_token == pytest.approx(6 * (4 * matrices + (H * H + H * V) / 4), rel=2e-3)
        assert cost.per_square == pytest.approx(12 * 4 * H, rel=2e-3)


@pytest.mark.parametrize(
    ("objective", "architecture", "sizes"),
    [
        *[("mlm", name, {}) for name in ("bert", "modernbert", "roberta", "albert", "deberta")],
        ("mlm", "deberta", {"mask_decoder_passes": 2}),
        ("replaced_tokens", "electra", {}), ("replaced_tokens", "deberta", {}), ("permutation", "xlnet", {}),
    ],
)  # fmt: skip
def test_the_counted_cost_predicts_batches_of_other_sizes(
    objective: str, architecture: str, sizes: dict[str, int]
) -> None:
    """Shared layers, two models, two streams, and DeBERTa's relative positions, which a batch computes once."""
    step, batch = step_of(architecture, objective, **sizes), masked(7, 24)
    cost = counted(step)
    with FlopCounterMode(display=False) as counter:
        step(batch)
    assert float(cost.flops(batch)) == pytest.approx(counter.get_total_flops(), rel=1e-3)
    assert (cost.per_pass > 0) == (architecture == "deberta")


def test_albert_computes_one_layer_as_often_as_bert_computes_four() -> None:
    albert, bert = counted(step_of("albert", embedding=H)), counted(step_of("bert"))
    assert albert.per_token == pytest.approx(bert.per_token, rel=0.05), "its embeddings are projected"
    assert albert.per_square == pytest.approx(bert.per_square, rel=1e-3)


def test_counting_sees_layers_that_are_checkpointed_once():
    from kobert_pipeline.training.layerwise import checkpoint_gradients, plainly

    layer = torch.nn.Linear(8, 8)
    checkpoint_gradients([layer])
    batch = {"input_ids": torch.zeros(2, 4)}
    cost = Cost.measured(lambda _: layer(torch.ones(8, 8, requires_grad=True)).sum().backward(), [batch, batch])
    assert cost == Cost(0.0, 0.0, per_pass=3 * 2 * 8**3), "whatever the batch holds"
    with plainly():
        assert layer(torch.ones(1, 8)).shape == (1, 8)


def batch() -> dict[str, torch.Tensor]:
    """Rows of 6 and 2 pieces, padded to 6; two pieces are masked."""
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    labels = torch.full((2, 6), -100)
    labels[0, 1] = labels[1, 1] = 7
    return {"attention_mask": mask, "labels": labels}


def test_padding_costs_nothing():
    cost = Cost(per_token=1_000, per_square=10)
    assert float(cost.flops(batch())) == 1_000 * 8 + 10 * (6 * 6 + 2 * 2)


def test_figures_are_of_what_was_added_since_the_last_reading(monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 4.0, 4.0, 4.0, 6.0, 6.0])
    monkeypatch.setattr(throughput_module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    cost = Cost(per_token=6_000, per_square=0)
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
    throughput = Throughput(Cost(per_token=6_000, per_square=0), peak=1e6)
    throughput.end(batch() | {"packing": torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7, -1, -1]])})
    assert throughput.read()["useful_share"] == 8 / 10


def test_devices_are_added_up():
    throughput = Throughput(Cost(per_token=6_000, per_square=0), peak=1e12)
    throughput.end(batch())
    figures = throughput.read(lambda sums: 2 * sums, devices=2)
    assert figures["useful_share"] == 8 / 12
    assert figures["mfu"] == pytest.approx(figures["tokens_per_second"] * 6 * 1_000 / 2e12)


def test_no_share_of_the_peak_is_above_one(monkeypatch):
    """The peak was measured while the machine was busy. Of two steps the second takes twice as long."""
    clock = iter([0.0, 0.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    monkeypatch.setattr(throughput_module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    throughput = Throughput(Cost(per_token=6_000, per_square=0), peak=1.0)
    shares = []
    for _ in range(2):
        throughput.end(batch())
        shares.append(throughput.read()["mfu"])
    assert shares == [1, 0.5]


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
    assert note({"mlm": 6.1234, "nsp_accuracy": 0.61}, figures, OBJECTIVES["mlm_nsp"]) == (
        "loss 6.123, nsp 61%, 12,346 tokens/s, 97% useful, MFU 40.1%"
    )
    assert note({}, figures, OBJECTIVES["mlm"]).startswith("12,346 tokens/s")


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
    assert summary["measures"]["pseudo_perplexity"] > 1
    assert [entry["step"] for entry in summary["validation"]] == [0, 3, 6]


def test_weights_and_biases_is_named_when_it_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = PretrainConfig.parse(SETTINGS | {"wandb_project": "korean"})
    with pytest.raises(InputError, match="pip install wandb"):
        require_machine(config)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", None),
        ("step,tok", None),
        ("step,tokens\n", "step,tokens\n"),
        ("step,tokens\n5,1\n10,2\n15", "step,tokens\n5,1\n10,2\n"),
        ("step,tokens\n5,1\n10,2\n15,3\n", "step,tokens\n5,1\n10,2\n"),
    ],
)
def test_a_log_that_was_cut_off_goes_on_with_its_whole_rows(tmp_path, written, kept):
    path = tmp_path / "speed.csv"
    path.write_text(written)
    SpeedLog(path).resume(10)
    assert (path.read_text() if path.is_file() else None) == kept
    SpeedLog(path).add(15, {"tokens": 4})
    assert path.read_text().endswith("15,4\n")
    assert path.read_text().startswith("step,tokens\n")
