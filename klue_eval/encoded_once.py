"""Rows as the model reads them, kept for the next run: seeds, learning rates and protocols read the same rows.

One process does all runs of a task under a protocol. Without this, a run on a hundred rows would spend its time on cutting thousands
of scored rows into tokens again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from klue_eval.batches import Encoded, encode_rows
from klue_eval.task import KlueTask, TaskSettings
from klue_eval.token_reader import Reader
from klue_eval.values import Row

MOST = 6
"""Parts of a task that are kept: rows to train on, to choose on and to score, and those with typing errors."""
TRAINING = {"learning_rate", "batch_size", "epochs", "warmup_share", "weight_decay"}
"""Settings that do not change how a row is read."""

_KEPT: OrderedDict[tuple[Any, ...], tuple[Sequence[Row], Reader, Encoded]] = OrderedDict()
"""Rows and reader are kept, too, because the key may know them by their place in memory."""


def encode_once(task: KlueTask, rows: Sequence[Row], reader: Reader, settings: TaskSettings) -> Encoded:
    """What `encode_rows` returns. The same rows of memory are encoded again only by another tokenizer or with other settings."""
    if not rows:
        return encode_rows(task, rows, reader, settings)
    key = (task.name, task.scale, task.labels, _how(reader, settings), tuple(map(id, rows)))
    if key not in _KEPT:
        _KEPT[key] = list(rows), reader, encode_rows(task, rows, reader, settings)
    _KEPT.move_to_end(key)
    while len(_KEPT) > MOST:
        _KEPT.popitem(last=False)
    return _KEPT[key][-1]


def _how(reader: Reader, settings: TaskSettings) -> str:
    """Identifies a tokenizer by its content, and the settings that decide how a row is read. One that runs MeCab has steps that cannot be
    written down: it is known as an object alone."""
    try:
        backend = reader.tokenizer.backend_tokenizer.to_str()
    except Exception:  # of this very type
        backend = str(id(reader.tokenizer))
    others = {name: value for name, value in settings.content().items() if name not in TRAINING}
    described = f"{backend} {reader.tokenizer.special_tokens_map} {reader.max_length} {sorted(others.items())}"
    return hashlib.blake2b(described.encode(), digest_size=16).hexdigest()
