import pytest

from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import load_recipe

GOOD = {
    "objective": {"name": "mlm_nsp"},
    "architecture": {"name": "bert", "size": "mini"},
    "phases": [{"max_length": 128, "batch_size": 32}],
    "max_steps": 10,
}


def test_sizes_and_options_are_written_out_in_full():
    config = PretrainConfig.parse(GOOD)
    assert config.architecture["layers"] == 4
    assert config.objective["mlm_probability"] == 0.15
    assert config.options.short_probability == 0.1
    assert PretrainConfig.parse(config.model_dump()) == config


def test_a_single_size_may_differ_from_the_named_ones():
    config = PretrainConfig.parse(GOOD | {"architecture": {"name": "bert", "size": "mini", "dropout": 0.0}})
    assert (config.sizes.hidden, config.sizes.dropout) == (256, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": {"name": "mlm_nps"}}, "did you mean `mlm_nsp`"),
        (
            {"objective": {"name": "mlm_nsp", "mlm_probabilty": 0.2}},
            r"pretrain\.objective\.mlm_probabilty: unknown key; did you mean `mlm_probability`",
        ),
        ({"architecture": {"name": "bert", "size": "minni"}}, "did you mean `mini`"),
        ({"architecture": {"name": "modernbert", "size": "mini"}}, "needs the head 'sequence_pair'"),
        ({"phases": [{"max_length": 128, "batch_size": 32, "share": 0.5}]}, "add up to 0.5"),
        ({"phases": [{"max_length": 1024, "batch_size": 32}]}, "beyond the architecture's 512 positions"),
        (
            {"phases": [{"max_length": 128, "batch_size": 32, "row_length": 100}]},
            "row_length 100 does not hold an example",
        ),
        ({"attention": "flex_attention"}, r"does not support dropout; set pretrain.architecture.dropout: 0"),
        ({"strategy": "fsdp", "precision": "fp16"}, "strategy fsdp does not support precision fp16"),
        ({"strategy": "fsdp", "compile": True}, "fsdp does not support compile"),
        ({"strategy": "fsdp", "optimizer": "muon"}, "the matrices that optimizer muon needs whole"),
        ({"max_steps": 0}, "max_steps"),
        ({"betas": [0.9, 1.0]}, r"betas\.1: .*less than 1"),
        ({"betas": [-0.1, 0.9]}, r"betas\.0: .*greater than or equal to 0"),
        ({"betas": [0.9, float("inf")]}, "betas: a finite number is needed"),
        ({"betas": [0.9, float("nan")]}, "betas: a finite number is needed"),
        ({"architecture": {"name": "bert", "size": "mini", "hidden": 250}}, "hidden 250 is not a multiple of heads 4"),
        (
            {"architecture": {"name": "roberta", "size": "mini", "heads": 3}, "objective": {"name": "mlm"}},
            "hidden 256 is not a multiple of heads 3",
        ),
        (
            {"architecture": {"name": "modernbert", "size": "mini", "hidden": 252}, "objective": {"name": "mlm"}},
            "heads of 63, and rotary positions need an even size",
        ),
        (
            {"architecture": {"name": "bert", "size": "mini", "hidden": 240, "dropout": 0.0}, "attention": "varlen"},
            "a multiple of 8 and at most 256, not 60",
        ),
        (
            {
                "architecture": {"name": "bert", "size": "mini", "hidden": 32, "dropout": 0.0},
                "attention": "flex_attention",
            },
            "heads of 16 or more, not 8",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_training(change, message):
    with pytest.raises(RecipeError, match=message):
        PretrainConfig.parse(GOOD | change)


def test_who_draws_batches_and_how_attention_is_computed_change_no_fingerprint():
    architecture = {"name": "bert", "size": "mini", "dropout": 0.0}
    plain, other = (
        PretrainConfig.parse(GOOD | {"architecture": architecture} | changes)
        for changes in ({}, {"workers": 2, "attention": "flex_attention", "compile": True})
    )
    assert plain.content() == other.content()
    packed = PretrainConfig.parse(GOOD | {"phases": [{"max_length": 128, "batch_size": 32, "row_length": 512}]})
    assert packed.content() != PretrainConfig.parse(GOOD).content()


def test_masking_whole_morphemes_needs_a_dataset_that_notes_them():
    masking = "pretrain.objective.unit=morpheme"
    with pytest.raises(RecipeError, match=r"reads morpheme_start, .* set dataset.morphemes: true"):
        load_recipe("quickstart", (masking,))
    assert load_recipe("quickstart", (masking, "dataset.morphemes=true")).pretrain.options.unit == "morpheme"
