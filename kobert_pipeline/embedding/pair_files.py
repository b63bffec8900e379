"""Sentences and pairs of sentences to train and to measure on: of a corpus, of KLUE, and of files such as KorSTS and KorNLI."""

from __future__ import annotations

import csv
import io
import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from klue_eval.data import read_split
from klue_eval.own.plain_text import lines_of, read_utf8
from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

FIRST, SECOND, SCORE, LABEL = "sentence1", "sentence2", "score", "gold_label"
HIGHEST = 5.0
"""The similarity of two sentences that say the same."""


class ScoredPair(NamedTuple):
    first: str
    second: str
    score: float
    """0 to 5."""


class Triplet(NamedTuple):
    """A premise with what follows from it and what contradicts it."""

    anchor: str
    positive: str
    negative: str


def read_sentences(place: Path, most: int) -> list[str]:
    """At most `most` different sentences, evenly over a corpus (its artifact) or a text file with one in each line."""
    found = list(dict.fromkeys(_of_corpus(place) if place.is_dir() else _of_lines(place)))
    if len(found) < 2:
        raise InputError(
            "{place}: {count} different sentences. Name a corpus, or a text file with one sentence in each line.",
            place=place,
            count=len(found),
        )
    step = max(1.0, len(found) / most)
    return [found[int(number * step)] for number in range(min(most, len(found)))]


def _of_corpus(folder: Path) -> Iterator[str]:
    import pyarrow.parquet as parquet

    shards = shards_of(folder)
    if not shards:
        raise InputError(
            "{folder}: no shards of a corpus. Name the artifact of a corpus, or a text file.", folder=folder
        )
    for shard in shards:
        for batch in parquet.ParquetFile(shard).iter_batches(columns=["sentences"]):
            for sentences in batch.column(0).to_pylist():
                yield from sentences


def _of_lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise InputError("{path}: no such file or corpus.", path=path)
    return (line.strip() for line in lines_of(read_utf8(path)) if line.strip())


# --- scored pairs -----------------------------------------------------------------------------------------------------


def klue_pairs(data: str, split: str) -> list[ScoredPair]:
    rows = read_split("sts", data, split).rows
    return [ScoredPair(row["sentence1"], row["sentence2"], float(row["labels"]["real-label"])) for row in rows]


def read_pairs(file: str) -> list[ScoredPair]:
    """A table of scored pairs. Raises InputError, with the row, for one without scores."""
    path, rows = _table(file, SCORE)
    return [ScoredPair(row[FIRST], row[SECOND], _score(path, number, row[SCORE])) for number, row in rows]


def _score(path: Path, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= HIGHEST:
        raise InputError(
            "{file}, row {number}: `{score}` is {text!r:.40}; it must be a number from 0 to 5.",
            file=path.name,
            number=number,
            score=SCORE,
            text=text,
        )
    return value


# --- entailment -------------------------------------------------------------------------------------------------------


def klue_triplets(data: str) -> list[Triplet]:
    rows = read_split("nli", data, "train").rows
    return _triplets([(row["premise"], row["hypothesis"], row["gold_label"]) for row in rows])


def read_triplets(file: str) -> list[Triplet]:
    """Those of a table of labelled pairs."""
    _, rows = _table(file, LABEL)
    return _triplets([(row[FIRST], row[SECOND], row[LABEL]) for _, row in rows])


def _triplets(rows: Sequence[tuple[str, str, str]]) -> list[Triplet]:
    """Each premise with every entailed sentence; contradictions take turns. Premises without one of them are left out (Gao et al.
    2021, section 4.2)."""
    known: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for premise, hypothesis, label in rows:
        known[premise][label].append(hypothesis)
    found = [
        Triplet(premise, positive, of["contradiction"][number % len(of["contradiction"])])
        for premise, of in known.items()
        if of["contradiction"]
        for number, positive in enumerate(of["entailment"])
    ]
    logger.info("embed: %s triplets of %s premises", f"{len(found):,}", f"{len(known):,}")
    return found


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(file: str, needed: str) -> tuple[Path, list[tuple[int, dict[str, str]]]]:
    """The rows with their numbers. TSV is read without quotation marks, as KorSTS and KorNLI write it."""
    path = Path(file).expanduser()
    lines = _lines(file, path)
    names = [name.strip() for name in lines[0]] if lines else []
    for column in (FIRST, SECOND, needed):
        if column not in names:
            hint = say(" Without scores it cannot be trained or measured on.") if column == SCORE else ""
            raise InputError(
                "{file}: no column `{column}`; its columns are {names}.{hint}",
                file=path.name,
                column=column,
                names=", ".join(names) or say("none"),
                hint=hint,
            )
    rows = [(number, line) for number, line in enumerate(lines[1:], 1) if line]
    for number, line in rows:
        if len(line) != len(names):
            raise InputError(
                "{file}, row {number}: {count} values for {columns} columns.",
                file=path.name,
                number=number,
                count=len(line),
                columns=len(names),
            )
    if not rows:
        raise InputError("{file}: no row below the header.", file=path.name)
    return path, [(number, dict(zip(names, line, strict=True))) for number, line in rows]


def _lines(file: str, path: Path) -> list[list[str]]:
    if not path.is_file():
        raise InputError("{file}: no such file.", file=file)
    stream, ending = io.StringIO(read_utf8(path), newline=""), path.suffix.lower()
    try:
        if ending == ".tsv":
            return list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
        if ending == ".csv":
            return list(csv.reader(stream))
    except csv.Error as error:
        raise InputError(
            "{file}: not readable as {format}: {error}.", file=path.name, format=ending[1:].upper(), error=error
        ) from None
    raise InputError("{file}: unknown format; a table of pairs is a .tsv or .csv file.", file=path.name)
