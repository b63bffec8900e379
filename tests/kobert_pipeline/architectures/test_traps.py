"""Traps of the architectures to come, shown on two layers of transformers' own models, each with what the contract does about it.

A trap that transformers removes one day makes its first test fail: then the row of the contract can go.
"""

from __future__ import annotations

import types
from dataclasses import replace

import pytest
import torch
from pairs import PAIRS, config_of_pair, fits
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers.modeling_layers import GradientCheckpointingLayer

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import choose_attention, require_layers
from kobert_pipeline.architectures.packing import attention_within_examples
from kobert_pipeline.architectures.wrapped import Wrapped
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain import config as settings
from kobert_pipeline.training.layerwise import checkpoint_gradients

SMALL = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def deberta() -> nn.Module:
    from transformers import DebertaV2Config, DebertaV2Model

    torch.manual_seed(0)
    return DebertaV2Model(
        DebertaV2Config(**SMALL, **NO_DROPOUT, relative_attention=True, pos_att_type=["p2c", "c2p"])
    ).eval()


def gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32, attn_implementation="eager")
    ).eval()


def albert() -> nn.Module:
    from transformers import AlbertConfig, AlbertModel

    torch.manual_seed(0)
    return AlbertModel(AlbertConfig(**SMALL, embedding_size=8, **NO_DROPOUT)).train()


def xlnet() -> nn.Module:
    from transformers import XLNetConfig, XLNetModel

    torch.manual_seed(0)
    return XLNetModel(XLNetConfig(vocab_size=50, d_model=16, n_layer=2, n_head=2, d_inner=32)).eval()


def packed(row: list[int], width: int = 4) -> dict[str, torch.Tensor]:
    """One row of two examples of `width` tokens."""
    tokens = torch.tensor(row).view(2, width)
    return {
        "input_ids": tokens, "attention_mask": torch.ones_like(tokens, dtype=torch.bool),
        "packing": torch.arange(2 * width).view(1, -1),
    }  # fmt: skip


ROW, OTHER = [5, 6, 7, 8, 9, 10, 11, 12], [5, 6, 7, 8, 9, 10, 11, 20]


def encode_deberta(model: nn.Module, inputs: dict[str, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """The mask of packed rows goes past the embeddings, which would multiply by it."""
    embedded = model.base_model.embeddings(inputs["input_ids"])
    return model.base_model.encoder(embedded, mask).last_hidden_state


@torch.no_grad()
def test_deberta_inverts_an_additive_mask_and_reads_a_boolean_one():
    model, ids, other = WithBase(deberta()), torch.tensor([ROW]), torch.tensor([OTHER])
    batch = packed(ROW)
    with pytest.raises(RuntimeError, match="must match the size"):
        model.base_model(input_ids=ids, attention_mask=attention_within_examples(batch, "boolean"))
    for kind, isolated in (("eager", False), ("boolean", True)):
        mask = attention_within_examples(batch, kind)
        first, second = (encode_deberta(model, {"input_ids": given}, mask) for given in (ids, other))
        assert torch.equal(first[:, :4], second[:, :4]) is isolated, "the first example must not see the second"
        assert not torch.equal(first[:, 4:], second[:, 4:])


@torch.no_grad()
def test_an_architecture_that_declares_a_boolean_mask_keeps_deberta_s_examples_apart():
    batches = [packed(row) for row in (ROW, OTHER)]
    module = Wrapped(WithBase(deberta()), ("input_ids",), {}, mask="boolean", encode=encode_deberta)
    first, second = (module.hidden(batch) for batch in batches)
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


class WithBase(nn.Module):
    """A bare encoder in the place of a model with heads."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.base_model, self.config = encoder, encoder.config


@torch.no_grad()
def test_a_causal_model_takes_a_mask_of_four_dimensions_as_it_is_and_sees_the_future():
    model, ids, other = gpt2(), torch.tensor([ROW]), torch.tensor([OTHER])
    positions = torch.arange(8)[None] % 4
    for causal, blind in ((False, False), (True, True)):
        mask = attention_within_examples(packed(ROW), "eager", causal=causal)
        first, second = (
            model.transformer(input_ids=given, attention_mask=mask, position_ids=positions).last_hidden_state
            for given in (ids, other)
        )
        assert torch.equal(first[:, 4:7], second[:, 4:7]) is blind, "tokens before the last one must not see it"
        assert torch.equal(first[:, :4], second[:, :4]), "nor does the other example"
    with_sdpa = attention_within_examples(packed(ROW), "sdpa", causal=True)
    assert torch.equal(with_sdpa[0, 0], attention_within_examples(packed(ROW), "eager", causal=True)[0, 0] == 0)


@torch.no_grad()
def test_an_architecture_that_declares_itself_causal_sees_no_future_in_a_packed_row():
    batches = [packed(row) for row in (ROW, OTHER)]
    module = Wrapped(WithBase(gpt2().transformer), ("input_ids",), {}, causal=True)
    first, second = (module.hidden(batch) for batch in batches)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1, :3], second[1, :3])
    assert not torch.equal(first[1, 3], second[1, 3])


@torch.no_grad()
def test_xlnet_subtracts_from_its_mask_which_a_boolean_one_does_not_allow():
    ids = torch.tensor([ROW])
    with pytest.raises(RuntimeError, match="bool"):
        xlnet()(input_ids=ids, attention_mask=torch.ones_like(ids, dtype=torch.bool))
    assert xlnet()(input_ids=ids, attention_mask=torch.ones_like(ids).float()).last_hidden_state.shape == (1, 8, 16)


def test_a_mask_that_cannot_tell_examples_apart_is_never_given_to_a_packed_row():
    module = Wrapped(WithBase(xlnet()), ("input_ids",), {}, mask="permutation")
    with pytest.raises(AssertionError, match="cannot share a row"):
        module.hidden(packed(ROW))


@pytest.mark.parametrize("make", [albert, xlnet])
def test_some_models_have_no_layer_that_transformers_marks_as_one(make):
    assert not any(isinstance(part, GradientCheckpointingLayer) for part in make().modules())
    with pytest.raises(ValueError, match="names no layers"):
        require_layers(ARCHITECTURES["bert"], make())


def test_layers_that_an_architecture_names_itself_are_checkpointed_with_the_same_gradient():
    """ALBERT's one shared layer is computed twice, and recomputed twice."""
    model, ids = albert(), torch.tensor([ROW])
    named = replace(
        ARCHITECTURES["bert"], layers=lambda module: [module.encoder.albert_layer_groups[0].albert_layers[0]]
    )
    gradients, calls = [], []
    for checkpointed in (False, True):
        if checkpointed:
            layers = require_layers(named, model)
            layers[0].attention.register_forward_hook(lambda *_: calls.append(1))
            checkpoint_gradients(layers)
        model.zero_grad()
        model(input_ids=ids).last_hidden_state.sum().backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    assert len(calls) == 4, "two passes, each computed twice"
    assert all(torch.equal(gradient, gradients[1][name]) for name, gradient in gradients[0].items())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_names_all_of_its_layers(name):
    from kobert_pipeline.architectures.architecture import ModelSpec

    architecture = ARCHITECTURES[name]
    sizes = architecture.named_sizes["mini"]
    with torch.device("meta"):
        module = architecture.build(sizes, ModelSpec(100, 0, 2, 3, 64), tuple(architecture.heads))
    assert len(require_layers(architecture, module)) == getattr(sizes, "groups", sizes.layers)


def test_checkpointing_reaches_the_layers_of_every_model_of_a_run(tiny, monkeypatch):
    from throw_away import list_it

    from kobert_pipeline.pretrain.models import architecture_of, build_models, layers_of
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

    list_it(monkeypatch)
    config, info = config_of_pair("throw_away", "bert"), tokenizer_info(tiny.tokenizer)
    models = build_models(config, info, {}, info.vocab_size)
    layers = layers_of(models, architecture_of(config))
    before = [layer.forward for layer in layers]
    checkpoint_gradients(layers)
    assert len(layers) == 2 + 1, "the student's two and the generator's one"
    assert all(
        isinstance(layer.forward, types.FunctionType) and layer.forward is not old
        for layer, old in zip(layers, before, strict=True)
    )


def test_flops_by_names_of_weights_would_be_half_of_albert_s():
    """Its layer is there once and computed twice. torch counts what is computed."""
    model, ids = albert(), torch.tensor([ROW])
    by_name = 2 * 8 * sum(part.weight.numel() for part in model.encoder.modules() if isinstance(part, nn.Linear))
    layer = model.encoder.albert_layer_groups[0]
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids)
    per_layer = 2 * 8 * sum(part.weight.numel() for part in layer.modules() if isinstance(part, nn.Linear))
    assert counter.get_total_flops() > by_name + 0.9 * per_layer


def test_only_masked_objectives_measure_pseudo_perplexity():
    """It masks tokens one by one: a model that reads from left to right would be asked what it was never taught."""
    for objective in OBJECTIVES.values():
        names = {figure.name for measure in objective.measures for figure in measure.figures}
        assert ("pseudo_perplexity" in names) == ("tokens" in objective.heads(objective.options()))
        assert objective.headline in {figure.name for figure in objective.figures}


@pytest.mark.parametrize("make", [deberta, xlnet])
def test_some_models_offer_no_sdpa_and_auto_does_not_ask_them_for_it(make, monkeypatch):
    assert not type(make())._supports_sdpa
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_attention("auto", ("eager",)) == "eager"
    assert choose_attention("auto", ("eager", "sdpa")) == "sdpa"
    with pytest.raises(ValueError, match="attention sdpa is not offered by this architecture; it offers eager"):
        choose_attention("sdpa", ("eager",))


def test_a_recipe_that_asks_for_what_an_architecture_cannot_do_is_refused(monkeypatch):
    weak = replace(ARCHITECTURES["bert"], packs=False, attentions=("eager",))
    monkeypatch.setattr(settings, "ARCHITECTURES", {**ARCHITECTURES, "bert": weak})
    base = config_of_pair("mlm", "bert").model_dump(mode="json")
    rows = [{"max_length": 48, "batch_size": 8, "row_length": 96}]
    with pytest.raises(RecipeError, match=r"row_length: architecture 'bert' cannot keep examples of one row apart"):
        settings.PretrainConfig.parse(base | {"phases": rows})
    with pytest.raises(
        RecipeError, match="attention sdpa is not offered by architecture 'bert'; set auto, or one of eager"
    ):
        settings.PretrainConfig.parse(base | {"attention": "sdpa"})


def test_the_headline_leads_and_not_the_first_term_of_a_loss(monkeypatch):
    """ELECTRA's generator would steer best checkpoint, alarms and card if the first term did."""
    from throw_away import OBJECTIVE

    from kobert_pipeline.pretrain.alarms import plateau

    curve = [
        {"step": 20 * n, "generator": 7.3, "detection": 0.69 - n / 100, "learning_rate": 1e-3} for n in range(1, 61)
    ]
    assert plateau(curve, "generator", 7.34, 20) is not None
    assert plateau(curve, OBJECTIVE.headline, 0.69, 20) is None


def test_every_row_of_the_tables_is_in_a_pair_that_fits():
    assert {objective for objective, _ in PAIRS} == set(OBJECTIVES)
    assert {architecture for _, architecture in PAIRS} == set(ARCHITECTURES)
    assert not fits("mlm_nsp", "roberta")
