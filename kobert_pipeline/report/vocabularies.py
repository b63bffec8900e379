"""The run's tokenizer compared with others: each splits the same sentences and is measured by the same rule."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.addresses import expand_variables
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.morphology.mecab import morphemes
from kobert_pipeline.report.charts import INK, TOKENIZER, Chart, Dot, scatter
from kobert_pipeline.report.corpus_section import sampled
from tokenizer.load import load_tokenizer, open_tokenizer
from tokenizer.measure import measure

logger = logging.getLogger(__name__)

SENTENCES = 2_000
"""Sentences that are measured, at most: evenly over those that the page takes for its distributions."""
FILES = ("tokenizer.json", "vocab.txt")
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class Vocabulary:
    name: str
    pieces: int
    """In the vocabulary."""
    figures: dict[str, Any]
    """As `tokenizer.measure.measure` returns them."""
    own: bool = False


@dataclass(frozen=True)
class Comparison:
    rows: list[Vocabulary]
    """The run's own first, then as they were named."""
    missing: list[str]
    """Tokenizers that could not be opened."""
    sentences: int
    chart: Chart


def comparison(
    recipe: str, tokenizer: TokenizerFolder | None, corpus: Corpus | None, compared: Sequence[str]
) -> Comparison | None:
    """None where there is nothing to compare: no other tokenizer, none of the run's own, or no text.

    A tokenizer that cannot be opened is named in the log and in `missing`, never by its folder.
    """
    sentences = _sentences(corpus) if compared and tokenizer is not None else []
    if tokenizer is None or not sentences:
        return None
    starts = {sentence: {item.start for item in morphemes(sentence)} for sentence in sentences}

    def measured(name: str, opened: Any, own: bool = False) -> Vocabulary:
        figures = measure(opened, sentences, starts.__getitem__)
        return Vocabulary(name, opened.get_vocab_size(), figures, own)

    rows = [measured(recipe, load_tokenizer(tokenizer.folder, check=False), own=True)]
    missing: list[str] = []
    for name in dict.fromkeys(compared):
        try:
            rows.append(measured(label(name), open_tokenizer(_expanded(name))))
        except KobertError as error:
            logger.warning("report: %s", error)
            missing.append(label(name))
    return Comparison(rows, missing, len(sentences), _chart(rows))


def _sentences(corpus: Corpus | None) -> list[str]:
    if corpus is None:
        return []
    found = [sentence for document in sampled(corpus) for sentence in document]
    stride = -(-len(found) // SENTENCES) or 1
    return found[::stride]


def _expanded(name: str) -> str:
    return str(Path(expand_variables(name, "report.compare_with")).expanduser()) if _is_path(name) else name


def _is_path(name: str) -> bool:
    return not _HUB_ID.fullmatch(name) or Path(name).exists()


def label(name: str) -> str:
    """A Hub id as it is; of a path its last telling part, because no folder of this machine may be published."""
    if not _is_path(name):
        return name
    path = Path(name)
    return path.parent.name if path.name in FILES and path.parent.name else path.name


def _chart(rows: Iterable[Vocabulary]) -> Chart:
    dots = [
        Dot(
            str(number), row.figures["pieces_per_eojeol"], row.figures["cut_f1"],
            TOKENIZER if row.own else INK,
        )
        for number, row in enumerate(rows, 1)
    ]  # fmt: skip
    return scatter("Agreement with morphemes (F1)", dots, x="pieces per eojeol")
