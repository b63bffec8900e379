"""`kobert inspect RECIPE batch`: examples as training sees them, readable, and the statistics of many batches.

Shapes: B rows of L pieces.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import Batch, TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SEGMENTS = ("white", "cyan")
MASKED, REPLACED, KEPT, SPECIAL = "bold red", "bold yellow", "bold green", "bright_black"
WORDS = {
    "next_sentence_label": ("really next", "random"),
    "sentence_order_label": ("in order", "swapped"),
}
"""What the values of a label mean; labels of other names are shown as they are."""
INNER = "##"
COUNTS = ("examples", "pieces an example")
"""Figures that are no shares."""


def view(config: PretrainConfig, tokenizer: Path, dataset: Path, *, seed: int, rows: int, batches: int) -> Group:
    """The first `rows` examples of a run's first batch, and figures over its first `batches`."""
    from tokenizers import Tokenizer

    store = Store(dataset)
    store.require_tokenizer(tokenizer)
    info = tokenizer_info(tokenizer)
    stream = BatchStream(store, OBJECTIVES[config.objective["name"]], config, info, seed)
    drawn = [read(batch, info) for batch, _ in itertools.islice(stream, batches)]
    known = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    piece_of = partial(_piece, known)
    shown = [line for row in range(min(rows, len(drawn[0].shown))) for line in example(drawn[0], row, piece_of)]
    return Group(legend(), *shown, table(statistics(drawn), stream.counts))


def _piece(tokenizer: Any, number: int) -> str:
    return str(tokenizer.id_to_token(number))


class Readable(NamedTuple):
    """A batch as it was before masking, and what was done to it."""

    shown: np.ndarray
    """(B, L) what the model is given."""
    original: np.ndarray
    """(B, L)"""
    segment: np.ndarray
    """(B, L) 0 or 1."""
    real: np.ndarray
    """(B, L) bool, false on padding."""
    special: np.ndarray
    """(B, L) bool: [CLS] and [SEP]."""
    selected: np.ndarray
    """(B, L) bool: there is loss on the piece."""
    masked: np.ndarray
    """(B, L) bool: selected, and shown as [MASK]."""
    labels: dict[str, np.ndarray]
    """Each (B,)."""
    positions: int
    """Of all rows, padding included: of the packed ones, where examples are packed."""


def read(batch: Batch, info: TokenizerInfo) -> Readable:
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    shown, labels = arrays["input_ids"], _labels(arrays)
    selected = labels != IGNORE_INDEX
    original = np.where(selected, labels, shown)
    return Readable(
        shown, original, arrays["token_type_ids"], arrays["attention_mask"],
        np.isin(original, [info.cls_id, info.sep_id]), selected, selected & (shown == info.mask_id),
        {name: values for name, values in arrays.items() if values.ndim == 1}, arrays.get("packing", shown).size,
    )  # fmt: skip


def _labels(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(B, L), also where the batch holds slots."""
    if "labels" in arrays:
        return arrays["labels"]
    labels = np.full_like(arrays["input_ids"], IGNORE_INDEX)
    rows, numbers = np.nonzero(arrays["masked_labels"] != IGNORE_INDEX)
    labels[rows, arrays["masked_positions"][rows, numbers]] = arrays["masked_labels"][rows, numbers]
    return labels


# --- examples --------------------------------------------------------------------------------------------------------


def legend() -> Text:
    return Text.assemble(
        ("⟦masked⟧", MASKED), "  ", ("⟦original→replaced⟧", REPLACED), "  ", ("⟦kept=⟧", KEPT), "  ",
        ("first segment", SEGMENTS[0]), "  ", ("second segment", SEGMENTS[1]), "\n",
    )  # fmt: skip


def example(batch: Readable, row: int, piece_of: Callable[[int], str]) -> list[Text]:
    """The row's text in colour, behind its labels in words."""
    named = [_worded(name, int(values[row])) for name, values in batch.labels.items()]
    line = Text()
    for position in np.flatnonzero(batch.real[row]).tolist():
        piece = piece_of(int(batch.original[row, position]))
        line.append("" if piece.startswith(INNER) or not position else " ")
        line.append(*_styled(batch, row, position, piece, piece_of))
    return [Text(", ".join([f"{int(batch.real[row].sum())} pieces", *named]), style="bold"), line, Text()]


def _worded(name: str, value: int) -> str:
    return f"{name}: {WORDS[name][value] if name in WORDS else value}"


def _styled(batch: Readable, row: int, position: int, piece: str, piece_of: Callable[[int], str]) -> tuple[str, str]:
    bare = piece.removeprefix(INNER)
    if batch.special[row, position]:
        return piece, SPECIAL
    if not batch.selected[row, position]:
        return bare, SEGMENTS[int(batch.segment[row, position])]
    if batch.masked[row, position]:
        return f"⟦{bare}⟧", MASKED
    if batch.shown[row, position] == batch.original[row, position]:
        return f"⟦{bare}=⟧", KEPT
    return f"⟦{bare}→{piece_of(int(batch.shown[row, position]))}⟧", REPLACED


# --- statistics ------------------------------------------------------------------------------------------------------


def statistics(batches: list[Readable]) -> dict[str, float]:
    """Shares over all batches, by what they are called in the table."""
    rows = sum(len(batch.shown) for batch in batches)
    positions = sum(batch.positions for batch in batches)
    real, special, selected, masked, kept = (
        sum(int(array.sum()) for array in arrays) for arrays in zip(*[_flags(batch) for batch in batches], strict=True)
    )
    of_selected = max(1, selected)
    figures = {
        COUNTS[0]: float(rows),
        COUNTS[1]: real / rows,
        "padding": 1 - real / positions,
        "selected, of text": selected / (real - special),
        "masked, of selected": masked / of_selected,
        "replaced, of selected": (selected - masked - kept) / of_selected,
        "kept, of selected": kept / of_selected,
    }
    for name in batches[0].labels:
        share = sum(int(batch.labels[name].sum()) for batch in batches) / rows
        figures[f"{name}: {WORDS[name][1] if name in WORDS else 1}"] = share
    return figures


def _flags(batch: Readable) -> tuple[np.ndarray, ...]:
    kept = batch.selected & (batch.shown == batch.original)
    return batch.real, batch.special & batch.real, batch.selected, batch.masked, kept


def table(figures: dict[str, float], counts: Counter[str]) -> Table:
    rows = Table("figure", "value", title="over these batches, and what their plans left out or treated otherwise")
    for name, value in figures.items():
        rows.add_row(name, f"{value:,.1f}" if name in COUNTS else f"{value:.1%}")
    for name, count in sorted(counts.items()):
        rows.add_row(name, f"{count:,}")
    return rows
