"""The only file that loads Hugging Face models and tokenizers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from klue_eval.heads import HEADS, TaskModel
from klue_eval.heads.frozen import freeze
from klue_eval.heads.multiple_choice import AUTO_CLASS as CHOICE_CLASS
from klue_eval.heads.sequence import AUTO_CLASS, PaddedInFront
from klue_eval.heads.tagging import AUTO_CLASS as TOKEN_CLASS
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.tasks import not_for_decoders
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.morphology.tokenizer_files import has_vocabulary
from kobert_pipeline.training.loaded_weights import one_line, require_weights, unreadable_weights
from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.training.reading_order import sees_the_past_alone

REMOTE_CODE = "It comes with its own Python code: `--trust-remote-code` (`klue_eval.trust_remote_code`) runs it."


def load_model(
    task: KlueTask,
    folder: Path,
    initialisation: str,
    settings: TaskSettings,
    reader: Reader,
    *,
    training: str = "finetune",
    trust_remote_code: bool = False,
    loadable: bool = False,
    attention: str | None = None,
) -> TaskModel:
    """Loads the encoder in `folder` with a new head for the task. The initialisation `random` builds the same
    configuration untrained. `training` may freeze the encoder (`heads.frozen`). A `loadable` model can be
    exported. `attention`: by what it computes attention, if not by what is fastest here.

    Draws from torch's global generator, so seed it first. Raises InputError if the folder is not an encoder.
    """
    load = partial(
        _load_encoder,
        task=task,
        folder=folder,
        initialisation=initialisation,
        tokens=len(reader.tokenizer),
        pad_id=reader.tokenizer.pad_token_id,
        training=training,
        trust_remote_code=trust_remote_code,
        attention=attention or _attention(),
    )
    head = HEADS[task.head]
    build = head.build_loadable if loadable and head.build_loadable is not None else head.build
    return build(load, task, settings, reader).float()


def _load_encoder(
    auto_class: str,
    *,
    task: KlueTask,
    folder: Path,
    initialisation: str,
    tokens: int,
    pad_id: int,
    training: str,
    trust_remote_code: bool,
    attention: str | None,
    **overrides: Any,
) -> nn.Module:
    import transformers

    config = load_config(folder, trust_remote_code, pad_id=pad_id, attn_implementation=attention, **overrides)
    if auto_class == CHOICE_CLASS and type(config) not in transformers.MODEL_FOR_MULTIPLE_CHOICE_MAPPING:
        auto_class = AUTO_CLASS
    frozen = training in ("features", "probe")
    auto = getattr(transformers, "AutoModel" if frozen else auto_class)
    with quiet():
        try:
            if initialisation == "random":
                model = auto.from_config(config, trust_remote_code=trust_remote_code)
            else:
                model = _pretrained(auto, folder, config=config, trust_remote_code=trust_remote_code)
        except unreadable_weights(OSError, ValueError) as error:
            raise InputError(
                "{folder}: cannot be fine-tuned on {task}: {error}",
                folder=folder, task=task.title, error=one_line(error),
            ) from None  # fmt: skip
        if tokens > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(tokens, mean_resizing=False)
    if frozen and config.is_encoder_decoder:
        model = model.get_encoder()
    assert isinstance(model, nn.Module)
    if frozen:
        return freeze(model, training, overrides.get("num_labels"), of_tokens=auto_class == TOKEN_CLASS)
    reads_the_end = auto_class in (AUTO_CLASS, CHOICE_CLASS) and getattr(config, "summary_type", None) == "last"
    return PaddedInFront(model) if reads_the_end else model


def _pretrained(auto: Any, folder: Path, **settings: Any) -> Any:
    """Raises InputError unless the checkpoint has every weight of the encoder. Heads and poolers may be new, and a head of
    another task, which has the same name and another shape, is left behind."""
    try:
        model, report = auto.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True, **settings
        )
    except unreadable_weights() as error:
        raise InputError(
            "{folder}: its weights cannot be read: {error}", folder=folder, error=one_line(error)
        ) from None
    require_weights(model, report, str(folder))
    return model


def require_pretrained(folder: Path, trust_remote_code: bool = False) -> None:
    """Loads the weights once, before any data is read. Raises InputError if some are missing or not numbers."""
    from transformers import AutoModel

    config = load_config(folder, trust_remote_code)
    with quiet():
        try:
            _pretrained(AutoModel, folder, config=config, trust_remote_code=trust_remote_code)
        except (OSError, ValueError) as error:
            raise InputError(
                "{folder}: its weights do not load: {error}", folder=folder, error=one_line(error)
            ) from None


def _attention() -> str | None:
    """On a CPU, plain products are up to 1.4 times faster than `sdpa` for short rows, with dropout, in bfloat16."""
    return None if torch.cuda.is_available() else "eager"


def load_config(folder: Path, trust_remote_code: bool = False, *, pad_id: int | None = None, **overrides: Any) -> Any:
    """Returns the model's configuration. A decoder without padding gets the tokenizer's, `pad_id`. Raises InputError if the
    folder has no model of a known kind."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, **overrides)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            "{folder}: not a Hugging Face model: {reason}",
            folder=folder, reason=_without_code(folder, trust_remote_code, error),
        ) from None  # fmt: skip
    if sees_the_past_alone(config) and config.pad_token_id is None and pad_id is not None:
        config.pad_token_id = pad_id  # its classifiers look for the last token that is not padding
    return config


def require_tasks(folder: Path, tasks: Sequence[str], trust_remote_code: bool = False) -> None:
    """Raises InputError if the model is a decoder, or has one, and a task asks about single tokens. The last token of a decoder
    alone has seen the whole text, and transformers' classifiers read that one."""
    config = load_config(folder, trust_remote_code)
    kind = _kind_of_decoder(config)
    if kind and (problem := not_for_decoders(tasks)):
        raise InputError(
            "{folder}: {kind} is {model} here, in which a token reads only those before it. {problem}",
            folder=folder, kind=config.model_type, model=kind, problem=problem,
        )  # fmt: skip


def require_writer(folder: Path, trust_remote_code: bool = False) -> None:
    """Raises InputError for a model that does not write a text from a text."""
    config = load_config(folder, trust_remote_code)
    if not config.is_encoder_decoder:
        raise InputError(
            "{folder}: training text_to_text needs an encoder-decoder, and {kind} is none; set training: finetune",
            folder=folder, kind=config.model_type,
        )  # fmt: skip


def _kind_of_decoder(config: Any) -> str:
    """Empty for an encoder."""
    if config.is_encoder_decoder:
        return say("an encoder with a decoder")
    return say("a decoder") if sees_the_past_alone(config) else ""


def _without_code(folder: Path, trust_remote_code: bool, error: Exception) -> str:
    """What to do about a model or tokenizer that does not load."""
    comes_with_code = not trust_remote_code and any(folder.glob("*.py"))
    return say(REMOTE_CODE) if comes_with_code else str(error)


def load_tokenizer(folder: Path, added_tokens: Sequence[str] = (), trust_remote_code: bool = False) -> Any:
    """Loads the model's fast tokenizer and adds a task's special tokens. Raises InputError if the folder has none, or
    one without a padding token."""
    if not has_vocabulary(folder):
        raise InputError(
            "{folder}: no tokenizer next to the model. Save it there: tokenizer.save_pretrained({target!r})",
            folder=folder, target=str(folder),
        )  # fmt: skip
    with quiet():
        try:
            tokenizer = auto_tokenizer(folder, trust_remote_code=trust_remote_code)
        except Exception as error:  # tokenizers raises bare Exception for a damaged file
            reason = _without_code(folder, trust_remote_code, error)
            raise InputError("{folder}: its tokenizer does not load: {reason}", folder=folder, reason=reason) from None
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise InputError(
            "{folder}: needs a fast tokenizer with a padding token, not {kind}",
            folder=folder, kind=type(tokenizer).__name__,
        )  # fmt: skip
    tokenizer.add_tokens(list(added_tokens), special_tokens=True)
    return tokenizer


def accepted_inputs(encoder: nn.Module, names: Sequence[str]) -> list[str]:
    """Returns the columns that the encoder reads. RoBERTa and ModernBERT do not read `token_type_ids`. XLNet does: it compares
    them, so that it needs no table."""
    known = inspect.signature(getattr(encoder, "body", encoder).forward).parameters
    compares = getattr(encoder.config, "model_type", "") == "xlnet"
    one_segment = not compares and getattr(encoder.config, "type_vocab_size", 0) < 2
    return [name for name in names if name in known and not (name == "token_type_ids" and one_segment)]
