"""An encoder as a model of sentence-transformers: its body, its tokenizer as this project reads it, and pooling."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, cuts_at_use, save_tokenizer
from kobert_pipeline.training.loaded_weights import one_line, require_weights, unreadable_weights
from kobert_pipeline.training.positions import longest_input
from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.training.reading_order import sees_the_past_alone

WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin*")


def load_encoder(folder: Path, config: EmbeddingConfig, scratch: Path) -> Any:
    """`scratch` gets a copy of the model, because sentence-transformers loads model and tokenizer from one folder.

    Raises InputError for a model that is not an encoder, lacks weights, or comes with code of its own.
    """
    from sentence_transformers import SentenceTransformer, SentenceTransformerModelCardData
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    longest = _require_encoder(folder)
    copy_for_loading(folder, scratch)
    with quiet():
        trust = {"trust_remote_code": True} if cuts_at_use(folder) else {}
        body = Transformer(str(scratch), max_seq_length=min(config.max_length, longest), processor_kwargs=trust)
        pooling = Pooling(body.model.config.hidden_size, pooling_mode=config.pooling)
        about = SentenceTransformerModelCardData(generate_widget_examples=False)  # the card is our own
        return SentenceTransformer(modules=[body, pooling], model_card_data=about)


def copy_for_loading(folder: Path, scratch: Path) -> None:
    """The weights, and the tokenizer as it reads Korean here: a folder that says nothing about case is cased."""
    scratch.mkdir(parents=True)
    for path in sorted({path for pattern in WEIGHTS for path in folder.glob(pattern)}):
        shutil.copyfile(path, scratch / path.name)
    save_tokenizer(auto_tokenizer(folder), scratch)


def _require_encoder(folder: Path) -> int:
    """Returns the longest input. Reads the weights once, to see that none is missing."""
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if config.is_encoder_decoder or sees_the_past_alone(config):
            raise InputError(
                "{folder}: {kind} is not an encoder, in which each token sees the whole sentence.",
                folder=folder,
                kind=config.model_type,
            )
        with quiet():
            network, report = AutoModel.from_pretrained(folder, config=config, output_loading_info=True)
    except unreadable_weights(OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "{folder}: does not load as an encoder: {error}", folder=folder, error=one_line(error)
        ) from None
    require_weights(network, report, str(folder))
    return longest_input(network)


@contextmanager
def some_dropout(model: Any, share: float) -> Iterator[None]:
    """Gives layers without dropout this share while it lasts: without dropout both views of a sentence are equal, and there is
    nothing to learn. Raises InputError for a model without such layers."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Dropout)]
    if not layers:
        raise InputError("simcse needs layers of dropout, and this model has none. Use tsdae, nli or sts.")
    without = [layer for layer in layers if not any(each.p for each in layers)]
    for layer in without:
        layer.p = share
    try:
        yield
    finally:
        for layer in without:
            layer.p = 0.0
