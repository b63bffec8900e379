"""DeBERTa's enhanced mask decoder: what it computes, where absolute positions go, and what an exported folder has of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pairs import config_of_pair, tiny_models
from torch.nn import functional
from transformers import AutoModelForMaskedLM

from kobert_pipeline.architectures.deberta import ARCHITECTURE
from kobert_pipeline.architectures.mask_decoder import WithMaskDecoder
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.data import cut_into_packed_batches, draw
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SIZES = {"layers": 3, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64, "dropout": 0.0}
LENGTH, ROW = 48, 112


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture(scope="module")
def batches(tiny, info):
    """A batch of padded rows, and the same examples packed."""
    config = config_of_pair("mlm", "deberta", SIZES, length=LENGTH, whole_sentences=True)
    objective, store = OBJECTIVES["mlm"], Store(tiny.dataset)
    examples = objective.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, LENGTH), config.options)
    rows = cut_into_packed_batches(examples.lengths, ROW, 3, np.random.default_rng(0))[0]
    return tuple(
        draw(objective, examples, chosen, info, config.options, seed=0, number=3, width=LENGTH, row_length=length)
        for chosen, length in ((rows[rows >= 0], None), (rows, ROW))
    )


def models(info, passes=2, objective="mlm", **options):
    return tiny_models(
        config_of_pair(objective, "deberta", SIZES | {"mask_decoder_passes": passes}, **options), info
    ).eval()


@torch.no_grad()
def test_it_computes_the_last_layer_twice_over_the_states_below_it(info, batches):
    """The reference is written with transformers' own layers: keys and values are the states below the last layer, queries are
    those plus absolute positions, then what the layer gave."""
    student, batch = models(info).student, batches[0]
    encoder, mask = student.transformer.base_model.encoder, batch["attention_mask"]
    below = student.transformer.base_model(
        input_ids=batch["input_ids"], attention_mask=mask.long(), output_hidden_states=True
    ).hidden_states[-2]
    shared = {"relative_pos": encoder.get_rel_pos(below), "rel_embeddings": encoder.get_rel_embedding()}
    queries = below + student.positions.weight[: below.shape[1]]
    for _ in range(2):
        queries = encoder.layer[-1](below, encoder.get_attention_mask(mask), query_states=queries, **shared)[0]
    assert not mask.all()
    torch.testing.assert_close(student.hidden(batch), queries)


@torch.no_grad()
def test_one_pass_without_positions_is_the_last_layer(info, batches):
    """With queries like the keys and one pass, the decoder is BERT's (section 3.2)."""
    student = models(info, passes=1).student
    student.positions.weight.zero_()
    torch.testing.assert_close(student.hidden(batches[0]), student.exported(batches[0]))


@torch.no_grad()
def test_absolute_positions_reach_the_decoder_alone_and_are_its_only_weights(info, batches):
    student, plain, batch = models(info).student, models(info, passes=0).student, batches[0]
    assert set(dict(student.named_parameters())) - set(dict(plain.named_parameters())) == {"positions.weight"}
    before = student.hidden(batch), student.exported(batch)
    student.positions.weight[7] += 1
    after = student.hidden(batch), student.exported(batch)
    assert torch.equal(after[1], before[1]), "the encoder does not read them"
    changed = (after[0] != before[0]).any(dim=-1)
    assert changed[:, 7].all()
    assert changed.sum() == len(changed), "a position changes the query of its own token alone"


@torch.no_grad()
def test_without_it_nothing_is_different(info, batches):
    """The same weights at the same seed, the same fingerprint, and transformers' loss."""
    off, on = models(info, passes=0).student, models(info).student
    assert not isinstance(off, WithMaskDecoder)
    assert off.exported(batches[0]) is None
    assert all(torch.equal(weight, on.state_dict()[name]) for name, weight in off.state_dict().items())
    assert torch.equal(off.hidden(batches[0]), on.exported(batches[0]))
    for passes, said in ((0, False), (2, True)):
        config = config_of_pair("mlm", "deberta", SIZES | {"mask_decoder_passes": passes})
        assert ("mask_decoder_passes" in config.content()["architecture"]) is said


def test_every_weight_learns_and_the_exported_folder_fills_masks_without_the_decoder(info, batches, tmp_path):
    made, batch, objective = models(info), batches[0], OBJECTIVES["mlm"]
    options = objective.options()
    assert "mlm_exported" not in objective.loss(made.train(), batch, torch.Generator(), options)
    total_loss(objective.loss(made, batch, torch.Generator(), options)).backward()
    assert [name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()] == []
    with torch.no_grad():
        terms = objective.loss(made.eval(), batch, torch.Generator(), options)
    assert terms["mlm_exported"].weight == 0
    ARCHITECTURE.export(dict(made.roles.items()), tmp_path)
    loaded, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        logits = loaded.eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long()).logits
    theirs = functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORE_INDEX)
    term = terms["mlm_exported"]
    assert float(term.sum / term.count) == pytest.approx(float(theirs), abs=1e-5)
    assert abs(float(terms["mlm"].sum / term.count) - float(theirs)) > 1e-4


@torch.no_grad()
def test_packed_examples_have_the_positions_of_unpacked_ones(info, batches):
    student, (plain, packed) = models(info).student, batches
    real = plain["attention_mask"]
    assert (packed["packing"] >= 0).sum(dim=1).max() > LENGTH, "a row holds several examples"
    torch.testing.assert_close(student.hidden(packed)[real], student.hidden(plain)[real], atol=1e-5, rtol=0)


def test_debertav3_s_generator_has_it_and_its_discriminator_does_not(info):
    """As in the released code of DeBERTaV3."""
    made = models(info, objective="replaced_tokens", generator_width=1, embedding_sharing="gradient_disentangled")
    assert isinstance(made["generator"], WithMaskDecoder)
    assert not isinstance(made.student, WithMaskDecoder)
