"""One global batch, however it is divided: over micro-batches, over ranks, over both."""

from __future__ import annotations

import csv
import itertools
import shutil
import subprocess
import sys

import pytest
import torch
from pairs import ARCHITECTURE_OF, known_sizes, tiny_models
from safetensors.torch import load_file
from tiny_training import SEED, artifact, config_of, finished, program, program_of_several, start, train

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.packing import rows_of
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.batch_rows import blank, micro_batches, row_count
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.training.checkpoints import checkpoints, step_of

SIZES = {"layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64}
NO_DROPOUT = {
    "architecture": {"name": "bert", "dropout": 0.0} | SIZES,
    "max_steps": 12,
    "validation_steps": 6,
    "log_steps": 1,
}
PACKED = {"phases": [{"max_length": 48, "batch_size": 4, "row_length": 96}]}
SECOND_PHASE_OF_ONE_ROW = {
    "phases": [{"max_length": 32, "batch_size": 8, "share": 0.5}, {"max_length": 48, "batch_size": 1, "share": 0.5}]
}
UNEQUAL = {"objective": {"name": "mlm_nsp", "short_probability": 0.9}}
"""Rows of very different lengths, and so of numbers of masked pieces."""
FSDP = {"strategy": "fsdp"}
MODERN = {"objective": {"name": "mlm"}, "architecture": {"name": "modernbert", "dropout": 0.0} | SIZES}

WRITES = {"objective": {"name": "causal"}, "architecture": {"name": "gpt2", "dropout": 0.0} | SIZES}


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"), tiny, **NO_DROPOUT)


def curve(folder):
    with (folder / "losses.csv").open(encoding="utf-8") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def assert_same_run(one, two, tolerance):
    for first, second in zip(curve(one), curve(two), strict=True):
        assert first == pytest.approx(second, rel=tolerance, abs=tolerance)
    weights = [load_file(folder / "model" / "model.safetensors") for folder in (one, two)]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=tolerance), name


# --- micro-batches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [None, 1, 3, 8, 100])
def test_micro_batches_are_all_rows_in_order_and_none_is_larger(rows):
    batch = {"attention_mask": torch.arange(16).reshape(8, 2), "next_sentence_label": torch.arange(8)}
    parts = micro_batches(batch, rows)
    for name, tensor in batch.items():
        assert torch.equal(torch.cat([part[name] for part in parts]), tensor)
    assert max(len(part["attention_mask"]) for part in parts) <= (rows or 8)
    assert micro_batches({"attention_mask": torch.ones(0, 2)}, rows) == []


def of(objective):
    """Settings of an objective with an architecture that fits it."""
    name = ARCHITECTURE_OF[objective]
    return {
        "objective": {"name": objective},
        "architecture": {"name": name} | known_sizes(name, SIZES),
    }


@pytest.mark.parametrize("phase", [{}, {"row_length": 96}], ids=["rows", "packed rows"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_blank_row_of_an_empty_batch_has_a_loss_that_is_a_number(tiny, objective, phase):
    """Zero times it is zero on every parameter: what a rank without rows gives to the others."""
    info, settings = tokenizer_info(tiny.tokenizer), {"phases": [PACKED["phases"][0] | {"row_length": None} | phase]}
    packs = ARCHITECTURES[ARCHITECTURE_OF[objective]].packs and not OBJECTIVES[objective].reads_scores
    if not packs and "row_length" in phase:
        pytest.skip("its examples cannot share a row")
    config = config_of(of(objective) | settings)
    stream = BatchStream(Store(tiny.dataset), OBJECTIVES[objective], config, info, SEED)
    stream.rank, stream.ranks = 0, 1_000
    batch, _ = next(iter(stream))
    assert row_count(batch) == 0
    model = tiny_models(config, info)
    (0.0 * total_loss(OBJECTIVES[objective].loss(model, blank(batch), torch.Generator(), config.options))).backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_counts_are_known_before_the_model_runs(tiny, objective):
    """This holds for a part of the batch as for the whole; a rank without rows counts nothing."""
    info = tokenizer_info(tiny.tokenizer)
    config = config_of(of(objective))
    batch, _ = next(iter(BatchStream(Store(tiny.dataset), OBJECTIVES[objective], config, info, SEED)))
    model = tiny_models(config, info)
    for part in (batch, micro_batches(batch, 3)[0]):
        terms = OBJECTIVES[objective].loss(model, part, torch.Generator(), config.options)
        counted = OBJECTIVES[objective].counts(part)
        assert {name: float(term.count) for name, term in terms.items()} == {
            name: float(count) for name, count in counted.items()
        }
    empty = {name: tensor[:0] for name, tensor in batch.items()}
    assert {float(count) for count in OBJECTIVES[objective].counts(empty).values()} == {0.0}


def test_a_part_is_divided_by_the_counts_of_the_whole():
    from kobert_pipeline.objectives.objective import Term

    parts = [(2.0, 1.0), (4.0, 3.0)]
    terms = [{"mlm": Term(torch.tensor(value), torch.tensor(count))} for value, count in parts]
    whole = {"mlm": torch.tensor(4.0)}
    assert sum(float(total_loss(part, whole)) for part in terms) == pytest.approx(6 / 4)


@pytest.mark.parametrize(
    "changes", [{}, MODERN, PACKED, MODERN | PACKED], ids=["bert", "modernbert", "bert, packed", "modernbert, packed"]
)
def test_micro_batches_give_the_same_run(whole, tiny, tmp_path, changes):
    one = train(tmp_path / "one", tiny, **(NO_DROPOUT | changes)) if changes else whole
    assert_same_run(one, train(tmp_path / "parts", tiny, **(NO_DROPOUT | changes | {"micro_batch_size": 3})), 1e-6)


def test_gradient_checkpointing_changes_no_bit_with_dropout_on(tiny, tmp_path):
    folders = [train(tmp_path / str(on), tiny, max_steps=4, gradient_checkpointing=on) for on in (False, True)]
    assert (folders[0] / "manifest.json").read_bytes() == (folders[1] / "manifest.json").read_bytes()


@pytest.mark.system
def test_compiled_layers_give_the_same_run(whole, tiny, tmp_path, monkeypatch):
    """Graphs and gradients as torch.compile takes them; kernels are not generated, which takes two minutes on a CPU."""
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function: real(function, backend="aot_eager"))
    compiled = train(tmp_path, tiny, **(NO_DROPOUT | {"compile": True}))
    assert_same_run(whole, compiled, 1e-4)


@pytest.mark.parametrize("row_length", [None, 48])
def test_a_growing_batch_has_its_size_from_block_to_block(tiny, row_length):
    phases = [{"max_length": 48, "batch_size": 8, "row_length": row_length}]
    config = config_of({"batch_warmup": {"share": 0.9, "start": 0.25}, "max_steps": 2_000, "phases": phases})
    stream = BatchStream(Store(tiny.dataset), OBJECTIVES["mlm_nsp"], config, tokenizer_info(tiny.tokenizer), SEED)
    rows = [row_count(batch) for batch, _ in itertools.islice(stream, 600)]
    assert max(rows[:20]) <= 2
    assert max(rows) > 3


def test_half_precision_with_loss_scaling_is_refused_where_there_is_no_gpu(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        train(tmp_path, tiny, precision="fp16")


# --- ranks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("objective", "ranks"), [("mlm", 3), ("mlm_nsp", 2), ("mlm_sop", 9)])
def test_ranks_draw_the_rows_and_masks_of_one_process(tiny, objective, ranks):
    """Nine ranks for eight rows: some have none."""

    def stream(rank, of):
        made = BatchStream(
            Store(tiny.dataset), OBJECTIVES[objective], config_of({"objective": {"name": objective}}),
            tokenizer_info(tiny.tokenizer), SEED,
        )  # fmt: skip
        made.rank, made.ranks = rank, of
        return itertools.islice(made, 3)

    for (batch, cursor), *parts in zip(stream(0, 1), *(stream(rank, ranks) for rank in range(ranks)), strict=True):
        assert all(state == cursor for _, state in parts)
        for name, tensor in batch.items():
            rows = [row for part, _ in parts for row in part[name]]
            assert len(rows) == len(tensor)
            for row, wanted in zip(rows, tensor, strict=True):
                assert _unpadded(row) == _unpadded(wanted)


@pytest.mark.parametrize("ranks", [2, 7])
def test_ranks_draw_the_packed_rows_of_one_process(tiny, ranks):
    """Seven ranks for four packed rows: some have none."""

    def stream(rank, of):
        made = BatchStream(
            Store(tiny.dataset), OBJECTIVES["mlm_nsp"], config_of(PACKED), tokenizer_info(tiny.tokenizer), SEED
        )
        made.rank, made.ranks = rank, of
        return itertools.islice(made, 5)

    for (batch, _), *parts in zip(stream(0, 1), *(stream(rank, ranks) for rank in range(ranks)), strict=True):
        assert sum(row_count(part) for part, _ in parts) == row_count(batch)
        assert torch.equal(torch.cat([_laid(part) for part, _ in parts]), _laid(batch))
        labels = torch.cat([part["next_sentence_label"] for part, _ in parts])
        assert torch.equal(labels, batch["next_sentence_label"])


def _laid(batch):
    """What stands at each position of the packed rows, -1 on padding."""
    return torch.where(batch["packing"] < 0, -1, rows_of(batch, ("input_ids",))["input_ids"])


def _unpadded(row):
    """A row without the padding that other rows need: zeros and -100 at its end."""
    values = row.reshape(-1).tolist()
    while values and values[-1] in (0, -100):
        values.pop()
    return values


def test_a_launcher_that_started_another_number_of_processes_is_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(InputError, match=r"torchrun started 8 processes, .* 1 devices on each of 1 nodes"):
        train(tmp_path, tiny)


@pytest.mark.system
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"micro_batch_size": 3},
        SECOND_PHASE_OF_ONE_ROW,
        UNEQUAL | {"micro_batch_size": 1},
        PACKED | {"micro_batch_size": 1},
        PACKED | WRITES | {"micro_batch_size": 1},
        FSDP | UNEQUAL | {"micro_batch_size": 1, "gradient_checkpointing": True},
        FSDP | SECOND_PHASE_OF_ONE_ROW,
        FSDP | MODERN | PACKED | {"micro_batch_size": 1},
    ],
    ids=[
        "whole", "micro-batches", "one row for two ranks", "unequal rows", "packed rows", "packed rows of gpt2",
        "divided, unequal rows", "divided, one row for two ranks", "divided, packed rows of modernbert",
    ],
)  # fmt: skip
def test_two_ranks_give_the_run_of_one(tiny, tiny_bytes, tmp_path, changes):
    tiny = tiny_bytes if "objective" in changes and OBJECTIVES[changes["objective"]["name"]].writes else tiny
    one = train(tmp_path / "one", tiny, **(NO_DROPOUT | changes))
    script = program(tiny, tmp_path / "two.py", **(NO_DROPOUT | changes | {"devices": 2}))
    finished(start(script, tmp_path / "two", ranks=2))
    assert_same_run(one, artifact(tmp_path / "two"), 1e-4)


ENCODERS = {
    "electra": ("replaced_tokens", "electra", {"embedding_sharing": "shared", "generator_width": 1}),
    "albert": ("mlm_sop", "albert", {"unit": "ngram", "max_span": 3}),
    "spanbert": ("span_boundary", "bert", {}),
    "deberta": ("mlm", "deberta", {}),
    "debertav3": ("replaced_tokens", "deberta", {"embedding_sharing": "gradient_disentangled", "generator_width": 1}),
    "xlnet": ("permutation", "xlnet", {}),
}
"""The systems of two models, of shared weights and of parts."""


@pytest.mark.system
def test_two_ranks_give_the_run_of_one_for_every_encoder(tiny, tmp_path):
    """One after the other in the same two processes, which stay connected."""
    runs = {
        name: NO_DROPOUT | {
            "objective": {"name": objective} | options, "max_steps": 3, "measured_sentences": 0,
            "architecture": {"name": architecture} | known_sizes(architecture, SIZES | {"layers": 2, "dropout": 0.0}),
        }
        for name, (objective, architecture, options) in ENCODERS.items()
    }  # fmt: skip
    runs["deberta"]["architecture"]["mask_decoder_passes"] = 2
    two = program_of_several(tiny, tmp_path / "two.py", {name: run | {"devices": 2} for name, run in runs.items()})
    connected = "import torch\ntorch.distributed.destroy_process_group = lambda: None\n"
    two.write_text(connected + two.read_text(encoding="utf-8"), encoding="utf-8")
    finished(start(two, tmp_path / "two", ranks=2))
    for name, run in runs.items():
        assert_same_run(train(tmp_path / "one" / name, tiny, **run), artifact(tmp_path / "two" / name), 1e-4)


@pytest.mark.system
@pytest.mark.parametrize(("strategy", "cuts"), [("ddp", [7]), ("fsdp", [4, 8])])
def test_a_run_of_two_ranks_goes_on_with_one(whole, tiny, tmp_path, strategy, cuts):
    """The global batch stays: no row is lost or seen twice. A divided run goes on divided, too."""
    script = program(
        tiny, tmp_path / "two.py", **(NO_DROPOUT | {"devices": 2, "checkpoint_minutes": 1e-9, "strategy": strategy})
    )
    text = script.read_text(encoding="utf-8")
    for after in cuts:
        cut = (
            "import os\n"
            "from kobert_pipeline.pretrain.module import PretrainModule, is_divided\n"
            "real = PretrainModule.training_step\n"
            "def until(self, *given):\n"
            f"    if is_divided(self.model) != {strategy == 'fsdp'}:\n"
            "        os._exit(3)\n"
            f"    return os._exit(1) if self.global_step == {after} else real(self, *given)\n"
            "PretrainModule.training_step = until\n"
        )
        script.write_text(cut + text, encoding="utf-8")
        finished(start(script, tmp_path / "root", ranks=2), code=1)
    (folder,) = (tmp_path / "root").glob("pretrain/*.partial/run/checkpoints")
    assert step_of(checkpoints(folder)[-1]) >= cuts[-1] - 1
    assert_same_run(whole, train(tmp_path / "root", tiny, **NO_DROPOUT), 1e-4)


@pytest.mark.long
@pytest.mark.system
def test_the_command_line_trains_in_two_processes_however_they_are_started(tmp_path):
    """Every stage before is made by the first process, while the other waits."""
    command = ["-m", "kobert_pipeline.cli", "run", "quickstart", "--until", "pretrain"]
    for setting in (
        "max_steps=4", "log_steps=1", "validation_steps=4", "precision=fp32", "architecture.dropout=0.0", "devices=2",
    ):  # fmt: skip
        command += ["--set", f"pretrain.{setting}"]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    curves = []
    for name, launcher, devices in (("torchrun", torchrun, 2), ("lightning", [], 2), ("one", [], 1)):
        root = tmp_path / name
        if name != "torchrun":
            shutil.copytree(tmp_path / "torchrun", root, ignore=shutil.ignore_patterns("pretrain"))
        given = [*command[:-1], f"pretrain.devices={devices}", "--artifacts", str(root)]
        done = subprocess.run([sys.executable, *launcher, *given], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        curves.append(curve(artifact(root)))
    for two in curves[:2]:
        for first, second in zip(two, curves[2], strict=True):
            assert first == pytest.approx(second, abs=1e-4)
