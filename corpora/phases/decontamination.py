"""Decontamination: sentences that stand in evaluation data leave the training text.

As in GPT-3 (Brown et al. 2020, appendix C) by overlapping n-grams, here of syllables: a sentence is contaminated when at
least half of its runs of 13 syllables (spaces and marks aside) occur in a dev or test set. Thirteen Korean syllables are
four or five eojeols. Shorter sentences say too little to tell, and stay.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpora.shingles import Hashes, letters, shingles
from kobert_pipeline.ground.errors import InputError

NGRAM = 13
_HELD_OUT = re.compile(r"(?:^|[-_.])(?:dev|test|val|valid|validation|eval|labelled)(?:[-_.]|\d|$)", re.IGNORECASE)
_ENTITY = re.compile(r"<([^<>:]+):[A-Z]{2}>")


def evaluation_files(folder: Path) -> list[Path]:
    """The dev and test files (JSON, JSON Lines, TSV, CSV) under a folder, by name, and the one labelled file of a task that has
    no others, of which a part is scored. Raises InputError where there is none."""
    files = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    found = [
        file
        for file in files
        if file.suffix in (".json", ".jsonl", ".tsv", ".csv") and (file == folder or _HELD_OUT.search(file.stem))
    ]
    if not found or not found[0].is_file():
        raise InputError(f"{folder}: no dev or test file to decontaminate against (.json, .jsonl, .tsv, .csv)")
    return found


def evaluation_ngrams(files: Sequence[Path]) -> Hashes:
    """Sorted hashes of every n-gram of every text in the files."""
    hashes = []
    for file in files:
        long = [text for text in letters(list(_texts(file))) if len(text) >= NGRAM]
        hashes.append(shingles(long, NGRAM)[0])
    return np.unique(np.concatenate(hashes)) if hashes else np.zeros(0, np.uint64)


def overlap(bare: Sequence[str], ngrams: Hashes) -> npt.NDArray[np.float64]:
    """Share of the n-grams of each sentence's `letters` that stand in `ngrams`; 0 for one that is too short."""
    if not len(ngrams) or not bare:
        return np.zeros(len(bare))
    hashes, offsets = shingles(bare, NGRAM)
    places = np.minimum(np.searchsorted(ngrams, hashes), len(ngrams) - 1)
    # A padded n-gram of a short sentence holds zeros, which no n-gram of the evaluation data does.
    return np.asarray(np.add.reduceat(ngrams[places] == hashes, offsets[:-1]) / np.diff(offsets))


def _texts(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        try:
            if file.suffix == ".json":
                yield from _strings(json.load(stream))
            elif file.suffix == ".jsonl":
                for line in stream:
                    yield from _strings(json.loads(line))
            else:
                dialect = csv.excel if file.suffix == ".csv" else csv.excel_tab
                for row in csv.reader(
                    stream, dialect, quoting=csv.QUOTE_MINIMAL if file.suffix == ".csv" else csv.QUOTE_NONE
                ):
                    yield from (_ENTITY.sub(r"\1", cell) for cell in row)
        except (ValueError, csv.Error) as error:
            raise InputError(f"{file}: evaluation data that cannot be read: {error}") from None


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
