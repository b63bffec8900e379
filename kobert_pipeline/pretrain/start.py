"""Continued pretraining: a run that begins with the weights of a checkpoint instead of random ones.

Weights are read from safetensors alone: nothing is unpickled, and no code of a repository runs.
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from kobert_pipeline.architectures.architecture import Weights, unread_biases
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_object
from kobert_pipeline.ground.messages import say
from kobert_pipeline.training.loaded_weights import one_line, require_finite, unreadable_weights
from kobert_pipeline.training.positions import positions
from kobert_pipeline.training.quiet import quiet

logger = logging.getLogger(__name__)

SETTING = "pretrain.continue_from"


def vocabulary_rows(start: Path | None, tokenizer: Path, entries: int, setting: str = SETTING) -> int:
    """Rows of the embeddings: the entries of the tokenizer's vocabulary, or what the checkpoint in `start` has, which may be
    more.

    Raises InputError when the checkpoint's vocabulary is not that of the tokenizer artifact.
    """
    if start is None:
        return entries
    rows = int(read_config(start).get("vocab_size") or 0)
    theirs, ours = _vocabulary(start), _vocabulary(tokenizer)
    if rows < entries or (theirs is None and rows != entries):
        raise InputError(
            "{setting}: has rows for {rows:,} pieces; this recipe's tokenizer has {entries:,}. {advice}",
            setting=setting, rows=rows, entries=entries, advice=say(_ADOPT),
        )  # fmt: skip
    if theirs is not None and theirs != ours:
        moved = sum((ours or {}).get(piece) != number for piece, number in theirs.items())
        raise InputError(
            "{setting}: it has another vocabulary: {moved:,} of its {theirs:,} pieces are not in this recipe's tokenizer of {entries:,}, or have another number there. {advice}",
            setting=setting, moved=moved, theirs=len(theirs), entries=entries, advice=say(_ADOPT),
        )  # fmt: skip
    return rows


def is_tied(start: Path | None) -> bool:
    """Whether the output matrix is that of the embeddings: always, unless the checkpoint in `start` says otherwise."""
    return start is None or bool(read_config(start).get("tie_word_embeddings", True))


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


def load_weights(model: nn.Module, start: Path, weights: Weights, heads: Sequence[str], setting: str = SETTING) -> None:
    """Gives a module of `kobert_pipeline.architectures` the weights of the checkpoint in `start`.

    An optional head that the checkpoint lacks begins at random. Raises InputError for another architecture or size, for
    weights that are missing, and for a checkpoint without safetensors.
    """
    transformer: Any = model.transformer
    require_checkpoint(start, transformer.config, weights, [path.name for path in start.iterdir()], setting)
    try:
        with quiet():
            loaded, report = type(transformer).from_pretrained(
                start, use_safetensors=True, dtype="float32", output_loading_info=True
            )
    except unreadable_weights(OSError, ValueError) as error:
        raise InputError(
            "{setting}: the weights of {start} cannot be read: {error}. Copy or download the checkpoint again.",
            setting=setting, start=start.name, error=one_line(error),
        ) from None  # fmt: skip
    _require_tied_as_said(start, loaded, setting)
    twins = {read: unread for unread, read in unread_biases(loaded).items() if read in report["missing_keys"]}
    for read, unread in twins.items():  # transformers 4 saved one of two equal biases
        loaded.get_parameter(read).data.copy_(loaded.get_parameter(unread).data)
    missing = sorted(set(report["missing_keys"]) - set(twins))
    optional = tuple(prefix for prefixes in weights.optional.values() for prefix in prefixes)
    needed = [name for name in missing if not name.startswith(optional)]
    if needed:
        raise InputError(
            "{setting}: {start} lacks {count} of the weights, for example {weight}: not a checkpoint of a {kind}",
            setting=setting, start=start.name, count=len(needed), weight=needed[0], kind=type(transformer).__name__,
        )  # fmt: skip
    require_finite(loaded, f"{setting}: {start.name}")
    transformer.load_state_dict(loaded.state_dict())
    for head, prefixes in weights.optional.items():
        if head in heads and any(name.startswith(prefixes) for name in missing):
            logger.info("pretrain: the checkpoint does not have the head %s; it begins at random", head)


def read_config(folder: Path) -> dict[str, Any]:
    """The checkpoint's config.json. Raises InputError if it is missing or damaged."""
    return read_object(folder / "config.json", "Copy or download the checkpoint again.")


def require_checkpoint(start: Path, built: Any, weights: Weights, files: Sequence[str], setting: str = SETTING) -> None:
    """Raises InputError unless `files`, those of the checkpoint `start`, has safetensors, and its config.json the architecture and
    sizes of the configuration `built`."""
    require_safetensors(start, files, setting)
    _require_architecture(start, built, weights, setting)


def _require_tied_as_said(start: Path, loaded: Any, setting: str) -> None:
    output = loaded.get_output_embeddings()
    if output is not None and is_tied(start) and output.weight is not loaded.get_input_embeddings().weight:
        raise InputError(
            "{setting}: {start} has an output matrix of its own, but its config.json says that it is the embeddings. Write `tie_word_embeddings: false` there to continue both.",
            setting=setting, start=start.name,
        )  # fmt: skip


def require_safetensors(start: Path, files: Sequence[str], setting: str = SETTING) -> None:
    """Raises InputError unless one of `files`, those of the checkpoint `start`, is safetensors."""
    if not any(fnmatch.fnmatch(name, "*.safetensors") for name in files):
        raise InputError(
            "{setting}: {start} holds no safetensors. Pickled weights (pytorch_model.bin) can run code when they are read, so they are not read: load them where you trust them, and write the model with save_pretrained.",
            setting=setting, start=start.name,
        )  # fmt: skip


def _require_architecture(start: Path, built: Any, weights: Weights, setting: str) -> None:
    kind = read_config(start).get("model_type")
    if kind != built.model_type:
        raise InputError(
            "{setting}: {start} is a {kind}; this recipe's architecture is {expected}",
            setting=setting, start=start.name, kind=kind, expected=built.model_type,
        )  # fmt: skip
    try:
        given = type(built).from_pretrained(start)
    except Exception as error:  # a configuration class checks its values in its own ways
        raise InputError(
            "{setting}: the config.json of {start} is not one of a {kind}: {error}",
            setting=setting, start=start.name, kind=kind, error=one_line(error),
        ) from None  # fmt: skip
    pairs = {name: (getattr(given, key, None), getattr(built, key, None)) for key, name in weights.sizes.items()}
    pairs["positions"] = positions(given), positions(built)
    sizes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if sizes:
        theirs, ours = (", ".join(f"{name} {pair[side]}" for name, pair in sizes.items()) for side in (0, 1))
        raise InputError(
            "{setting}: {start} has {theirs}; set pretrain.architecture to that (given: {ours})",
            setting=setting, start=start.name, theirs=theirs, ours=ours,
        )  # fmt: skip
    for key in weights.built_in:
        if getattr(given, key, None) != getattr(built, key, None):
            raise InputError(
                "{setting}: {start} has {key} {theirs}, where our {expected} is built with {ours}: it cannot be continued here",
                setting=setting,
                start=start.name,
                key=key,
                theirs=getattr(given, key, None),
                expected=built.model_type,
                ours=getattr(built, key, None),
            )
