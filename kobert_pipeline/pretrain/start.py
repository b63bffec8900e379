"""Continued pretraining: a run that begins with the weights of a checkpoint instead of random ones.

Weights are read from safetensors alone: nothing is unpickled, and no code of a repository runs.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from torch import nn

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.training.positions import positions
from kobert_pipeline.training.quiet import quiet

logger = logging.getLogger(__name__)

SETTING = "pretrain.continue_from"
SIZES = {
    "num_hidden_layers": "layers",
    "hidden_size": "hidden",
    "num_attention_heads": "heads",
    "intermediate_size": "feed_forward",
    "local_attention": "local_attention",
}
"""What transformers calls a size -> what a recipe does."""
BUILT_IN = (
    "type_vocab_size", "hidden_act", "hidden_activation", "position_embedding_type", "layer_types", "rope_parameters",
    "layer_norm_eps", "norm_eps", "norm_bias", "attention_bias", "mlp_bias", "decoder_bias", "classifier_bias", "is_decoder",
    "max_position_embeddings",
)  # fmt: skip
"""What a recipe cannot change, and a checkpoint may have otherwise."""
PAIR_HEAD = ("bert.pooler.", "cls.seq_relationship.")
"""What a checkpoint of a masked language model lacks of BERT's."""


def vocabulary_rows(start: Path | None, tokenizer: Path, pieces: int) -> int:
    """Rows of the embeddings: the tokenizer's pieces, or what the checkpoint in `start` has, which may be more.

    Raises InputError when the checkpoint's vocabulary is not that of the tokenizer artifact.
    """
    if start is None:
        return pieces
    rows = int(read_json(start / "config.json").get("vocab_size", 0))
    theirs, ours = _vocabulary(start), _vocabulary(tokenizer)
    if rows < pieces or (theirs is None and rows != pieces):
        raise InputError(f"{SETTING}: has rows for {rows:,} pieces; this recipe's tokenizer has {pieces:,}. {_ADOPT}")
    if theirs is not None and theirs != ours:
        moved = sum((ours or {}).get(piece) != number for piece, number in theirs.items())
        raise InputError(
            f"{SETTING}: its vocabulary is another: {len(theirs):,} pieces, of which {moved:,} are not in this recipe's "
            f"tokenizer of {pieces:,}, or have another number there. {_ADOPT}"
        )
    return rows


_ADOPT = "Set tokenizer.adopt to the same folder or Hub id."


def _vocabulary(folder: Path) -> dict[str, int] | None:
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file():
        found: dict[str, int] = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
        return found
    if (folder / "vocab.txt").is_file():
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        return {piece: number for number, piece in enumerate(lines)}
    return None


def load_weights(model: nn.Module, start: Path, *, with_pairs: bool) -> None:
    """Gives a module of `kobert_pipeline.architectures` the weights of the checkpoint in `start`.

    A pair head that the checkpoint lacks begins at random. Raises InputError for another architecture or size, for weights
    that are missing, and for a checkpoint without safetensors.
    """
    transformer: Any = model.transformer
    _require_safetensors(start)
    _require_architecture(start, transformer.config)
    with quiet():
        loaded, report = type(transformer).from_pretrained(
            start, use_safetensors=True, dtype="float32", output_loading_info=True
        )
    missing = sorted(report["missing_keys"])
    needed = [name for name in missing if not name.startswith(PAIR_HEAD)]
    if needed:
        raise InputError(
            f"{SETTING}: {start.name} lacks {len(needed)} of the weights, {needed[0]} for one: not a checkpoint of a masked language model"
        )
    transformer.load_state_dict(loaded.state_dict())
    if missing and with_pairs:
        logger.info("pretrain: the checkpoint has no pair head; it begins at random")


def _require_safetensors(start: Path) -> None:
    if not any(start.glob("*.safetensors")):
        raise InputError(
            f"{SETTING}: {start.name} holds no safetensors. Pickled weights (pytorch_model.bin) can run code when they are "
            "read, and are not: load them where you trust them, and write the model with save_pretrained."
        )


def _require_architecture(start: Path, built: Any) -> None:
    kind = read_json(start / "config.json").get("model_type")
    if kind != built.model_type:
        raise InputError(f"{SETTING}: {start.name} is a {kind}; this recipe's architecture is {built.model_type}")
    given = type(built).from_pretrained(start)
    pairs = {name: (getattr(given, field, None), getattr(built, field, None)) for field, name in SIZES.items()}
    pairs["positions"] = positions(given), positions(built)
    sizes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if sizes:
        theirs, ours = (", ".join(f"{name} {pair[side]}" for name, pair in sizes.items()) for side in (0, 1))
        raise InputError(f"{SETTING}: {start.name} has {theirs}; set pretrain.architecture to that (given: {ours})")
    for field in BUILT_IN:
        if getattr(given, field, None) != getattr(built, field, None):
            raise InputError(
                f"{SETTING}: {start.name} has {field} {getattr(given, field, None)}, where our {built.model_type} is built "
                f"with {getattr(built, field, None)}: it cannot be continued here"
            )
