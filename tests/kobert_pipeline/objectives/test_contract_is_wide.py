"""The contracts hold more than BERT: a throw-away objective with two models and an encoder-decoder batch, trained as a recipe's.

A small generator fills in masked pieces, drawn inside the loss; an encoder finds which of them are not the original ones
(as in ELECTRA), and its decoder writes the text again (as in BART).
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import Architecture
from kobert_pipeline.dataset.full_rows import full_rows
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.config import Config
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.config import MaskingConfig
from kobert_pipeline.masking.tokens import IGNORE_INDEX, mask_tokens
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import Objective, Term
from kobert_pipeline.objectives.rows import assemble
from kobert_pipeline.pretrain import build as stage
from kobert_pipeline.pretrain import config as settings
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule


def collate(examples, chosen, context, options):
    rows = assemble(examples, chosen, context.tokenizer, numbered=False)
    input_ids, labels = mask_tokens(
        rows.input_ids, rows.maskable, None, context.generator, options,
        mask_id=context.tokenizer.mask_id, replacements=context.tokenizer.replacements,
    )  # fmt: skip
    shifted = np.roll(rows.input_ids, 1, axis=1)
    shifted[:, 0] = context.tokenizer.sep_id
    arrays = {
        "input_ids": input_ids, "attention_mask": rows.attention_mask, "labels": labels,
        "decoder_input_ids": shifted, "decoder_labels": np.where(rows.attention_mask, rows.input_ids, IGNORE_INDEX),
        "perm_mask": np.triu(np.ones((len(chosen), *input_ids.shape[1:] * 2), dtype=bool), 1),
    }  # fmt: skip
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def loss(model, batch, generator):
    masked = batch["labels"] != IGNORE_INDEX
    guesses = model.generate(batch["input_ids"])[masked]
    drawn = torch.multinomial(guesses.detach().softmax(dim=-1), 1, generator=generator).squeeze(1)
    filled = batch["input_ids"].masked_scatter(masked, drawn)
    replaced = masked & (filled != torch.where(masked, batch["labels"], batch["input_ids"]))
    memory = model.encode(filled, batch["attention_mask"])
    real = batch["attention_mask"]
    found = model.detector(memory).squeeze(-1)[real]
    written = model.decode(batch["decoder_input_ids"], memory, batch["perm_mask"][0])
    count = real.sum().float()
    return {
        "generator": Term(functional.cross_entropy(guesses, batch["labels"][masked], reduction="sum"), masked.sum()),
        "detection": Term(
            functional.binary_cross_entropy_with_logits(found, replaced[real].float(), reduction="sum"), count, weight=5.0
        ),
        "denoising": Term(
            functional.cross_entropy(written.flatten(0, 1), batch["decoder_labels"].flatten(), reduction="sum"), count
        ),
        "detection_accuracy": Term(((found > 0) == replaced[real]).sum().float(), count, weight=0.0),
    }  # fmt: skip


def counts(batch):
    count = batch["attention_mask"].sum().float()
    masked = (batch["labels"] != IGNORE_INDEX).sum()
    return {"generator": masked, "detection": count, "denoising": count, "detection_accuracy": count}


class TwoModels(nn.Module):
    def __init__(self, sizes, info):
        super().__init__()
        self.generator = nn.Sequential(nn.Embedding(info.vocab_size, 8), nn.Linear(8, info.vocab_size))
        self.pieces = nn.Embedding(info.vocab_size, sizes.hidden)
        self.transformer = nn.Transformer(
            sizes.hidden, 2, 1, 1, 2 * sizes.hidden, dropout=sizes.dropout, batch_first=True
        )
        self.detector = nn.Linear(sizes.hidden, 1)

    def generate(self, input_ids):
        return self.generator(input_ids)

    def encode(self, input_ids, mask):
        return self.transformer.encoder(self.pieces(input_ids), src_key_padding_mask=~mask)

    def decode(self, input_ids, memory, hidden):
        return self.transformer.decoder(self.pieces(input_ids), memory, tgt_mask=hidden) @ self.pieces.weight.T


class Sizes(Config):
    hidden: int = 16
    positions: int = 64
    dropout: float = 0.1


OBJECTIVE = Objective(
    name="throw_away",
    paper="this test, 2024",
    options=MaskingConfig,
    special_tokens=(),
    heads=("generator", "detector", "decoder"),
    plan=lambda block, context, options: full_rows(block, context),
    collate=collate,
    loss=loss,
    counts=counts,
)
ARCHITECTURE = Architecture(
    name="two_models",
    paper="this test, 2024",
    sizes=Sizes,
    named_sizes=MappingProxyType({"mini": Sizes()}),
    heads=("generator", "detector", "decoder"),
    model_inputs=("input_ids", "attention_mask", "decoder_input_ids"),
    build=lambda sizes, info, heads: TwoModels(sizes, info),
    export=lambda model, folder: torch.save(model.state_dict(), folder / "both.pt"),
)


@pytest.fixture
def listed(monkeypatch):
    """Both stand in their tables."""
    for module in (settings, stage):
        monkeypatch.setattr(module, "OBJECTIVES", OBJECTIVES | {OBJECTIVE.name: OBJECTIVE})
        monkeypatch.setattr(module, "ARCHITECTURES", ARCHITECTURES | {ARCHITECTURE.name: ARCHITECTURE})


RECIPE = {
    "objective": {"name": "throw_away", "mlm_probability": 0.3},
    "architecture": {"name": "two_models", "size": "mini"},
    "phases": [{"max_length": 32, "batch_size": 8}],
    "max_steps": 40, "validation_steps": 20, "log_steps": 10, "precision": "fp32", "learning_rate": 1e-2,
}  # fmt: skip


def train(root, tiny, **changes):
    config = PretrainConfig.parse(RECIPE | changes)
    with Workspace(root, Identity("pretrain", 1, config.content(), {}, 7, {})) as out:
        return out.finish(stage.build(config, tiny.tokenizer, tiny.dataset, out, seed=7), {})


def test_a_recipe_trains_it_measures_it_and_exports_it(listed, tiny, tmp_path):
    folder = train(tmp_path, tiny)
    first, *_, last = read_manifest(folder).summary["validation"]
    assert {"generator", "detection", "denoising", "detection_accuracy"} <= set(last)
    assert all(last[name] < first[name] for name in ("generator", "detection", "denoising"))
    weights = torch.load(folder / "model" / "both.pt", weights_only=True)
    assert {name.partition(".")[0] for name in weights} == {"generator", "pieces", "transformer", "detector"}


def test_a_run_that_was_cut_off_draws_the_samples_inside_the_loss_of_one_that_was_not(
    listed, tiny, tmp_path, monkeypatch
):
    whole, real = train(tmp_path / "whole", tiny), PretrainModule.training_step

    def interrupted(self, drawn, batch_idx):
        if self.global_step == 13:
            raise RuntimeError("power cut")
        return real(self, drawn, batch_idx)

    monkeypatch.setattr(PretrainModule, "training_step", interrupted)
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path / "cut", tiny, checkpoint_minutes=1e-9)
    monkeypatch.setattr(PretrainModule, "training_step", real)
    resumed = train(tmp_path / "cut", tiny)
    assert (resumed / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()


def test_it_is_not_paired_with_an_architecture_that_lacks_its_heads(listed):
    with pytest.raises(RecipeError, match="needs the head 'generator', which architecture 'bert' has not"):
        PretrainConfig.parse(RECIPE | {"architecture": {"name": "bert", "size": "mini"}})
