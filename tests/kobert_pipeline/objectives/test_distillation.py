"""DistilBERT and TinyBERT: losses against plain formulas over transformers' own outputs, how the student begins, what stays of the
teacher, and everything that does not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pairs import TINY, config_of_pair, known_sizes, teacher_folder, tiny_models
from safetensors.torch import load_file
from tiny_training import artifact, config_of, finished, program, start, train
from torch.nn import functional
from transformers import AutoModel, AutoModelForMaskedLM

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import FileHashes, read_json, write_json
from kobert_pipeline.ground.pointers import Pointer
from kobert_pipeline.handover import check_pretrain, pretrain_inputs
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TEACHER
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.frozen_models import student_rows
from kobert_pipeline.pretrain.models import build_models
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import identities

TAUGHT = ("distillation", "layer_distillation")


@pytest.fixture(scope="module")
def info(tiny: Any) -> Any:
    return tokenizer_info(tiny.tokenizer)


def padded_batch(tiny: Any, info: Any, config: Any) -> dict[str, torch.Tensor]:
    """Eight examples, some cut short."""
    objective, store = OBJECTIVES[config.objective["name"]], Store(tiny.dataset)
    examples = objective.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 48), config.options)
    batch = draw(objective, examples, np.arange(8), info, config.options, seed=0, number=0, width=48)
    mask = batch["attention_mask"].clone()
    mask[::2, 30:] = False
    return batch | {
        "attention_mask": mask,
        "input_ids": batch["input_ids"].where(mask, 0),
        "labels": batch["labels"].where(mask, IGNORE_INDEX),
        **({"imitated": batch["imitated"] & mask} if "imitated" in batch else {}),
    }


def asked(batch: dict[str, torch.Tensor], architecture: str) -> dict[str, torch.Tensor]:
    """As people ask transformers."""
    return {name: batch[name].long() for name in ARCHITECTURES[architecture].model_inputs}


# --- losses against transformers' outputs -----------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "masked_only"), [("bert", False), ("modernbert", False), ("bert", True)])
def test_distillation_equals_the_formula_over_the_outputs_of_transformers(
    tiny, info, architecture, masked_only, tmp_path
):
    given = {"temperature": 3.0, "soft_weight": 2.0, "mlm_weight": 0.5, "masked_only": masked_only}
    config = config_of_pair("distillation", architecture, **given)
    models, batch = tiny_models(config, info).eval(), padded_batch(tiny, info, config)
    assert not batch["attention_mask"].all()
    with torch.no_grad():
        ours = OBJECTIVES["distillation"].loss(models, batch, torch.Generator(), config.options)
    ARCHITECTURES[architecture].export(dict(models.roles.items()), tmp_path)
    folders = tmp_path / "model", teacher_folder(architecture, info.vocab_size)
    with torch.no_grad():
        outputs = [
            AutoModelForMaskedLM.from_pretrained(folder).eval()(**asked(batch, architecture), output_hidden_states=True)
            for folder in folders
        ]
        last = [
            AutoModel.from_pretrained(folder).eval()(**asked(batch, architecture)).last_hidden_state
            for folder in folders
        ]
    real, chosen = batch["attention_mask"], batch["labels"] != IGNORE_INDEX
    imitated = chosen if masked_only else real
    student, teacher = (output.logits[imitated] / 3.0 for output in outputs)
    wanted = teacher.softmax(-1)
    soft = 9.0 * (wanted * (wanted.log() - student.log_softmax(-1))).sum(-1).mean()
    mlm = functional.cross_entropy(outputs[0].logits[chosen], batch["labels"][chosen])
    one, other = (states[real] for states in last)
    cosine = (1 - (one * other).sum(-1) / one.norm(dim=-1) / other.norm(dim=-1)).mean()
    assert float(ours["soft_targets"].sum / ours["soft_targets"].count) == pytest.approx(float(soft), abs=1e-5)
    divided = OBJECTIVES["distillation"].counts(batch)
    assert {name: float(term.count) for name, term in ours.items()} == {name: float(divided[name]) for name in ours}
    assert float(total_loss(ours)) == pytest.approx(float(2.0 * soft + 0.5 * mlm + cosine), abs=1e-5)


def test_layer_distillation_equals_the_formula_over_the_outputs_of_transformers(tiny, info, tmp_path):
    """Scores are computed again from the hidden states that transformers gives, and their softmax is its attention."""
    config = config_of_pair("layer_distillation", "bert", TINY | {"hidden": 16}, mlm_weight=0.5, attention_weight=2.0)
    models, batch = tiny_models(config, info).eval(), padded_batch(tiny, info, config)
    with torch.no_grad():
        ours = OBJECTIVES["layer_distillation"].loss(models, batch, torch.Generator(), config.options)
    ARCHITECTURES["bert"].export(dict(models.roles.items()), tmp_path)
    folders = tmp_path / "model", teacher_folder("bert", info.vocab_size)
    real = batch["attention_mask"]
    pairs = real[:, None, :, None] & real[:, None, None, :]
    computed = [_layers(folder, asked(batch, "bert")) for folder in folders]
    (states, scores, logits), (wanted, targets, _) = computed
    project = {name: part.weight.T for name, part in models.parts.items()}
    with torch.no_grad():
        embeddings = ((states[0] @ project["embeddings"] - wanted[0])[real] ** 2).mean()
        hidden = sum(((states[m] @ project["hidden_states"] - wanted[2 * m])[real] ** 2).mean() for m in (1, 2))
        apart = sum(((scores[m - 1] - targets[2 * m - 1]) ** 2).mean(1, keepdim=True)[pairs].mean() for m in (1, 2))
        chosen = batch["labels"] != IGNORE_INDEX
        mlm = functional.cross_entropy(logits[chosen], batch["labels"][chosen])
    for name, value in {"embeddings": embeddings, "hidden_states": hidden, "attention": apart, "mlm": mlm}.items():
        assert float(ours[name].sum / ours[name].count) == pytest.approx(float(value), abs=1e-5), name
    expected = embeddings + hidden + 2.0 * apart + 0.5 * mlm
    assert float(total_loss(ours)) == pytest.approx(float(expected), abs=1e-5)


def _layers(folder: Path, inputs: dict[str, torch.Tensor]) -> tuple[Any, list[torch.Tensor], torch.Tensor]:
    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        output = model(**inputs, output_hidden_states=True, output_attentions=True)
        scores = []
        for layer, given, seen in zip(
            model.bert.encoder.layer, output.hidden_states[:-1], output.attentions, strict=True
        ):
            own, heads = layer.attention.self, model.config.num_attention_heads
            query, key = (part(given).unflatten(-1, (heads, -1)).transpose(1, 2) for part in (own.query, own.key))
            scores.append(query @ key.transpose(2, 3) / query.shape[-1] ** 0.5)
            hidden = scores[-1].masked_fill(~inputs["attention_mask"].bool()[:, None, None, :], float("-inf"))
            assert torch.allclose(hidden.softmax(-1), seen, atol=1e-6)
    return output.hidden_states, scores, output.logits


# --- the student begins as its teacher, and the teacher stays as it is ------------------------------------------------


@pytest.mark.parametrize("architecture", ["bert", "modernbert", "albert", "deberta", "electra"])
def test_a_student_begins_with_every_other_layer_of_its_teacher(info, architecture):
    models = tiny_models(config_of_pair("distillation", architecture), info)
    layers = ARCHITECTURES[architecture].layers
    own, theirs = layers(models.student), layers(models[TEACHER])
    for number, layer in enumerate(own):
        like = theirs[number * len(theirs) // len(own)].state_dict()
        assert all(torch.equal(tensor, like[name]) for name, tensor in layer.state_dict().items())
    for name in ("get_input_embeddings", "get_output_embeddings"):
        one, other = (getattr(model.transformer, name)().weight for model in (models.student, models[TEACHER]))
        assert torch.equal(one, other)
        assert one is not other
    assert (
        models.student.transformer.get_output_embeddings().weight
        is models.student.transformer.get_input_embeddings().weight
    )


@pytest.fixture(scope="module")
def trained(tiny: Any, info: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Objective -> the artifact of a short run."""
    return {name: train(tmp_path_factory.mktemp(name), tiny, **settings(name, info)) for name in TAUGHT}


def settings(objective: str, info: Any, **options: Any) -> dict[str, Any]:
    folder = teacher_folder("bert", info.vocab_size)
    return {
        "objective": {"name": objective, "teacher": str(folder)} | options,
        "architecture": {"name": "bert"} | known_sizes("bert"),
        "max_steps": 6, "validation_steps": 3, "log_steps": 2,
    }  # fmt: skip


@pytest.mark.parametrize("objective", TAUGHT)
def test_the_teacher_does_not_change_and_gets_no_gradient(info, objective, tiny):
    config, folder = config_of(settings(objective, info)), teacher_folder("bert", info.vocab_size)
    models = build_models(config, info, {TEACHER: folder}, info.vocab_size)
    before = {name: tensor.clone() for name, tensor in models[TEACHER].state_dict().items()}
    optimizer = torch.optim.AdamW(models.parameters(), lr=1e-2)
    batch = padded_batch(tiny, info, config)
    for _ in range(3):
        total_loss(OBJECTIVES[objective].loss(models, batch, torch.Generator(), config.options)).backward()
        optimizer.step()
    assert all(parameter.grad is None for parameter in models[TEACHER].parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in models[TEACHER].state_dict().items())
    assert models.train()[TEACHER].training is False


@pytest.mark.system
@pytest.mark.parametrize("objective", TAUGHT)
def test_the_teacher_is_not_stored_and_not_exported(trained, info, objective):
    run, folder = trained[objective], teacher_folder("bert", info.vocab_size)
    assert [path.parent.name for path in run.glob("*/*.safetensors")] == ["model"]
    assert not any("projection" in name or TEACHER in name for name in load_file(run / "model" / "model.safetensors"))
    stored = torch.load(next(run.glob("run/checkpoints/*.ckpt")), weights_only=True)["state_dict"]
    assert not any(TEACHER in name for name in stored)
    assert any(".parts." in name for name in stored) == (objective == "layer_distillation")
    assert read_json(run / "model" / "config.json")["num_hidden_layers"] == TINY["layers"]
    assert str(folder) not in (run / "manifest.json").read_text()


@pytest.mark.system
@pytest.mark.parametrize("objective", TAUGHT)
def test_micro_batches_and_checkpointed_gradients_change_nothing(trained, info, objective, tiny, tmp_path):
    """Attention scores are part of the loss, and layers are computed again."""
    changes = settings(objective, info) | {"micro_batch_size": 3, "gradient_checkpointing": True}
    run = train(tmp_path, tiny, **changes)
    one, two = (load_file(folder / "model" / "model.safetensors") for folder in (trained[objective], run))
    assert all(torch.allclose(one[name], two[name], atol=2e-5) for name in one)


@pytest.mark.system
def test_two_ranks_that_divide_the_student_give_the_run_of_one(info, tiny, tmp_path):
    """Each rank reads the whole teacher. The projections are divided like the student."""
    changes = settings("layer_distillation", info) | {"micro_batch_size": 3, "log_steps": 1}
    one = train(tmp_path / "one", tiny, **changes)
    script = program(tiny, tmp_path / "two.py", **changes, devices=2, strategy="fsdp")
    finished(start(script, tmp_path / "two", ranks=2))
    two = artifact(tmp_path / "two")
    weights = [load_file(folder / "model" / "model.safetensors") for folder in (one, two)]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-4) for name in weights[0])
    assert [path.parent.name for path in two.glob("*/*.safetensors")] == ["model"]


# --- fingerprints -----------------------------------------------------------------------------------------------------


def recipe(teacher: str, objective: str = "distillation", **changes: Any) -> Recipe:
    values = {
        "pretrain.objective": {"name": objective, "teacher": teacher},
        "pretrain.architecture": {"name": "bert"} | known_sizes("bert"),
        "pretrain.phases": [{"max_length": 48, "batch_size": 8}],
    } | changes  # fmt: skip
    return load_recipe("quickstart", tuple(f"{name}={json.dumps(value)}" for name, value in values.items()))


def test_the_weights_of_the_teacher_are_in_the_fingerprint_and_its_name_is_not(info, tmp_path):
    folder = teacher_folder("bert", info.vocab_size)
    copy = shutil.copytree(folder, tmp_path / "copy")
    same = [identities(recipe(str(place)), tmp_path, "pretrain")["pretrain"].fingerprint for place in (folder, copy)]
    assert same[0] == same[1]
    write_json(copy / "config.json", read_json(copy / "config.json") | {"initializer_range": 0.5})
    assert identities(recipe(str(copy)), tmp_path, "pretrain")["pretrain"].fingerprint != same[0]
    temperature = {"pretrain.objective": {"name": "distillation", "teacher": str(folder), "temperature": 1.0}}
    assert identities(recipe("", **temperature), tmp_path, "pretrain")["pretrain"].fingerprint != same[0]


@pytest.mark.system
def test_a_teacher_is_named_by_its_recipe(trained, tmp_path):
    """What the recipe last used in this artifacts folder."""
    run = trained["distillation"]
    there = shutil.copytree(run, tmp_path / "pretrain" / run.name)
    Pointer(tmp_path, "my-teacher").remember({"pretrain": there})
    options = recipe("my-teacher").pretrain.options
    inputs = OBJECTIVES["distillation"].inputs
    known = inputs.identity(options, FileHashes(tmp_path))
    assert known["teacher model.safetensors"] == read_manifest(run).files["model/model.safetensors"].sha256
    assert inputs.folders(options, known, tmp_path) == {TEACHER: there / "model"}
    with pytest.raises(InputError, match=r"other: no such folder, and no trained run of this name .*kobert run other"):
        inputs.identity(recipe("other").pretrain.options, FileHashes(tmp_path))


# --- what does not fit ------------------------------------------------------------------------------------------------


def changed_teacher(folder: Path, to: Path, **fields: Any) -> str:
    shutil.copytree(folder, to)
    write_json(to / "config.json", read_json(to / "config.json") | fields)
    return str(to)


MISFITS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no teacher": ({"pretrain.objective": {"name": "distillation"}}, {}, r"teacher: missing\. Name a folder"),
    "longer": ({}, {"max_position_embeddings": 32}, "has 32 positions, and the examples .* up to 48 tokens"),
    "other positions": ({}, {"max_position_embeddings": 64}, "has positions 64; set pretrain.architecture to that"),
    "wider": ({}, {"hidden_size": 64}, "hidden size 32 is not its 64; set cosine_weight: 0"),
    "unknown": ({}, {"model_type": "fnet"}, "a fnet; known architectures"),
    "no head": ({}, {"model_type": "gpt2"}, "architecture 'gpt2' does not provide the head 'tokens'"),
    "as deep": ({}, {"num_hidden_layers": 2}, "has 2 layers, and the student 2: it would begin as its teacher"),
    "another kind": (
        {"pretrain.architecture": {"name": "electra"} | known_sizes("electra")}, {},
        "an? electra, cannot begin with the layers of a bert",
    ),
    "heads": (
        {"pretrain.objective": {"name": "layer_distillation"}}, {"num_attention_heads": 4},
        "has 4 attention heads, and the student 2",
    ),
    "deeper": (
        {"pretrain.objective": {"name": "layer_distillation"}}, {"num_hidden_layers": 1},
        "has 1 layers, and the student 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_a_teacher_that_does_not_fit_is_refused_before_anything_is_read(info, tmp_path, name):
    changes, fields, message = MISFITS[name]
    place = changed_teacher(teacher_folder("bert", info.vocab_size), tmp_path / "teacher", **fields)
    objective = {"name": "distillation", "teacher": place} | changes.get("pretrain.objective", {})
    objective = {key: value for key, value in objective.items() if name != "no teacher" or key == "name"}
    given = recipe("", **(changes | {"pretrain.objective": objective}))
    with pytest.raises(InputError, match=message) as raised:
        check_pretrain(given, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_teacher_that_is_also_the_student_is_refused(info, tmp_path):
    folder = str(teacher_folder("bert", info.vocab_size))
    given = recipe(folder, **{"pretrain.continue_from": folder})
    with pytest.raises(InputError, match=r"is also pretrain.continue_from: the student would begin as its teacher"):
        pretrain_inputs(given, FileHashes(tmp_path))
    with pytest.raises(InputError, match="quickstart is this recipe itself"):
        pretrain_inputs(recipe("quickstart"), FileHashes(tmp_path))


def test_a_teacher_with_another_vocabulary_is_named_with_the_difference(info, tiny, tmp_path):
    folder = tmp_path / "teacher"
    shutil.copytree(teacher_folder("bert", info.vocab_size), folder)
    content = read_json(tiny.tokenizer / "tokenizer.json")
    vocabulary = content["model"]["vocab"]
    one, two = sorted(vocabulary, key=vocabulary.__getitem__)[-2:]
    vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]
    write_json(folder / "tokenizer.json", content)
    with pytest.raises(InputError, match=r"objective\.teacher: it has another vocabulary: 2 of its"):
        student_rows(None, {TEACHER: folder}, tiny.tokenizer, info.vocab_size)
    smaller = teacher_folder("bert", info.vocab_size - 8)
    with pytest.raises(InputError, match=r"objective\.teacher: has rows for"):
        student_rows(None, {TEACHER: smaller}, tiny.tokenizer, info.vocab_size)


@pytest.mark.parametrize(
    ("objective", "architecture", "changes", "message"),
    [
        ("distillation", "bert", {"soft_weight": 0, "mlm_weight": 0, "cosine_weight": 0}, "nothing would be learned"),
        ("distillation", "bert", {"fixed_predictions": True, "max_predictions": 8}, "fixed_predictions is not offered"),
        ("distillation", "gpt2", {}, "needs the head 'tokens'"),
        ("layer_distillation", "deberta", {}, "needs attention scores, which architecture 'deberta' does not show"),
        ("layer_distillation", "bert", {"attention": "sdpa"}, "attention sdpa shows no scores"),
    ],
)
def test_settings_that_cannot_be_distilled_are_refused(objective, architecture, changes, message):
    with pytest.raises(RecipeError, match=message):
        config_of_pair(objective, architecture, **changes)
