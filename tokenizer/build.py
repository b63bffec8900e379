"""The tokenizer stage: counts morphemes shard by shard, learns the vocabulary, writes the artifact. The only I/O
here."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from kobert_pipeline.ground.amounts import shown_seconds
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig
from kobert_pipeline.morphology.mecab import SEPARATOR, morphemes, separated
from tokenizer.byte_pairs import ENDS, assemble_bytes, continuing, count_bytes, learn_bytes
from tokenizer.config import TokenizerConfig
from tokenizer.count import count_all
from tokenizer.load import NO_ENDS, assemble, load_tokenizer, save
from tokenizer.measure import measure
from tokenizer.prune import known_words
from tokenizer.train import learn_vocabulary

logger = logging.getLogger(__name__)

GOLDEN_SENTENCES = 32
MEASURED_SENTENCES = 2_000


class Learned(NamedTuple):
    tokenizer: Any
    pieces: list[str]
    """In the order of their ids."""
    inner: int
    """Pieces that continue a word."""
    distinct: int
    """Different morphemes of the corpus."""


def build(
    config: TokenizerConfig,
    corpora: Path,
    out: Workspace,
    *,
    special_tokens: Sequence[str],
    placeholders: Sequence[str] = (),
    open_end: bool = False,
    execution: ExecutionConfig = LOCAL,
) -> dict[str, Any]:
    """Fills `out` with a tokenizer folder learned from `corpora/shards/*.parquet`. Returns the manifest's summary.

    `placeholders` are the texts that the corpora stage wrote in place of personal data. `open_end`: see
    `tokenizer.byte_pairs.assemble_bytes`.
    """
    started = time.monotonic()
    shards = shards_of(corpora)
    if config.model == "bpe":
        learned = _learn_bytes(shards, config, special_tokens, placeholders, execution, open_end)
    else:
        learned = _learn_wordpiece(shards, config, special_tokens, placeholders, execution)
    golden, at_morphemes = first(sentences_of(shards[0]), GOLDEN_SENTENCES), config.morpheme == "inference"
    ends = ENDS if config.model == "bpe" else NO_ENDS
    save(learned.tokenizer, learned.pieces, special_tokens, out.path, golden, at_morphemes=at_morphemes, ends=ends)
    tokenizer = load_tokenizer(out.path, check=False) if at_morphemes else learned.tokenizer
    starts = partial(morpheme_starts, left_space_penalty=config.left_space_penalty)
    figures = measure(tokenizer, first(sentences_of(shards[-1]), MEASURED_SENTENCES), starts)
    logger.info(
        "tokenizer: %s pieces, %.2f per eojeol, cuts agree with morphemes F1 %.3f, [UNK] %.5f, in %s",
        f"{len(learned.pieces):,}", figures["pieces_per_eojeol"], figures["cut_f1"], figures["unknown_share"], shown_seconds(time.monotonic() - started),
    )  # fmt: skip
    return {
        "vocab_size": len(learned.pieces),
        "inner_pieces": learned.inner,
        "distinct_morphemes": learned.distinct,
        "training_text": figures,
    }


def _learn_wordpiece(
    shards: Sequence[Path], config: TokenizerConfig, special_tokens: Sequence[str], placeholders: Sequence[str],
    execution: ExecutionConfig,
) -> Learned:  # fmt: skip
    counts = count_all(shards, config, placeholders, execution)
    pieces = learn_vocabulary(
        counts.units, config, special_tokens, placeholders, known_words(counts.sample), counts.characters
    )
    inner = sum(piece.startswith("##") for piece in pieces)
    return Learned(assemble(pieces, placeholders, config.digits), pieces, inner, len(counts.units))


def _learn_bytes(
    shards: Sequence[Path], config: TokenizerConfig, special_tokens: Sequence[str], placeholders: Sequence[str],
    execution: ExecutionConfig, open_end: bool,
) -> Learned:  # fmt: skip
    counts = count_bytes(shards, config, placeholders, execution)
    pieces = learn_bytes(counts, config, special_tokens, placeholders)
    tokenizer = assemble_bytes(pieces, placeholders, config.digits, open_end=open_end)
    return Learned(tokenizer, pieces.rows, continuing(pieces), len(counts))


def sentences_of(shard: Path) -> Iterator[str]:
    """Yields the sentences of a corpus shard in reading order."""
    for row in pq.read_table(shard, columns=["sentences"])["sentences"].to_pylist():
        yield from row


def morpheme_starts(sentence: str, *, left_space_penalty: bool = False) -> set[int]:
    """The number of characters of the sentence before each morpheme."""
    if not left_space_penalty:
        return {morpheme.start for morpheme in morphemes(sentence)}
    starts, position = set(), 0
    for morpheme in separated(sentence, left_space_penalty=True).split(SEPARATOR)[1:]:
        starts.add(position + len(morpheme) - len(morpheme.lstrip()))
        position += len(morpheme)
    return starts


def first(sentences: Iterator[str], limit: int) -> list[str]:
    """The first `limit` sentences, or all if there are fewer."""
    return [sentence for _, sentence in zip(range(limit), sentences, strict=False)]
