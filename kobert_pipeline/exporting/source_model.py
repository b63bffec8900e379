"""The model that is exported: transformers' class that its folder names, what it reads and what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.training.loaded_weights import one_line, require_finite, require_weights, unreadable_weights
from kobert_pipeline.training.positions import longest_input
from kobert_pipeline.training.quiet import quiet

STATES = "last_hidden_state"
"""What a model without a head returns."""
COLUMNS = ("input_ids", "attention_mask", "token_type_ids")
SENTENCES = (
    "비가 온다.",
    "정부는 내년도 예산안을 국회에 제출했다.",
    "마지막 장면에서 배우들의 연기가 정말 훌륭했다.",
    "이 법은 공포한 날부터 시행하며, 시행 전에 접수한 신청에는 종전의 규정을 적용한다.",
    "서울에서 부산까지 기차로 두 시간 반이 걸리고, 표는 석 달 전부터 살 수 있다.",
    "아침에 일어나서 물을 한 잔 마시고, 창문을 열어 방 안의 공기를 바꾼 다음, 어제 읽다 만 책을 다시 펼쳤다.",
)
"""Texts of several lengths on which two forms of a model are compared."""


@dataclass(frozen=True)
class SourceModel:
    folder: Path
    network: Any
    """transformers' model in float32, in evaluation mode."""
    tokenizer: Any
    inputs: tuple[str, ...]
    """What its tokenizer returns and the model reads: int64, (B, L)."""
    outputs: tuple[str, ...]
    """Tensors of its result. The first axis is B; that of hidden states and of scores of tokens is followed by L."""

    @property
    def kind(self) -> str:
        """transformers' name of the architecture."""
        return str(self.network.config.model_type)

    @property
    def longest(self) -> int:
        """Tokens that it takes."""
        return min(longest_input(self.network), int(self.tokenizer.model_max_length))

    def batch(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """The inputs of texts, cut at the longest input and padded."""
        found = self.tokenizer(list(texts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt")
        return {name: found[name] for name in self.inputs}

    @torch.no_grad()
    def answer(self, batch: dict[str, Tensor]) -> list[Tensor]:
        """The outputs for a batch, by torch."""
        found = self.network(**batch)
        return [found[name] for name in self.outputs]


def load_source(folder: Path, *, head: bool = True) -> SourceModel:
    """Loads the class that config.json names, or the body alone without a `head`.

    Raises InputError for a folder without a model or tokenizer, for code of its own, for encoder–decoder models, and for heads that
    compare several texts.
    """
    network = _network(folder, head)
    tokenizer = _tokenizer(folder)
    known = inspect.signature(network.forward).parameters
    one_segment = network.config.model_type != "xlnet" and getattr(network.config, "type_vocab_size", 0) < 2
    batch = tokenizer(SENTENCES[0], return_tensors="pt")
    inputs = [
        name for name in COLUMNS if name in batch and name in known and not (name == "token_type_ids" and one_segment)
    ]
    with torch.no_grad():
        found = network(**{name: batch[name] for name in inputs})
    outputs = [name for name, value in found.items() if isinstance(value, Tensor)] if head else [STATES]
    return SourceModel(folder, network, tokenizer, tuple(inputs), tuple(outputs))


def _tokenizer(folder: Path) -> Any:
    try:
        tokenizer = auto_tokenizer(folder)
    except InputError:
        raise
    except Exception as error:  # tokenizers raises bare Exception for a damaged file
        raise InputError(
            "{folder}: its tokenizer does not load: {error}", folder=folder, error=one_line(error)
        ) from None
    if tokenizer.pad_token is None:  # decoders: what stands there is not read
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _network(folder: Path, head: bool) -> Any:
    config = _config(folder)
    kind = _class_of(folder, config, head)
    config.use_cache = False
    try:
        with quiet():
            network, report = kind.from_pretrained(
                folder, config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
            )
    except unreadable_weights(OSError, ValueError) as error:
        raise InputError("{folder}: its weights do not load: {error}", folder=folder, error=one_line(error)) from None
    require_weights(network, report, str(folder))
    if head and report["missing_keys"]:
        raise InputError(
            "{folder}: its weights do not include {weight}, which {named} has.",
            folder=folder,
            weight=min(report["missing_keys"]),
            named=kind.__name__,
        )
    require_finite(network, str(folder))
    return network.eval()


def _class_of(folder: Path, config: Any, head: bool) -> Any:
    """transformers' class of the model. Raises InputError if it is not named, not known, or compares several texts."""
    import transformers

    if not head:
        return transformers.AutoModel
    named = (config.architectures or [None])[0]
    if named is None:
        raise InputError(
            "{folder}: config.json does not name the model's class. `--no-head` exports the body alone.", folder=folder
        )
    if named.endswith("ForMultipleChoice"):
        raise InputError(
            "{folder}: {named} compares several texts; an ONNX file here reads one text or one pair a row. `--no-head` exports the body alone.",
            folder=folder,
            named=named,
        )
    kind = getattr(transformers, named, None)
    if kind is None:
        raise InputError(
            "{folder}: transformers has no class {named}. `--no-head` exports the body alone.",
            folder=folder,
            named=named,
        )
    return kind


def _config(folder: Path) -> Any:
    """Raises InputError for a model that cannot be exported, before its weights are read."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(
            "{folder}: not a model that transformers knows without remote code: {error}",
            folder=folder,
            error=one_line(error),
        ) from None
    if config.is_encoder_decoder:
        raise InputError(
            "{folder}: {kind} is an encoder–decoder model. Encoders and decoders are exported as ONNX.",
            folder=folder,
            kind=config.model_type,
        )
    return config
