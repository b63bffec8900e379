"""A checkpoint is scored as pretrained only if it gives the encoder all its weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE
from klue_eval.encoders import load_model, load_tokenizer, require_pretrained
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.uses import find_use

Weights = dict[str, Tensor]


def edited(model: Path, target: Path, edit: Callable[[Weights], Weights]) -> Path:
    """A copy of the model with other weights."""
    folder = Path(shutil.copytree(model, target))
    save_file(edit(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def without(*parts: str) -> Callable[[Weights], Weights]:
    return lambda weights: {name: value for name, value in weights.items() if not any(part in name for part in parts)}


def with_value(name: str, value: float) -> Callable[[Weights], Weights]:
    def edit(weights: Weights) -> Weights:
        weights[name].view(-1)[3] = value
        return weights

    return edit


WORDS = "embeddings.word_embeddings.weight"
LAYER = "encoder.layer.1.attention.self.query.weight"
DAMAGED: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "a prefix": (lambda weights: {f"model.{name}": value for name, value in weights.items()}, rf"{WORDS} and \d+ more"),
    "a missing layer": (without("encoder.layer.1."), rf"lacks (bert\.)?{LAYER} and 15 more"),
    "one missing weight": (without("layer.1.attention.self.query.weight"), rf"lacks (bert\.)?{LAYER}, which"),
    "missing embeddings": (without(WORDS), rf"lacks (bert\.)?{WORDS}"),
    "nothing": (lambda weights: {"other": torch.zeros(1)}, rf"lacks (bert\.)?{WORDS}"),
    "NaN": (with_value(f"bert.{LAYER}", float("nan")), rf"{LAYER} has 1 values that are not finite"),
    "inf": (with_value(f"bert.{WORDS}", float("inf")), rf"{WORDS} has 1 values that are not finite"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_checkpoint_that_loads_in_part_is_refused_with_its_first_missing_weight(
    name: str, tiny_bert: Path, tmp_path: Path
) -> None:
    edit, message = DAMAGED[name]
    folder = edited(tiny_bert, tmp_path / "model", edit)
    config = EvaluationConfig.parse({"tasks": ["nli"], "data": SAMPLE})
    with pytest.raises(InputError, match=message):
        evaluate_model(str(folder), config, tmp_path / "artifacts", 42)
    reader = Reader(load_tokenizer(folder), 64)
    for task in ("nli", "ner"):  # a classifier of transformers, and a head of our own
        with pytest.raises(InputError, match=message):
            load_model(TASKS[task], folder, "pretrained", TASKS[task].defaults, reader)
        assert load_model(TASKS[task], folder, "random", TASKS[task].defaults, reader) is not None
    with pytest.raises(InputError):
        find_use(str(folder))  # what `kobert fill` and `kobert extend` load


def test_the_weight_that_is_there_under_another_name_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    folder = edited(tiny_bert, tmp_path / "model", DAMAGED["a prefix"][0])
    with pytest.raises(InputError, match=rf"It has model\.bert\.{WORDS} instead"):
        require_pretrained(folder)


@pytest.mark.parametrize("kept", ["bert.", "cls."])
def test_a_pooler_or_a_pretraining_head_may_be_missing(kept: str, tiny_bert: Path, tmp_path: Path) -> None:
    edit = without("pooler", "cls.") if kept == "bert." else without("pooler")
    folder = edited(tiny_bert, tmp_path / "model", edit)
    require_pretrained(folder)
    for task in ("nli", "sts", "ner", "mrc", "dp", "wos"):
        load_model(TASKS[task], folder, "pretrained", TASKS[task].defaults, Reader(load_tokenizer(folder), 64))


def test_weights_that_are_cut_off_or_do_not_fit_the_configuration_end_in_one_line(
    tiny_bert: Path, tmp_path: Path
) -> None:
    cut = Path(shutil.copytree(tiny_bert, tmp_path / "cut"))
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    small = Path(shutil.copytree(tiny_bert, tmp_path / "small"))
    text = (small / "config.json").read_text()
    (small / "config.json").write_text(text.replace('"intermediate_size": 128', '"intermediate_size": 96'))
    for folder, message in (
        (cut, "weights cannot be read"),
        (small, r"\(128,\) in the checkpoint and \(96,\) by config"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            require_pretrained(folder)
        assert "\n" not in str(refused.value)


def test_the_head_of_another_task_is_left_behind(tmp_path: Path, tiny_bert: Path) -> None:
    """A classifier of two labels, as a discriminator or a finished fine-tuning has it, begins anew with seven."""
    from transformers import BertForTokenClassification

    folder = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    BertForTokenClassification.from_pretrained(folder, num_labels=2).save_pretrained(folder)
    require_pretrained(folder)
    for task in ("ynat", "ner"):
        load_model(TASKS[task], folder, "pretrained", TASKS[task].defaults, Reader(load_tokenizer(folder), 64))


def test_fill_warns_of_tokens_that_the_model_cannot_read(tiny_bert: Path, caplog: pytest.LogCaptureFixture) -> None:
    use, tokenizer, network = find_use(str(tiny_bert))
    use.try_it(tokenizer, network, ["가 ☃ [MASK]"])
    assert "1 of 5 tokens are [UNK]" in caplog.text
    caplog.clear()
    use.try_it(tokenizer, network, ["가 [MASK]"])
    assert not caplog.records
