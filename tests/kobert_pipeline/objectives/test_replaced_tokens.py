"""ELECTRA's objective: equal to transformers' own losses, and the laws of what is replaced and who learns from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pairs import config_of_pair, tiny_models
from safetensors.torch import load_file
from torch.nn import functional
from typer.testing import CliRunner

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.cli import app
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.generators import RowGenerator
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.objective import GENERATOR, BatchContext
from kobert_pipeline.objectives.replaced_tokens import DRAWS, OBJECTIVE, fill, validation_rows
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.uses import USES
from kobert_pipeline.uses.use import UnfitModel


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


@pytest.fixture(scope="module")
def examples(tiny):
    store = Store(tiny.dataset)
    return OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 48), OBJECTIVE.options())


@pytest.fixture
def made(info, examples):
    return make(info, examples, "electra")


def make(info, examples, architecture, **options):
    config = config_of_pair("replaced_tokens", architecture, **options)
    batch = draw(OBJECTIVE, examples, np.arange(8), info, config.options, seed=0, number=0, width=48)
    return tiny_models(config, info), batch, config.options


def test_the_losses_are_those_of_transformers(made):
    models, batch, options = made
    models.eval()
    generator, student = models[GENERATOR].transformer, models.student.transformer
    given = {"attention_mask": batch["attention_mask"].long(), "token_type_ids": batch["token_type_ids"]}
    with torch.no_grad():
        terms = OBJECTIVE.loss(models, batch, torch.Generator(), options)
        guesses = generator(input_ids=batch["input_ids"], **given).logits
        masked = batch["labels"] != IGNORE_INDEX
        filled, replaced = fill(batch, masked, guesses[masked])
        detection = student(input_ids=filled, labels=replaced.long(), **given).loss
    guessing = functional.cross_entropy(guesses[masked], batch["labels"][masked])
    assert float(total_loss(terms)) == pytest.approx(float(guessing + 50 * detection), abs=1e-5 * 50)


def test_in_validation_the_generator_reads_what_it_learned_to_read(info, examples):
    """[MASK] wherever it predicts, as in training: no word that it would have to copy, whatever a recipe says."""
    options = OBJECTIVE.options(mask_share=0.5, random_share=0.5)
    random = RowGenerator(0, 0, first=0, rows=len(examples), width=48)
    batch = OBJECTIVE.collate(examples, np.arange(len(examples)), BatchContext(info, random, training=False), options)
    masked = batch["labels"] != IGNORE_INDEX
    assert masked.sum() > 50
    assert torch.equal(batch["input_ids"] == info.mask_id, masked)


def test_what_the_generator_draws_again_is_not_replaced(made):
    _, batch, _ = made
    masked = batch["labels"] != IGNORE_INDEX
    sure = functional.one_hot(batch["labels"][masked], 3072).float() * 1e4
    filled, replaced = fill(batch, masked, sure)
    assert not replaced.any()
    assert torch.equal(filled[masked], batch["labels"][masked])
    other = functional.one_hot(batch["labels"][masked] + 1, 3073).float() * 1e4
    filled, replaced = fill(batch, masked, other)
    assert torch.equal(replaced, masked)
    assert torch.equal(filled[~masked], batch["input_ids"][~masked])


def test_tokens_are_drawn_as_often_as_the_generator_says():
    """100,000 draws of four tokens: each share is within .01 of its probability, and a token of probability 0 is never drawn."""
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2])
    number = 100_000
    batch = {
        "input_ids": torch.zeros(1, number, dtype=torch.long),
        "labels": torch.zeros(1, number, dtype=torch.long),
        DRAWS: torch.rand(1, number, generator=torch.Generator().manual_seed(0)),
    }
    filled, _ = fill(batch, torch.ones(1, number, dtype=torch.bool), probabilities.log().expand(number, -1))
    shares = filled[0].bincount(minlength=4) / number
    torch.testing.assert_close(shares, probabilities, atol=0.01, rtol=0)
    assert shares[1] == 0


def test_the_student_teaches_the_generator_nothing_but_the_shared_tables(made):
    models, batch, options = made
    terms = OBJECTIVE.loss(models, batch, torch.Generator(), options)
    terms["replaced"].sum.backward()
    shared = {id(parameter) for parameter in models.student.parameters()}
    own = [parameter for parameter in models[GENERATOR].parameters() if id(parameter) not in shared]
    assert own
    assert all(parameter.grad is None for parameter in own)
    assert models.student.transformer.get_input_embeddings().weight.grad is not None


@pytest.mark.parametrize("sharing", ["shared", "none"])
def test_both_models_have_one_table_where_it_is_shared(info, sharing):
    models = tiny_models(config_of_pair("replaced_tokens", "electra", embedding_sharing=sharing), info)
    generator, student = models[GENERATOR].transformer, models.student.transformer
    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        tables = [getattr(model.electra.embeddings, name).weight for model in (generator, student)]
        assert (tables[0] is tables[1]) == (sharing == "shared")
    assert generator.generator_lm_head.weight is generator.electra.embeddings.word_embeddings.weight


def test_the_generator_has_a_quarter_of_the_heads(info):
    config = config_of_pair("replaced_tokens", "electra", {"layers": 4, "hidden": 64, "heads": 4, "feed_forward": 128})
    generator = tiny_models(config, info)[GENERATOR].transformer.config
    assert (generator.num_attention_heads, generator.hidden_size, generator.intermediate_size) == (1, 16, 32)
    assert generator.num_hidden_layers == 4


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ({"heads": 1}, {}, r"the generator would be as wide as the student; set generator_width: 1"),
        ({}, {"fixed_predictions": True, "max_predictions": 5}, "fixed_predictions is not offered"),
        ({}, {"generator_width": 0.0}, "generator_width"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_training(sizes, options, message):
    small = {"layers": 2, "hidden": 32, "heads": 2, "feed_forward": 64} | sizes
    with pytest.raises(RecipeError, match=message):
        config_of_pair("replaced_tokens", "electra", small, **options)


def test_a_row_draws_the_same_whichever_rank_draws_it(info, examples):
    options = OBJECTIVE.options()
    whole = OBJECTIVE.collate(examples, np.arange(8), BatchContext(info, RowGenerator(0, 3, 0, 8, 48)), options)
    part = OBJECTIVE.collate(examples, np.arange(4, 8), BatchContext(info, RowGenerator(0, 3, 4, 4, 48)), options)
    assert torch.equal(whole[DRAWS][4:], part[DRAWS])


def test_precision_and_recall_are_those_of_scikit_learn(made, info, tiny):
    from sklearn.metrics import precision_score, recall_score

    models, _, _ = made
    models.eval()
    batches = validation_rows(Store(tiny.dataset), 20, 16, info)
    assert 0 < sum(len(batch["input_ids"]) for batch in batches) <= 20
    with torch.no_grad():  # so that it judges both ways
        scores = models.student.logits("replaced", models.student.hidden(batches[0]))
        models.student.transformer.discriminator_predictions.dense_prediction.bias -= scores.median()
    truth, judged = [], []
    for batch in batches:
        masked, real = batch["labels"] != IGNORE_INDEX, batch["attention_mask"]
        with torch.no_grad():
            guesses = models[GENERATOR].logits("tokens", models[GENERATOR].hidden(batch)[masked])
            filled, replaced = fill(batch, masked, guesses)
            scores = models.student.logits("replaced", models.student.hidden(batch | {"input_ids": filled}))
        truth.append(replaced[real])
        judged.append(scores[real] > 0)
    y_true, y_pred = torch.cat(truth).numpy(), torch.cat(judged).numpy()
    assert 0 < y_pred.sum() < len(y_pred)
    (measure,) = OBJECTIVE.measures
    found = measure.values(models, batches, torch.device("cpu"))
    assert found == pytest.approx([precision_score(y_true, y_pred), recall_score(y_true, y_pred)])


def test_the_discriminator_detects_and_the_generator_fills(made, tiny, tmp_path):
    """Both folders load with plain transformers; each is refused for the other's use."""
    from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer

    models, _, _ = made
    names = ARCHITECTURES["electra"].export(dict(models.roles.items()), tmp_path)
    assert names == ["model", "generator"]
    for name in names:
        auto_tokenizer(tiny.tokenizer).save_pretrained(tmp_path / name)
    detect, fill_mask = USES["detect_replaced"], USES["fill_mask"]
    (result,) = detect.try_it(*detect.load(str(tmp_path / "model")), ["대한민국의 수도는 겨울이다."])
    scores = [answer.score for answer in result.answers[0]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    (filled,) = fill_mask.try_it(*fill_mask.load(str(tmp_path / "generator")), ["대한민국의 수도는 [MASK]이다."])
    assert len(filled.answers) == 1
    with pytest.raises(UnfitModel):
        fill_mask.load(str(tmp_path / "model"))
    typed = CliRunner().invoke(app, ["fill", str(tmp_path / "model"), "대한민국의 수도는 [MASK]이다."])
    assert typed.exit_code == 0, typed.output
    assert len(typed.output.splitlines()) == 1 + len(filled.answers[0])
    with pytest.raises(UnfitModel, match=r"ElectraForMaskedLM|do not include"):
        detect.load(str(tmp_path / "generator"))


SAME_WIDTH = {"generator_width": 1.0, "generator_depth": 0.5, "embedding_sharing": "gradient_disentangled"}


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "deberta", "electra"])
def test_under_disentangled_sharing_the_student_does_not_train_the_generators_table(
    info, examples, architecture, tmp_path
):
    """DeBERTaV3: its gradient on the shared table is exactly 0, and the exported table is the sum."""
    models, batch, options = make(info, examples, architecture, **SAME_WIDTH)
    terms = OBJECTIVE.loss(models, batch, torch.Generator(), options)
    terms["replaced"].sum.backward()
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in models[GENERATOR].parameters())
    table = models.student.transformer.get_input_embeddings()
    assert table.parametrizations.weight.original.grad.abs().sum() > 0
    with torch.no_grad():
        table.parametrizations.weight.original.normal_()
    expected = models[GENERATOR].transformer.get_input_embeddings().weight + table.parametrizations.weight.original
    ARCHITECTURES[architecture].export(dict(models.roles.items()), tmp_path)
    weights = load_file(tmp_path / "model" / "model.safetensors")
    (found,) = (weight for weight in weights.values() if weight.shape == expected.shape)
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "deberta"])
def test_a_discriminator_of_another_architecture_is_a_token_classifier(info, examples, architecture, tiny, tmp_path):
    from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer

    models, _, _ = make(info, examples, architecture)
    models.eval()
    ARCHITECTURES[architecture].export(dict(models.roles.items()), tmp_path)
    auto_tokenizer(tiny.tokenizer).save_pretrained(tmp_path / "model")
    use = USES["detect_replaced"]
    tokenizer, network = use.load(str(tmp_path / "model"))
    assert type(network).__name__.endswith("ForTokenClassification")
    (result,) = use.try_it(tokenizer, network, ["대한민국의 수도는 겨울이다."])
    with torch.no_grad():
        ids = tokenizer(result.text, return_tensors="pt")["input_ids"]
        given = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids, dtype=torch.bool),
            "token_type_ids": torch.zeros_like(ids),
        }
        ours = models.student.logits("replaced", models.student.hidden(given)).sigmoid()[0, 1:-1]
    assert result.answers[0][0].score == pytest.approx(float(ours.max()), abs=1e-5)


def test_sharing_needs_tables_of_one_width():
    config_of_pair("replaced_tokens", "bert")  # auto: none are shared
    with pytest.raises(RecipeError, match=r"embedding_sharing shared needs models whose embeddings are equally wide"):
        config_of_pair("replaced_tokens", "bert", embedding_sharing="shared")


def test_a_measure_of_nothing_is_zero(made):
    models, _, _ = made
    for measure in OBJECTIVE.measures:
        assert measure.values(models, [], torch.device("cpu")) == (0, 0)
