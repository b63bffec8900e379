"""Several examples in a row: each is computed as if it were alone."""

from __future__ import annotations

import shutil
from functools import partial

import numpy as np
import pytest
import torch
from pairs import PAIRS, config_of_pair, tiny_models

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.data import cut_into_packed_batches, draw
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SIZES = {"layers": 4, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64, "dropout": 0.0}
LOCAL = {"modernbert": {"local_attention": 16}}
"""Windows shorter than the examples."""
LENGTH, ROW = 48, 160
PACKING_PAIRS = [pair for pair in PAIRS if ARCHITECTURES[pair[1]].packs and not OBJECTIVES[pair[0]].reads_scores]
FIRST = {architecture: objective for objective, architecture in reversed(PACKING_PAIRS)} | {"bert": "mlm_nsp"}
"""An objective for each architecture."""
FLEX = [
    pytest.mark.system,  # it is compiled first
    pytest.mark.skipif(shutil.which("g++") is None, reason="flex_attention needs a C++ compiler (g++) on a CPU"),
]


def with_attentions(*row):
    """(…, architecture) with every attention that the architecture offers."""
    return [
        pytest.param(*row, attention, marks=FLEX if attention == "flex_attention" else [])
        for attention in ARCHITECTURES[row[-1]].attentions
    ]


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture
def make(tiny, info):
    """(objective, architecture, attention) -> models, a batch unpacked and packed, the objective's loss."""

    def build(objective_name, architecture_name, implementation="auto", **settings):
        sizes = SIZES | LOCAL.get(architecture_name, {})
        config = config_of_pair(
            objective_name, architecture_name, sizes, length=LENGTH, attention=implementation, **settings
        )
        objective, store, options = OBJECTIVES[objective_name], Store(tiny.dataset), config.options
        examples = objective.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, LENGTH), options)
        rows = cut_into_packed_batches(examples.lengths, ROW, 4, np.random.default_rng(0))[0]
        plain, packed = (
            draw(objective, examples, chosen, info, options, seed=0, number=3, width=LENGTH, row_length=row_length)
            for chosen, row_length in ((rows[rows >= 0], None), (rows, ROW))
        )
        return tiny_models(config, info).eval(), plain, packed, partial(objective.loss, options=options)

    return build


@pytest.mark.parametrize(("objective", "architecture"), dict(reversed(PACKING_PAIRS)).items())
def test_packing_changes_no_mask_and_no_label(make, objective, architecture):
    _, plain, packed, _ = make(objective, architecture)
    rows = packed.pop("packing")
    assert rows.shape[1] == ROW
    assert len(plain["input_ids"]) > 2 * len(rows)
    assert plain.keys() == packed.keys()
    assert all(torch.equal(plain[name], packed[name]) for name in plain)


@pytest.mark.parametrize(
    ("architecture", "implementation"),
    [case for name, architecture in ARCHITECTURES.items() if architecture.packs for case in with_attentions(name)],
)
@torch.no_grad()
def test_a_changed_example_changes_its_neighbours_by_exactly_nothing(make, architecture, implementation, info):
    """Hidden states and pair logits of every other example, those in the same row among them."""
    models, _, packed, _ = make(FIRST[architecture], architecture, implementation)
    model = models.student
    before = model.hidden(packed)
    changed = dict(packed, input_ids=packed["input_ids"].clone())
    victim = 1
    own = packed["attention_mask"][victim] & (packed["input_ids"][victim] != info.cls_id)
    changed["input_ids"][victim, own] = int(info.replacements[7])
    after = model.hidden(changed)
    others = torch.arange(len(before)) != victim
    numbers = packed["packing"] // packed["input_ids"].shape[1]
    assert len(numbers[(numbers == victim).any(dim=1)].unique()) > 2, "the row holds other examples"
    assert (after[others] - before[others]).abs().max() == 0
    assert (after[victim] - before[victim]).abs().max() > 1e-3
    if architecture == "bert":
        logits = [model.logits("sequence_pair", hidden) for hidden in (before, after)]
        assert (logits[1][others] - logits[0][others]).abs().max() == 0
        assert (logits[1][victim] - logits[0][victim]).abs().max() > 0


@pytest.mark.parametrize(
    ("architecture", "implementation"),
    [case for name, architecture in ARCHITECTURES.items() if architecture.causal for case in with_attentions(name)],
)
@torch.no_grad()
def test_nobody_sees_the_future_packed_or_not(make, architecture, implementation, info):
    """A changed token changes the states before it by exactly nothing."""
    models, plain, packed, _ = make(FIRST[architecture], architecture, implementation)
    victim, place = 1, 20
    assert plain["attention_mask"][victim, place + 1]
    for batch in (plain, packed):
        changed = dict(batch, input_ids=batch["input_ids"].clone())
        changed["input_ids"][victim, place] = int(info.replacements[7])
        before, after = (models.student.hidden(given)[victim] for given in (batch, changed))
        assert (after[:place] - before[:place]).abs().max() == 0
        assert (after[place:] - before[place:]).abs().amax(dim=-1)[:2].min() > 1e-5


@pytest.mark.parametrize(
    ("objective", "architecture", "implementation"), [case for pair in PACKING_PAIRS for case in with_attentions(*pair)]
)
@torch.no_grad()
def test_packed_examples_have_the_states_and_the_loss_of_unpacked_ones(make, objective, architecture, implementation):
    model, plain, packed, loss = make(objective, architecture, implementation)
    real = plain["attention_mask"]
    alone, together = (model.student.hidden(batch) for batch in (plain, packed))
    assert torch.allclose(alone[real], together[real], atol=1e-5)
    assert (together[~real] == 0).all()
    terms, packed_terms = (loss(model, batch, torch.Generator()) for batch in (plain, packed))
    for name, term in terms.items():
        assert float(term.count) == float(packed_terms[name].count)
        assert float(packed_terms[name].sum / term.count) == pytest.approx(float(term.sum / term.count), abs=1e-5)


@torch.no_grad()
def test_the_loss_of_packed_pairs_is_that_of_bert_for_pre_training(make):
    model, plain, packed, loss = make("mlm_nsp", "bert")
    theirs = model.student.transformer(
        input_ids=plain["input_ids"], attention_mask=plain["attention_mask"].long(), token_type_ids=plain["token_type_ids"],
        labels=plain["labels"], next_sentence_label=plain["next_sentence_label"],
    ).loss  # fmt: skip
    assert float(total_loss(loss(model, packed, torch.Generator()))) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize(("objective", "architecture"), PACKING_PAIRS)
def test_packed_and_unpacked_give_every_parameter_the_same_gradient(make, objective, architecture):
    model, plain, packed, loss = make(objective, architecture, "eager")
    gradients = []
    for batch in (plain, packed):
        model.zero_grad()
        total_loss(loss(model, batch, torch.Generator())).backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad})
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], atol=1e-5), name


@torch.no_grad()
def test_a_fixed_number_of_predictions_is_fixed_per_example(make):
    options = {"max_predictions": 12, "fixed_predictions": True}
    model, plain, packed, loss = make("mlm_nsp", "bert", **options)
    assert packed["masked_positions"].shape == (len(plain["input_ids"]), 12)
    sums = [float(loss(model, batch, torch.Generator())["mlm"].sum) for batch in (plain, packed)]
    assert sums[1] == pytest.approx(sums[0], rel=1e-5)
