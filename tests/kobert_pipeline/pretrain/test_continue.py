"""Continued pretraining: weights of a checkpoint, and everything that must not be mixed up."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from pairs import OBJECTIVE_OF, known_sizes
from published_models import SPECIAL, network
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, RobertaConfig, RobertaForMaskedLM

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import REPLACED, ModelSpec
from kobert_pipeline.dataset.build import build as build_dataset
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.extending import extend
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.ground.parallel import ALONE
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.build import build
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.start import load_weights
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import identities
from kobert_pipeline.uses import USES
from tokenizer.adopt import adopt
from tokenizer.load import load_tokenizer

SETTINGS = {
    "objective": {"name": "mlm_nsp"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64},
    "phases": [{"max_length": 48, "batch_size": 8}],
    "max_steps": 12, "validation_steps": 12, "log_steps": 4, "precision": "fp32", "measured_sentences": 0,
}  # fmt: skip


def train(root, tokenizer, dataset, start=None, **changes):
    config = PretrainConfig.parse(SETTINGS | changes)
    with Workspace(root, Identity("pretrain", 1, config.content(), {}, 7, {})) as out:
        return out.finish(build(config, tokenizer, dataset, out, seed=7, start=start), {})


@pytest.fixture(scope="module")
def model(tiny, tmp_path_factory):
    """The exported folder of a finished run."""
    return train(tmp_path_factory.mktemp("first"), tiny.tokenizer, tiny.dataset) / "model"


def test_a_finished_run_goes_on_where_it_ended(model, tiny, tmp_path):
    ended = read_manifest(model.parent).summary["validation"][-1]
    begun = read_manifest(train(tmp_path, tiny.tokenizer, tiny.dataset, model, max_steps=2)).summary["validation"][0]
    assert begun["mlm"] == pytest.approx(ended["mlm"], abs=1e-5)
    assert begun["nsp"] == pytest.approx(ended["nsp"], abs=1e-5)


def five_times(corpora, folder):
    """Its text so often that every morpheme is frequent."""
    (folder / "shards").mkdir(parents=True)
    for shard in (corpora / "shards").iterdir():
        pq.write_table(pa.concat_tables([pq.read_table(shard)] * 5), folder / "shards" / shard.name)
    return folder


def adopted(checkpoint, tiny, root):
    """A checkpoint's tokenizer as the stage takes it over, and the tiny text cut with it."""
    with Workspace(root, Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        tokenizer = out.finish(adopt(checkpoint, tiny.corpora, out, special_tokens=()), {})
    inputs = {"tokenizer": read_manifest(tokenizer).fingerprint}
    with Workspace(root, Identity("dataset", 1, {}, inputs, 0, {})) as out:
        config = DatasetConfig(validation_share=0.15)
        summary = build_dataset(config, tiny.corpora, tokenizer, out, load=load_tokenizer, execution=ALONE)
        return tokenizer, out.finish(summary, {})


def test_an_extended_checkpoint_goes_on_with_its_own_tokenizer(model, tiny, tmp_path):
    added = extend(str(model), five_times(tiny.corpora, tmp_path / "text"), tmp_path / "extended", 20, ALONE)
    pieces = 992 + len(added["pieces"])
    tokenizer, dataset = adopted(tmp_path / "extended", tiny, tmp_path)
    with pytest.raises(InputError, match=r"vocabulary.*Set tokenizer\.adopt"):
        train(tmp_path / "wrong", tiny.tokenizer, tiny.dataset, tmp_path / "extended")
    folder = train(tmp_path / "right", tokenizer, dataset, tmp_path / "extended", max_steps=2)
    assert read_json(folder / "model" / "config.json")["vocab_size"] == pieces > 992
    assert load_tokenizer(folder / "model", check=False).get_vocab_size() == pieces


WEIGHTS, PAIR = ARCHITECTURES["bert"].weights, ("tokens", "sequence_pair")
SPEC = ModelSpec(992, 0, 2, 3, 48)


def built(name, spec=SPEC, **sizes):
    architecture = ARCHITECTURES[name]
    shape = {"layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64} | sizes
    return architecture.build(
        architecture.sizes(**known_sizes(name, shape)),
        spec,
        tuple(head for head in architecture.heads if head != REPLACED),
    )


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_the_weights_of_every_architecture_come_back(name, tmp_path):
    first, second = built(name), built(name)
    ARCHITECTURES[name].export({"student": first}, tmp_path)
    load_weights(second, tmp_path / "model", ARCHITECTURES[name].weights, ("tokens", "sequence_pair"))
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key


@pytest.fixture(scope="module")
def klue_like(tiny, tmp_path_factory):
    """A checkpoint as klue/roberta-* are: RoBERTa with a WordPiece tokenizer whose padding is number 1, and that has no
    segments."""
    folder = tmp_path_factory.mktemp("klue")
    pieces = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    known = (tiny.tokenizer / "vocab.txt").read_text(encoding="utf-8").splitlines()
    lines = [*pieces, *(piece for piece in known if piece not in pieces)]
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = RobertaConfig(
        vocab_size=len(lines), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(3)
    RobertaForMaskedLM(config).save_pretrained(folder)
    return folder


def test_a_roberta_checkpoint_goes_on_with_its_own_tokenizer(klue_like, tiny, tmp_path):
    tokenizer, dataset = adopted(klue_like, tiny, tmp_path)
    changes = {
        "objective": {"name": "mlm"}, "architecture": SETTINGS["architecture"] | {"name": "roberta"},
        "learning_rate": 1e-12, "max_steps": 2,
    }  # fmt: skip
    folder = train(tmp_path / "run", tokenizer, dataset, klue_like, **changes) / "model"
    text = "봄이 오면 [MASK]가 핀다."
    given = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    assert set(given) == {"input_ids", "attention_mask"}
    assert given["input_ids"][0, 0] == 0
    first, after = (AutoModelForMaskedLM.from_pretrained(place).eval() for place in (klue_like, folder))
    assert type(after) is type(first)
    assert after.config.max_position_embeddings == 66
    with torch.no_grad():
        assert torch.allclose(first(**given).logits, after(**given).logits, atol=1e-5)


def test_positions_of_roberta_are_named_as_a_recipe_counts_them(klue_like):
    with pytest.raises(InputError, match=r"has positions 64; set pretrain\.architecture .* positions 48"):
        load_weights(built("roberta", spec=ModelSpec(992, 1, 0, 2, 48), positions=48), klue_like, WEIGHTS, ("tokens",))


def test_another_architecture_is_refused_by_name(model):
    with pytest.raises(InputError, match="is a bert; this recipe's architecture is modernbert"):
        load_weights(built("modernbert"), model, WEIGHTS, ("tokens",))


def test_other_sizes_are_refused_by_name(model):
    with pytest.raises(
        InputError, match=r"has layers 1, feed_forward 64; set pretrain\.architecture .* layers 2, feed_forward 96"
    ):
        load_weights(built("bert", layers=2, feed_forward=96), model, WEIGHTS, PAIR)


def test_what_no_recipe_can_change_is_refused(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "relu")
    write_json(folder / "config.json", read_json(folder / "config.json") | {"hidden_act": "relu"})
    with pytest.raises(InputError, match="hidden_act relu, where our bert is built with gelu"):
        load_weights(built("bert"), folder, WEIGHTS, PAIR)


def test_pickled_weights_are_never_read(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no safetensors"):
        load_weights(built("bert"), folder, WEIGHTS, PAIR)


def test_a_checkpoint_that_lacks_weights_is_refused(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "headless")
    weights = {
        name: value for name, value in load_file(folder / "model.safetensors").items() if "predictions" not in name
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks .* of the weights, for example cls\.predictions"):
        load_weights(built("bert"), folder, WEIGHTS, PAIR)


PUBLISHED = {"bert": "BertForPreTraining", "roberta": "RobertaForMaskedLM", "modernbert": "ModernBertForMaskedLM"}
"""Classes of which foreign checkpoints are made; those of other architectures are our own."""


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_an_output_matrix_of_its_own_stays_its_own(name, tiny, tiny_bytes, tmp_path):
    tiny = tiny_bytes if OBJECTIVES[OBJECTIVE_OF[name]].writes else tiny
    numbers = load_tokenizer(tiny.tokenizer).get_vocab()
    pieces = sorted(numbers, key=numbers.__getitem__)
    if name in PUBLISHED:
        network(PUBLISHED[name], len(pieces), pieces, tie_word_embeddings=False).save_pretrained(tmp_path / "old")
    else:
        old = built(name, spec=ModelSpec(len(pieces), 0, 2, 3, 48, tied=False))
        old.transformer.save_pretrained(tmp_path / "old")
    changes = {
        "objective": {"name": OBJECTIVE_OF[name]}, "max_steps": 1, "learning_rate": 1e-9,
        "architecture": {"name": name} | known_sizes(name, SETTINGS["architecture"]),
    }  # fmt: skip
    model = train(tmp_path, tiny.tokenizer, tiny.dataset, tmp_path / "old", **changes) / "model"
    assert read_json(model / "config.json")["tie_word_embeddings"] is False
    old, new = (load_file(folder / "model.safetensors") for folder in (tmp_path / "old", model))
    assert set(new) == set(old)
    for weight, value in old.items():
        assert torch.allclose(new[weight], value, atol=1e-6), weight
    use = USES[OBJECTIVES[OBJECTIVE_OF[name]].use]
    loaded = getattr(transformers, use.class_for(ARCHITECTURES[name].weights.model_type)).from_pretrained(model)
    assert not torch.equal(loaded.get_output_embeddings().weight, loaded.get_input_embeddings().weight)


def test_the_one_bias_that_transformers_4_saved_is_read(tiny, tmp_path):
    network("RobertaForMaskedLM", 992, SPECIAL, tie_word_embeddings=False).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["lm_head.decoder.bias"]
    weights["lm_head.bias"] = torch.arange(992.0)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    model = built("roberta", spec=ModelSpec(992, 0, 2, 3, 48, tied=False))
    load_weights(model, tmp_path, ARCHITECTURES["roberta"].weights, ("tokens",))
    assert torch.equal(model.transformer.lm_head.decoder.bias, torch.arange(992.0))


def test_two_matrices_that_should_be_one_are_refused(tmp_path):
    network("BertForPreTraining", 992, SPECIAL, tie_word_embeddings=False).save_pretrained(tmp_path)
    write_json(tmp_path / "config.json", read_json(tmp_path / "config.json") | {"tie_word_embeddings": True})
    with pytest.raises(InputError, match="Write `tie_word_embeddings: false` there to continue both"):
        load_weights(built("bert"), tmp_path, WEIGHTS, PAIR)


def fingerprint(root, start):
    recipe = load_recipe("quickstart", (f"pretrain.continue_from={start}",) if start else ())
    return identities(recipe, root, until="pretrain")["pretrain"]


def test_the_content_of_the_checkpoint_is_part_of_the_fingerprint_and_its_path_is_not(model, tmp_path):
    plain, first = fingerprint(tmp_path, None), fingerprint(tmp_path, model)
    assert set(first.inputs) - set(plain.inputs) == {"continue_from config.json", "continue_from model.safetensors"}
    moved = shutil.copytree(model, tmp_path / "moved")
    assert fingerprint(tmp_path, moved).fingerprint == first.fingerprint != plain.fingerprint
    weights = load_file(moved / "model.safetensors")
    save_file({name: value + 1 for name, value in weights.items()}, moved / "model.safetensors")
    assert fingerprint(tmp_path, moved).fingerprint != first.fingerprint


def test_a_folder_that_is_missing_is_told_before_anything_runs(tmp_path):
    with pytest.raises(InputError, match=r"no such folder\. A model on the Hub is written hub:klue/bert-base"):
        fingerprint(tmp_path, "klue/bert-base")
    with pytest.raises(InputError, match=r"holds none of config\.json"):
        fingerprint(tmp_path, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(value, tmp_path):
    ARCHITECTURES["bert"].export({"student": built("bert")}, tmp_path)
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    name = next(key for key in weights if key.endswith("query.weight"))
    weights[name][0, 0] = value
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"continue_from: model: .*query\.weight has 1 values that are not finite"):
        load_weights(built("bert"), tmp_path / "model", WEIGHTS, PAIR)
