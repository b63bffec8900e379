"""Walks every pair of an objective and an architecture that fit: a new row of either table is tested by existing."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from pairs import COVERING_FIRST, PAIRS, config_of_pair, tiny_models
from torch.nn import functional

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.source_and_target import LABELS
from kobert_pipeline.pretrain.batch_rows import micro_batches
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture
def make(tiny, info):
    """(objective, architecture) -> models, batch of eight examples, the objective's loss."""

    def build(objective_name, architecture_name, **settings):
        config = config_of_pair(objective_name, architecture_name, **settings)
        objective, store, options = OBJECTIVES[objective_name], Store(tiny.dataset), config.options
        examples = objective.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 48), options)
        batch = draw(objective, examples, np.arange(min(8, len(examples))), info, options, seed=0, number=0, width=48)
        return tiny_models(config, info), batch, partial(objective.loss, options=options)

    return build


def test_every_objective_is_learned_by_some_architecture():
    assert {objective for objective, _ in PAIRS} == set(OBJECTIVES)
    assert {architecture for _, architecture in PAIRS} == set(ARCHITECTURES)


@pytest.mark.parametrize("table", [OBJECTIVES, ARCHITECTURES])
def test_a_row_is_listed_under_its_own_name_and_names_its_paper(table):
    for name, row in table.items():
        assert row.name == name
        assert any(character.isdigit() for character in row.paper)


def test_every_named_size_builds_from_its_settings_alone():
    for architecture in ARCHITECTURES.values():
        assert {"mini", "small", "base"} <= set(architecture.named_sizes)
        for sizes in architecture.named_sizes.values():
            assert sizes.hidden % sizes.heads == 0


@pytest.mark.parametrize(("objective", "architecture"), PAIRS)
def test_the_loss_is_finite_and_every_parameter_gets_a_gradient(make, objective, architecture):
    model, batch, loss = make(objective, architecture)
    total = total_loss(loss(model, batch, torch.Generator()))
    total.backward()
    assert torch.isfinite(total)
    without = [
        name for name, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum())
    ]
    assert without == []


@pytest.mark.parametrize(("objective", "architecture"), PAIRS)
def test_the_gradients_of_two_ranks_add_up_to_those_of_one(make, objective, architecture):
    """Each rank has some rows of a batch, and divides by the counts of all."""
    model, batch, loss = make(objective, architecture)
    counts, gradients = OBJECTIVES[objective].counts(batch), []
    for parts in ([batch], micro_batches(batch, 5)):
        model.zero_grad()
        for part in parts:
            total_loss(loss(model, part, torch.Generator()), counts).backward()
        gradients.append({name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad})
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], atol=1e-5), name


@pytest.mark.parametrize(("objective", "architecture"), COVERING_FIRST)
def test_a_small_model_memorises_eight_examples(make, objective, architecture):
    model, batch, loss = make(objective, architecture)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    accuracies = {"": 0.0}
    for _ in range(300):
        optimizer.zero_grad()
        terms = loss(model, batch, torch.Generator())
        total_loss(terms).backward()
        optimizer.step()
        accuracies = {name: float(term.sum / term.count) for name, term in terms.items() if name.endswith("_accuracy")}
        if min(accuracies.values()) > 0.95:
            break
    assert min(accuracies.values()) > 0.95, accuracies


@pytest.mark.parametrize(("objective", "architecture"), PAIRS)
def test_the_exported_folder_gives_the_hidden_states_of_training(make, objective, architecture, tmp_path):
    from transformers import AutoModel

    model, batch, _ = make(objective, architecture)
    model.eval()
    names = ARCHITECTURES[architecture].export(dict(model.roles.items()), tmp_path)
    assert names == ["model", *list(model.roles)[1:]]
    loaded = AutoModel.from_pretrained(tmp_path / "model").eval()
    given = {name: batch[name].long() for name in ARCHITECTURES[architecture].model_inputs}  # as a tokenizer gives them
    targets, read, real = {}, {}, batch["attention_mask"]
    if ARCHITECTURES[architecture].writes_targets:
        targets = {LABELS: batch[LABELS]}
        read = {"decoder_input_ids": model.student.transformer.prepare_decoder_input_ids_from_labels(batch[LABELS])}
        real = batch[LABELS] != IGNORE_INDEX
    with torch.no_grad():
        expected, found = model.student.hidden(given | targets), loaded(**given, **read).last_hidden_state
    assert torch.allclose(expected[real], found[real], atol=1e-5)


def test_our_loss_equals_that_of_bert_for_pre_training(make):
    """Reference: transformers computes over every position and ignores -100; we run the head on masked positions only."""
    model, batch, loss = make("mlm_nsp", "bert")
    model.eval()
    with torch.no_grad():
        ours = total_loss(loss(model, batch, torch.Generator()))
        theirs = model.student.transformer(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long(), token_type_ids=batch["token_type_ids"],
            labels=batch["labels"], next_sentence_label=batch["next_sentence_label"],
        ).loss  # fmt: skip
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


def test_our_loss_equals_that_of_albert_for_pre_training(make):
    model, batch, loss = make("mlm_sop", "albert", unit="ngram", max_span=3)
    model.eval()
    with torch.no_grad():
        ours = total_loss(loss(model, batch, torch.Generator()))
        theirs = model.student.transformer(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long(), token_type_ids=batch["token_type_ids"],
            labels=batch["labels"], sentence_order_label=batch["sentence_order_label"],
        ).loss  # fmt: skip
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize("architecture", ["modernbert", "roberta", "deberta"])
def test_our_loss_equals_that_of_transformers_for_masked_lm(make, architecture):
    """Some rows are padded: RoBERTa's positions leave padding out."""
    model, batch, loss = make("mlm", architecture, whole_sentences=True)
    model.eval()
    with torch.no_grad():
        terms = loss(model, batch, torch.Generator())
        logits = model.student.transformer(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long()
        ).logits
    reference = functional.cross_entropy(
        logits.view(-1, logits.shape[-1]), batch["labels"].view(-1), ignore_index=IGNORE_INDEX
    )
    assert float(total_loss(terms)) == pytest.approx(float(reference), abs=1e-5)


@pytest.mark.parametrize("architecture", ["gpt", "gpt2", "llama"])
def test_our_loss_equals_that_of_transformers_for_causal_lm(make, architecture):
    """Some rows are padded. transformers shifts labels itself."""
    model, batch, loss = make("causal", architecture)
    model.eval()
    mask = batch["attention_mask"]
    assert not mask.all()
    with torch.no_grad():
        terms = loss(model, batch, torch.Generator())
        reference = model.student.transformer(
            input_ids=batch["input_ids"],
            attention_mask=mask.long(),
            labels=batch["input_ids"].where(mask, IGNORE_INDEX),
        ).loss
    assert float(total_loss(terms)) == pytest.approx(float(reference), abs=1e-5)
    bits = terms["bits_per_character"]
    assert float(bits.sum) == pytest.approx(float(terms["next_token"].sum) / np.log(2), rel=1e-6)
    assert float(bits.count) == float(batch["characters"].sum()) - float(batch["characters"][:, 0].sum())


@pytest.mark.parametrize(
    ("objective", "architecture"), [pair for pair in PAIRS if ARCHITECTURES[pair[1]].writes_targets]
)
def test_our_loss_equals_that_of_transformers_for_sequence_to_sequence(make, objective, architecture):
    """Some sources and some targets are padded. transformers makes of the labels what the decoder reads."""
    model, batch, loss = make(objective, architecture)
    model.eval()
    assert not batch["attention_mask"].all()
    assert (batch[LABELS] == IGNORE_INDEX).any()
    with torch.no_grad():
        ours = total_loss(loss(model, batch, torch.Generator()))
        theirs = model.student.transformer(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"].long(), labels=batch[LABELS]
        ).loss
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


def test_a_fixed_number_of_predictions_gives_the_same_loss_in_a_fixed_shape(make):
    """The head runs on gathered slots, of which the last are empty."""
    model, free, loss = make("mlm", "bert", max_predictions=20)
    _, fixed, _ = make("mlm", "bert", max_predictions=20, fixed_predictions=True)
    assert fixed["masked_labels"].shape == (len(free["labels"]), 20)
    assert "labels" not in fixed
    with torch.no_grad():
        terms = [loss(model.eval(), batch, torch.Generator()) for batch in (free, fixed)]
    for name in terms[0]:
        assert float(terms[0][name].count) == float(terms[1][name].count)
        assert float(terms[0][name].sum) == pytest.approx(float(terms[1][name].sum), rel=1e-5)


@pytest.mark.parametrize("unit", ["eojeol", "span"])
def test_whole_eojeols_are_masked_by_the_marks_of_the_store(make, tiny, info, unit):
    """A masked piece that begins with ## has all the pieces of its eojeol masked: checked on the text."""
    from tokenizer.load import load_tokenizer

    tokenizer = load_tokenizer(tiny.tokenizer)
    inner = np.array([tokenizer.id_to_token(number).startswith("##") for number in range(info.vocab_size)])
    _, batch, _ = make("mlm", "bert", unit=unit, mlm_probability=0.4)
    selected = (batch["labels"] != IGNORE_INDEX).numpy()
    original = np.where(selected, batch["labels"].numpy(), batch["input_ids"].numpy())
    glued = inner[original[:, 1:]] & ~np.isin(original[:, :-1], [info.cls_id, info.sep_id])
    assert glued.sum() > 50
    assert np.array_equal(selected[:, 1:][glued], selected[:, :-1][glued])


def test_a_pair_reads_as_bert_writes_it(make, info, tiny):
    from tokenizer.load import load_tokenizer

    _, batch, _ = make("mlm_nsp", "bert")
    original = torch.where(batch["labels"] != IGNORE_INDEX, batch["labels"], batch["input_ids"])
    for ids, types, mask in zip(original, batch["token_type_ids"], batch["attention_mask"], strict=True):
        real = ids[mask].tolist()
        separators = [position for position, piece in enumerate(real) if piece == info.sep_id]
        assert real[0] == info.cls_id
        assert len(separators) == 2
        assert separators[1] == len(real) - 1
        assert types[mask].tolist() == [0] * (separators[0] + 1) + [1] * (len(real) - separators[0] - 1)
    text = load_tokenizer(tiny.tokenizer).decode(original[0][batch["attention_mask"][0]].tolist())
    assert "다." in text


def test_random_replacements_are_ordinary_pieces(info, tiny):
    from tokenizer.load import load_tokenizer

    tokenizer = load_tokenizer(tiny.tokenizer)
    pieces = {tokenizer.id_to_token(int(number)) for number in info.replacements}
    assert not pieces & {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    assert not any(piece.startswith("[unused") for piece in pieces)
    assert len(pieces) == info.vocab_size - 5 - 128
