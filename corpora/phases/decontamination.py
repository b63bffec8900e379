"""Decontamination: which sentences occur in evaluation data.

As in GPT-3 (Brown et al. 2020, appendix C) n-grams are compared, here of syllables: a sentence is contaminated if at
least half of its sequences of 13 syllables (without spaces and marks) occur in a dev or test set. Thirteen Korean
syllables are four or five eojeols. Shorter sentences are too common to decide, and stay.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpora.shingles import Hashes, letters, shingles
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import is_hidden, parse_json

NGRAM = 13
_DEV_OR_TEST = re.compile(r"(?:^|[-_.])(?:dev|test|val|valid|validation|eval|labelled)(?:[-_.]|\d|$)", re.IGNORECASE)
_ENTITY = re.compile(r"<([^<>:]+):[A-Z]{2}>")


def evaluation_files(folder: Path) -> list[Path]:
    """Gives the dev and test files (JSON, JSON Lines, TSV, CSV) under a folder, by name.

    A task may have only one labelled file, of which a part is scored: it is included. Raises InputError if there is no
    file.
    """
    files = [file for file in sorted(folder.rglob("*")) if not is_hidden(file.relative_to(folder))] or [folder]
    found = [
        file
        for file in files
        if file.suffix in (".json", ".jsonl", ".tsv", ".csv") and (file == folder or _DEV_OR_TEST.search(file.stem))
    ]
    if not found or not found[0].is_file():
        raise InputError(
            "{folder}: no dev or test file to decontaminate against (.json, .jsonl, .tsv, .csv)", folder=folder
        )
    return found


def evaluation_ngrams(files: Sequence[Path], texts: Sequence[str] = ()) -> Hashes:
    """Gives the sorted hashes of all n-grams of all texts in the files, and of further `texts`."""
    hashes = []
    for part in (*(list(_texts(file)) for file in files), *([list(texts)] if texts else [])):
        long = [text for text in letters(part) if len(text) >= NGRAM]
        hashes.append(shingles(long, NGRAM)[0])
    return np.unique(np.concatenate(hashes)) if hashes else np.zeros(0, np.uint64)


def overlap(bare: Sequence[str], ngrams: Hashes) -> npt.NDArray[np.float64]:
    """Gives the share of n-grams of each sentence's `letters` that occur in `ngrams`; 0 for a short sentence."""
    if not len(ngrams) or not bare:
        return np.zeros(len(bare))
    hashes, offsets = shingles(bare, NGRAM)
    places = np.minimum(np.searchsorted(ngrams, hashes), len(ngrams) - 1)
    # The padded n-gram of a short sentence has zeros, which no n-gram of the evaluation data has.
    return np.asarray(np.add.reduceat(ngrams[places] == hashes, offsets[:-1]) / np.diff(offsets))


def _texts(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        try:
            if file.suffix == ".json":
                yield from _strings(parse_json(stream.read()))
            elif file.suffix == ".jsonl":
                for line in stream:
                    yield from _strings(parse_json(line)) if line.strip() else ()
            else:
                dialect = csv.excel if file.suffix == ".csv" else csv.excel_tab
                for row in csv.reader(
                    stream, dialect, quoting=csv.QUOTE_MINIMAL if file.suffix == ".csv" else csv.QUOTE_NONE
                ):
                    yield from (_ENTITY.sub(r"\1", cell) for cell in row)
        except (ValueError, csv.Error) as error:
            raise InputError("{file}: evaluation data that cannot be read: {error}", file=file, error=error) from None


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
