"""What stands on the encoder for a task, and the only file that loads Hugging Face models and tokenizers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from klue_eval.task import KlueTask
from kobert_pipeline.errors import InputError
from kobert_pipeline.training.quiet import quiet


@dataclass(frozen=True)
class Head:
    name: str
    problem_type: str
    """transformers' word for it, kept in the configuration of the fine-tuned model."""
    outputs: Callable[[KlueTask], int]
    """Numbers that the head gives per row."""
    targets: Callable[[Sequence[Any]], Tensor]
    """The rows' `Features.target` -> what the loss compares with."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """Logits [rows, outputs] in float32, targets -> the batch's mean loss."""


def _squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.mse_loss(logits.squeeze(-1), targets)


HEADS: dict[str, Head] = {
    head.name: head
    for head in (
        Head(
            name="classification",
            problem_type="single_label_classification",
            outputs=lambda task: len(task.labels),
            targets=lambda targets: torch.tensor(targets, dtype=torch.long),
            loss=nn.functional.cross_entropy,
        ),
        Head(
            name="regression",
            problem_type="regression",
            outputs=lambda task: 1,
            targets=lambda targets: torch.tensor(targets, dtype=torch.float32),
            loss=_squared_error,
        ),
    )
}


def load_model(task: KlueTask, folder: Path, initialisation: str) -> nn.Module:
    """The encoder in `folder` with the task's fresh head. `random` builds the same configuration untrained.

    Draws from torch's global generator: seed it first. Raises InputError for what is no encoder.
    """
    from transformers import AutoModelForSequenceClassification

    head = HEADS[task.head]
    config = load_config(
        folder, num_labels=head.outputs(task), problem_type=head.problem_type, attn_implementation=_attention()
    )
    if config.is_encoder_decoder:
        raise InputError(f"{folder}: {config.model_type} is an encoder–decoder model; KLUE is scored on encoders")
    with quiet():
        try:
            if initialisation == "random":
                model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
            else:
                model = AutoModelForSequenceClassification.from_pretrained(
                    folder, config=config, trust_remote_code=False, dtype=torch.float32
                )
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: cannot be fine-tuned on {task.title}: {error}") from None
    assert isinstance(model, nn.Module)
    return model.float()


def _attention() -> str | None:
    """On a CPU the plain products are up to 1.4 times faster than `sdpa`: for short rows, with dropout, in bfloat16."""
    return None if torch.cuda.is_available() else "eager"


def load_config(folder: Path, **overrides: Any) -> Any:
    """The model's configuration. Raises InputError for a folder that holds no model of a known kind."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, **overrides)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no Hugging Face model that loads without remote code: {error}") from None


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer beside the model. Raises InputError where there is none, or one without a padding token."""
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt", "spiece.model", "vocab.json")):
        raise InputError(
            f"{folder}: no tokenizer beside the model. Save it there: tokenizer.save_pretrained({str(folder)!r})"
        )
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: its tokenizer does not load without remote code: {error}") from None
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: needs a fast tokenizer with a padding token, not {type(tokenizer).__name__}")
    return tokenizer


def positions(config: Any) -> int:
    """The longest input in pieces. RoBERTa counts its positions from behind the padding id."""
    limit = getattr(config, "max_position_embeddings", None) or 2**30
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return int(limit) - int(offset)


def accepted_inputs(model: nn.Module, config: Any, names: Sequence[str]) -> list[str]:
    """Those of the tokenizer's columns that the model reads: RoBERTa's single segment and ModernBERT's none are dropped."""
    known = inspect.signature(model.forward).parameters
    one_segment = getattr(config, "type_vocab_size", 0) < 2
    return [name for name in names if name in known and not (name == "token_type_ids" and one_segment)]
