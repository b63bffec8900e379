"""`kobert inspect RECIPE batch`: examples as training sees them, readable, and the statistics of many batches.

Shapes: B rows of L tokens.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.messages import say
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.morphology.byte_level import in_words
from kobert_pipeline.objectives.objective import Batch, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.models import objective_of
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SEGMENTS = ("white", "cyan")
MASKED, REPLACED, KEPT, SPECIAL = "bold red", "bold yellow", "bold green", "bright_black"
Words = Mapping[str, tuple[str, ...]]
"""Name of a label -> what its values mean; other labels are shown as numbers."""
INNER = "##"
TARGETS = ("decoder_input_ids", "decoder_labels")
"""Tensors of a decoder (B, L'): what it reads and what it writes."""


def view(config: PretrainConfig, tokenizer: Path, dataset: Path, *, seed: int, rows: int, batches: int) -> Group:
    """The first `rows` examples of a run's first batch, and figures over its first `batches`."""
    from tokenizers import Tokenizer

    store, objective = Store(dataset), objective_of(config)
    store.require_tokenizer(tokenizer)
    info = tokenizer_info(tokenizer)
    stream = BatchStream(store, objective, config, info, seed)
    drawn = [read(batch, info) for batch, _ in itertools.islice(stream, batches)]
    known = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    name_of, words = partial(_name, known), objective.label_words
    count = min(rows, len(drawn[0].shown))
    shown = [line for row in range(count) for line in example(drawn[0], row, name_of, words)]
    return Group(legend(), *shown, table(statistics(drawn, words), stream.counts))


def _name(tokenizer: Any, token: int) -> str:
    return in_words(tokenizer, str(tokenizer.id_to_token(token)))


class Readable(NamedTuple):
    """A batch as it was before corruption, and what was done to it."""

    shown: np.ndarray
    """(B, L) what the model reads."""
    original: np.ndarray
    """(B, L)"""
    segment: np.ndarray
    """(B, L) 0 or 1."""
    real: np.ndarray
    """(B, L) bool, false on padding."""
    special: np.ndarray
    """(B, L) bool: [CLS] and [SEP]."""
    selected: np.ndarray
    """(B, L) bool: there is a loss on the token."""
    masked: np.ndarray
    """(B, L) bool: selected, and shown as [MASK]."""
    labels: dict[str, np.ndarray]
    """Each (B,)."""
    positions: int
    """Of all rows with their padding; of the packed rows if examples are packed."""
    targets: dict[str, np.ndarray]
    """What a decoder reads and writes, each (B, L')."""


def read(batch: Batch, info: TokenizerInfo) -> Readable:
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    shown, labels = arrays["input_ids"], _labels(arrays)
    selected = labels != IGNORE_INDEX
    original = np.where(selected, labels, shown)
    return Readable(
        shown, original, arrays.get("token_type_ids", np.zeros_like(shown)), arrays["attention_mask"],
        np.isin(original, [info.cls_id, info.sep_id]), selected, selected & (shown == info.mask_id),
        {name: values for name, values in arrays.items() if values.ndim == 1}, arrays.get("packing", shown).size,
        {name: arrays[name] for name in TARGETS if name in arrays},
    )  # fmt: skip


def _labels(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(B, L) the label of each token that the model reads; none if the batch has labels of another kind, or slots."""
    labels = np.full_like(arrays["input_ids"], IGNORE_INDEX)
    if "labels" in arrays:
        return arrays["labels"] if arrays["labels"].shape == labels.shape else labels
    if "masked_labels" in arrays:
        rows, numbers = np.nonzero(arrays["masked_labels"] != IGNORE_INDEX)
        labels[rows, arrays["masked_positions"][rows, numbers]] = arrays["masked_labels"][rows, numbers]
    return labels


# --- examples --------------------------------------------------------------------------------------------------------


def legend() -> Text:
    return Text.assemble(
        (say("⟦masked⟧"), MASKED), "  ", (say("⟦original→replaced⟧"), REPLACED), "  ", (say("⟦kept=⟧"), KEPT), "  ",
        (say("first segment"), SEGMENTS[0]), "  ", (say("second segment"), SEGMENTS[1]), "\n",
    )  # fmt: skip


def example(batch: Readable, row: int, name_of: Callable[[int], str], words: Words) -> list[Text]:
    """The row's labels in words, its text in colour, and what a decoder reads and writes."""
    named = [_worded(name, int(values[row]), words) for name, values in batch.labels.items()]
    line = Text()
    for position in np.flatnonzero(batch.real[row]).tolist():
        token = name_of(int(batch.original[row, position]))
        line.append("" if token.startswith(INNER) or not position else " ")
        line.append(*_styled(batch, row, position, token, name_of))
    targets = [_target(name, values[row], name_of) for name, values in batch.targets.items()]
    length = say("{count} tokens", count=int(batch.real[row].sum()))
    return [Text(", ".join([length, *named]), style="bold"), line, *targets, Text()]


def _target(name: str, tokens: np.ndarray, name_of: Callable[[int], str]) -> Text:
    written = " ".join(name_of(token) for token in tokens.tolist() if token != IGNORE_INDEX).replace(f" {INNER}", "")
    return Text(say("decoder reads: {text}" if name == TARGETS[0] else "decoder writes: {text}", text=written))


def _worded(name: str, value: int, words: Words) -> str:
    return f"{name}: {say(words[name][value]) if name in words else value}"


def _styled(batch: Readable, row: int, position: int, token: str, name_of: Callable[[int], str]) -> tuple[str, str]:
    bare = token.removeprefix(INNER)
    if batch.special[row, position]:
        return token, SPECIAL
    if not batch.selected[row, position]:
        return bare, SEGMENTS[int(batch.segment[row, position])]
    if batch.masked[row, position]:
        return f"⟦{bare}⟧", MASKED
    if batch.shown[row, position] == batch.original[row, position]:
        return f"⟦{bare}=⟧", KEPT
    return f"⟦{bare}→{name_of(int(batch.shown[row, position]))}⟧", REPLACED


# --- statistics ------------------------------------------------------------------------------------------------------


def statistics(batches: list[Readable], words: Words) -> dict[str, float]:
    """The number of examples, their mean length, and shares over all batches, by their names in the table."""
    rows = sum(len(batch.shown) for batch in batches)
    positions = sum(batch.positions for batch in batches)
    real, special, selected, masked, kept = (
        sum(int(array.sum()) for array in arrays) for arrays in zip(*[_flags(batch) for batch in batches], strict=True)
    )
    of_selected = max(1, selected)
    figures = {
        say("examples"): rows,
        say("tokens per example"): real / rows,
        say("padding"): 1 - real / positions,
        say("selected, of text"): selected / (real - special),
        say("masked, of selected"): masked / of_selected,
        say("replaced, of selected"): (selected - masked - kept) / of_selected,
        say("kept, of selected"): kept / of_selected,
    }
    for name in batches[0].labels:
        figures[_worded(name, 1, words)] = sum(int(batch.labels[name].sum()) for batch in batches) / rows
    return figures


def _flags(batch: Readable) -> tuple[np.ndarray, ...]:
    kept = batch.selected & (batch.shown == batch.original)
    return batch.real, batch.special & batch.real, batch.selected, batch.masked, kept


def table(figures: dict[str, float], counts: Counter[str]) -> Table:
    title = say("over these batches, and what their plans left out or treated specially")
    rows = Table(Column(say("figure")), Column(say("value"), justify="right"), title=title)
    for name, value in figures.items():
        rows.add_row(name, _shown(value))
    for name, count in sorted(counts.items()):
        rows.add_row(name, f"{count:,}")
    return rows


def _shown(value: float) -> str:
    """A count, a share, or a mean."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1%}" if value <= 1 else f"{value:,.1f}"
