"""A user's own task: the rows to train on and to score, and what the file says about the task."""

from __future__ import annotations

import logging
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from klue_eval.own.conll import OUTSIDE, read_conll
from klue_eval.own.own_files import is_tagging, own_files, split_named
from klue_eval.own.own_split import OF_EACH_LABEL, RULE, divide
from klue_eval.own.own_task import Kind, OwnTask, OwnTaskConfig, epochs_for
from klue_eval.own.tables import LABEL, PAIR, SPLIT, TEXT, Record, read_table
from klue_eval.values import Row
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

FEW_LABELS = 10
"""So many labels may all have a single row."""
MOST_SHOWN = 5
"""Labels that a message lists."""


@dataclass(frozen=True)
class OwnData:
    own: OwnTask
    train: list[Row]
    dev: list[Row]
    unlabelled: int
    """Rows that were skipped because they have no label."""
    why: str
    """How the kind of the task was decided."""
    division: str
    """How the rows to train on and those to score were told apart."""
    repeated: int
    """Scored rows with a text that is also trained on."""


@dataclass(frozen=True)
class Item:
    """A row of the file, of any kind."""

    row: Row
    number: int
    text: str
    labels: frozenset[str]
    """Its label, or the types of its entities; empty for a number."""
    split: str = ""
    """What the column `split` says."""


@dataclass(frozen=True)
class _Read:
    """All rows of a task's files."""

    kind: Kind
    why: str
    files: Mapping[str, Path]
    items: Mapping[str, list[Item]]
    """Split -> items; a single file has them all under `train`."""
    unlabelled: int = 0
    paired: bool = False

    @property
    def unit(self) -> str:
        return say("sentence") if self.kind == "tagging" else say("row")

    @property
    def units(self) -> str:
        return say("sentences") if self.kind == "tagging" else say("rows")


def read_own(name: str, config: OwnTaskConfig) -> OwnData:
    """Reads all rows and checks them. Raises InputError, with the file and the row, for what cannot be learned or scored."""
    files = own_files(name, config)
    read = _read_tags(files) if is_tagging(files["train"], config) else _read_labels(files, config)
    train, dev, division = _parts(read)
    _check(read, train, dev)
    texts = {item.text for item in train}
    repeated = sum(item.text in texts for item in dev)
    if repeated:
        logger.warning(
            "%s: %s of %s scored rows have a text that is also trained on; their score is too high",
            name,
            repeated,
            len(dev),
        )
    own = _describe(name, read, train)
    logger.info(
        "%s: %s, because %s; %s rows to train on, %s to score",
        name,
        own.kind,
        read.why,
        f"{len(train):,}",
        f"{len(dev):,}",
    )
    rows = [[item.row for item in part] for part in (train, dev)]
    return OwnData(own, rows[0], rows[1], read.unlabelled, read.why, division, repeated)


# --- reading ----------------------------------------------------------------------------------------------------------


def _each(files: Mapping[str, Path]) -> dict[str, Path]:
    """Every file once."""
    return {"train": files["train"]} if files["train"] == files["dev"] else dict(files)


def _guid(files: Mapping[str, Path], split: str, number: int) -> str:
    return f"{split if len(_each(files)) > 1 else 'row'}-{number}"


def _read_tags(files: Mapping[str, Path]) -> _Read:
    items = {
        split: [
            Item(
                {"guid": _guid(files, split, found.number), "tokens": found.tokens, "labels": found.tags},
                found.number,
                "\n".join(found.tokens),
                frozenset(tag[2:] for tag in found.tags if tag != OUTSIDE),
            )
            for found in read_conll(path)
        ]
        for split, path in _each(files).items()
    }
    return _Read("tagging", "it has tokens and tags in CoNLL", files, items)


def _read_labels(files: Mapping[str, Path], config: OwnTaskConfig) -> _Read:
    tables = {split: read_table(path) for split, path in _each(files).items()}
    records = {split: [record for record in table if record.label] for split, table in tables.items()}
    everything = [record for table in records.values() for record in table]
    if not everything:
        raise InputError("{train_file}: no row has a label", train_file=files["train"].name)
    paired = {record.pair is not None for record in everything}
    if len(paired) > 1:
        raise InputError(
            "{train_file} and {dev_file}: only one of them has the column `{pair}`",
            train_file=files["train"].name,
            dev_file=files["dev"].name,
            pair=PAIR,
        )
    kind, why = _kind(everything, config)
    items = {
        split: [_item(record, kind, _guid(files, split, record.number), files[split]) for record in table]
        for split, table in records.items()
    }
    unlabelled = sum(map(len, tables.values())) - len(everything)
    if unlabelled:
        logger.info("%s: %s rows without a label are skipped", files["train"].name, f"{unlabelled:,}")
    return _Read(kind, why, files, items, unlabelled, paired == {True})


def _kind(records: Sequence[Record], config: OwnTaskConfig) -> tuple[Kind, str]:
    """Raises nothing: labels that do not fit the kind are found one by one."""
    if config.kind == "classification" or config.kind == "regression":
        return config.kind, "the settings say so"
    numbers = [_number(record.label) for record in records]
    first = next(
        (record for record, number in zip(records, numbers, strict=True) if number is not None and number % 1), None
    )
    if None in numbers or first is None:
        return (
            "classification",
            "its labels are names" if None in numbers else "its labels are whole numbers, which are read as names",
        )
    return "regression", f"every label is a number and not all are whole ({first.label} in row {first.number})"


def _number(label: str) -> float | None:
    """None for what is not a finite number. `1_000` and `nan`, which Python reads, are not."""
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in label else None


def _item(record: Record, kind: Kind, guid: str, path: Path) -> Item:
    texts = {TEXT: record.text} if record.pair is None else {TEXT: record.text, PAIR: record.pair}
    label: str | float = record.label
    if kind == "regression":
        number = _number(record.label)
        if number is None:
            raise InputError(
                "{file}, row {number}: the label `{label:.40}` is not a number, and a regression needs one",
                file=path.name,
                number=record.number,
                label=record.label,
            )
        label = number
    labels = frozenset() if kind == "regression" else frozenset({record.label})
    return Item({"guid": guid, **texts, LABEL: label}, record.number, "\n".join(texts.values()), labels, record.split)


# --- to train on and to score -----------------------------------------------------------------------------------------


def _parts(read: _Read) -> tuple[list[Item], list[Item], str]:
    """The items to train on, those to score, and how they were told apart."""
    if len(read.items) > 1:
        return (
            read.items["train"],
            read.items["dev"],
            f"{read.files['train'].name} trained on, {read.files['dev'].name} scored",
        )
    items = read.items["train"]
    if any(item.split for item in items):
        return _by_column(read.files["train"], items)
    train, dev = divide(items, [item.text for item in items], [item.labels for item in items])
    return train, dev, RULE + (OF_EACH_LABEL if read.kind == "classification" else "")


def _by_column(path: Path, items: Sequence[Item]) -> tuple[list[Item], list[Item], str]:
    wrong = next((item for item in items if split_named(item.split) is None), None)
    if wrong:
        raise InputError(
            "{file}, row {number}: `{column}` is `{given:.40}`; it must be train, dev or test",
            file=path.name,
            number=wrong.number,
            column=SPLIT,
            given=wrong.split,
        )
    parts: dict[str, list[Item]] = {"train": [], "dev": [], "test": []}
    for item in items:
        parts[split_named(item.split) or ""].append(item)
    scored = "dev" if parts["dev"] else "test"
    if scored == "dev" and parts["test"]:
        logger.info("%s: scored on dev; %s rows of test are not read", path.name, f"{len(parts['test']):,}")
    for split in ("train", scored):
        if not parts[split]:
            raise InputError(
                "{file}: the column `{column}` has no row of {wanted}",
                file=path.name,
                column=SPLIT,
                wanted="train" if split == "train" else say("dev or test"),
            )
    return parts["train"], parts[scored], f"by the column `{SPLIT}`"


# --- checks -----------------------------------------------------------------------------------------------------------


def _check(read: _Read, train: Sequence[Item], dev: Sequence[Item]) -> None:
    """Raises InputError for rows from which nothing can be learned, or that cannot be scored."""
    name, known = read.files["train"].name, frozenset[str]().union(*(item.labels for item in train))
    if problem := _unlearnable(read, train, known):
        raise InputError("{name}: {problem}", name=name, problem=problem)
    if not dev:
        raise InputError(
            "{name}: {count} {units} are too few to score some of them. Label more, or name a train and a dev file",
            name=name,
            count=len(train),
            units=read.units,
        )
    _refuse_unseen(read, known, dev)


def _unlearnable(read: _Read, train: Sequence[Item], known: frozenset[str]) -> str | None:
    """Why nothing can be learned from the rows."""
    if read.kind == "regression":
        constant = len({item.row[LABEL] for item in train}) < 2
        return (
            say("every label to train on is {label:g}; a regression needs different numbers", label=train[0].row[LABEL])
            if constant
            else None
        )
    if read.kind == "tagging":
        return None if known else say("no entity to train on: every tag is {tag}", tag=OUTSIDE)
    if len(known) < 2:
        return say(
            "only one label to train on, `{label:.40}`; a classification needs two or more", label=next(iter(known), "")
        )
    rows_of = Counter(label for item in train for label in item.labels)
    if len(known) <= FEW_LABELS or list(rows_of.values()).count(1) <= len(train) / 2:
        return None
    hint = say(" If they are numbers to predict, the kind is regression.") if None not in map(_number, known) else ""
    return say(
        "{labels:,} different labels in {rows:,} rows; most labels have a single row.{hint}",
        labels=len(known),
        rows=len(train),
        hint=hint,
    )


def _refuse_unseen(read: _Read, known: frozenset[str], dev: Sequence[Item]) -> None:
    unseen = [(item, sorted(item.labels - known)) for item in dev if item.labels - known]
    if unseen:
        names = sorted({label for _, labels in unseen for label in labels})
        shown = ", ".join(f"`{label:.40}`" for label in names[:MOST_SHOWN]) + (" …" if len(names) > MOST_SHOWN else "")
        raise InputError(
            "{file}, {unit} {number}: {count:,} scored {units} have a label that no {unit} to train on has: {shown}. Add {units} with it to train on, or correct it",
            file=read.files["dev"].name,
            unit=read.unit,
            units=read.units,
            number=unseen[0][0].number,
            count=len(unseen),
            shown=shown,
        )


def _describe(name: str, read: _Read, train: Sequence[Item]) -> OwnTask:
    epochs = epochs_for(len(train))
    if read.kind == "regression":
        numbers = [item.row[LABEL] for item in train]
        return OwnTask(
            name,
            read.kind,
            paired=read.paired,
            mean=statistics.fmean(numbers),
            deviation=statistics.pstdev(numbers),
            epochs=epochs,
        )
    known = sorted(frozenset[str]().union(*(item.labels for item in train)))
    if read.kind == "tagging":
        return OwnTask(
            name, read.kind, (OUTSIDE, *(f"{prefix}-{label}" for label in known for prefix in "BI")), epochs=epochs
        )
    return OwnTask(name, read.kind, tuple(known), read.paired, epochs=epochs)
