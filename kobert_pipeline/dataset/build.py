"""The dataset stage: tokenises every sentence once into the token store. The only I/O of this package."""

from __future__ import annotations

import functools
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from kobert_pipeline.dataset import morphemes
from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PART_OF_SPEECH
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.paragraphs import paragraph_ends
from kobert_pipeline.dataset.splits import Text, by_split
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Columns, write_shard
from kobert_pipeline.dataset.tokenise import split_eojeols, tokenise, tokenise_in_context
from kobert_pipeline.dataset.whole_texts import tokenise_texts
from kobert_pipeline.dataset.wrong_spaces import with_wrong_spaces
from kobert_pipeline.ground.amounts import shown_seconds
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.corpus import SHARDS, Corpus, Source
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_cache, write_json
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from kobert_pipeline.morphology.byte_level import characters_spelled, is_byte_level

logger = logging.getLogger(__name__)

LoadTokenizer = Callable[[Path], Any]
"""Folder -> a `tokenizers.Tokenizer`. `handover.py` passes it in, because this package must not import that stage."""


def build(
    config: DatasetConfig,
    corpora: Path,
    tokenizer: Path,
    out: Workspace,
    *,
    load: LoadTokenizer,
    execution: ExecutionConfig = LOCAL,
) -> dict[str, Any]:
    """Fills `out` with `train/` and `validation/`. Returns the manifest's summary. Raises InputError without training
    text."""
    started = time.monotonic()
    TokenizerFolder(tokenizer).require_content()
    corpus, vocab_size = Corpus(corpora).require_content(SHARDS), load(tokenizer).get_vocab_size()
    sources = corpus.summary.sources
    work = partial(
        _tokenise_shard,
        config=config,
        tokenizer=tokenizer,
        load=load,
        folder=out.path,
        sources=[source.name for source in sources],
        vocab_size=vocab_size,
    )
    totals = _Totals(vocab_size, len(sources))
    files = _tokenise_all(corpus.shards(), work, out, totals, execution)
    summary = {"vocab_size": vocab_size, "files": files} | _annotations(config) | totals.summary(sources)
    if not summary[TRAIN]["tokens"]:
        raise InputError("The dataset has no training text. Add documents to the corpus.")
    logger.info(
        "dataset: %s training tokens in %s sentences, %s validation tokens, unigram entropy %.2f nats, in %s",
        f"{summary[TRAIN]['tokens']:,}", f"{summary[TRAIN]['sentences']:,}", f"{summary[VALIDATION]['tokens']:,}",
        summary["unigram_entropy"], shown_seconds(time.monotonic() - started),
    )  # fmt: skip
    return summary


def _tokenise_all(
    shards: Sequence[Path],
    work: Callable[[Path], dict[str, Any]],
    out: Workspace,
    totals: _Totals,
    execution: ExecutionConfig,
) -> dict[str, dict[str, int]]:
    """Tokenises all shards and adds their counts to `totals`. Returns the number of sentences of each file by split."""
    for split in (TRAIN, VALIDATION, "counts"):
        (out.path / split).mkdir(exist_ok=True)
    files: dict[str, dict[str, int]] = {TRAIN: {}, VALIDATION: {}}
    with progress("dataset: tokenise", len(shards), "shards") as advance:
        for shard, counts in zip(shards, map_shards(work, shards, execution), strict=True):
            totals.add(counts)
            for split in files:
                files[split][f"{shard.stem}.arrow"] = counts[split]["sentences"]
                out.records[f"{split}/{shard.stem}.arrow"] = counts[split]["sentences"]
            advance(1)
    out.remove("counts")
    return files


def _annotations(config: DatasetConfig) -> dict[str, Any]:
    annotations = {"annotations": list(config.annotations)}
    return annotations | ({"parts_of_speech": list(morphemes.PARTS_OF_SPEECH)} if config.morphemes else {})


class _Totals:
    """Counts of all shards, and the number of training tokens by id and by source."""

    def __init__(self, vocab_size: int, sources: int) -> None:
        self.frequency = np.zeros(vocab_size, dtype=np.int64)
        self.by_source = np.zeros(sources, dtype=np.int64)
        self.counts: dict[str, Counter[str]] = {TRAIN: Counter(), VALIDATION: Counter()}

    def add(self, counts: dict[str, Any]) -> None:
        self.frequency += np.asarray(counts["frequency"])
        self.by_source += np.asarray(counts["by_source"])
        for split, counter in self.counts.items():
            counter.update(counts[split])

    def summary(self, sources: Sequence[Source]) -> dict[str, Any]:
        shares = self.frequency[self.frequency > 0] / max(1, self.frequency.sum())
        figures: dict[str, Any] = {split: dict(counter) for split, counter in self.counts.items()}
        rows = [
            {"name": source.name, "continuity": source.continuity, "tokens": count}
            for source, count in zip(sources, self.by_source.tolist(), strict=True)
        ]
        return figures | {"sources": rows, "unigram_entropy": round(float(-(shares * np.log(shares)).sum()), 4)}


@functools.lru_cache(maxsize=1)
def _loaded(load: LoadTokenizer, folder: Path) -> Any:
    tokenizer = load(folder)
    tokenizer.encode_special_tokens = True  # [MASK] or [SEP] written in a text is cut like any other text
    return tokenizer


def _tokenise_shard(
    shard: Path,
    *,
    config: DatasetConfig,
    tokenizer: Path,
    load: LoadTokenizer,
    folder: Path,
    sources: list[str],
    vocab_size: int,
) -> dict[str, Any]:
    """Writes one corpus shard into one file per split. The file of counts is written last and marks the shard as
    done."""
    marker = folder / "counts" / f"{shard.stem}.json"
    if (done := read_cache(marker)) is not None:
        return done
    counts: dict[str, Any] = {}
    for split, text in by_split(pq.read_table(shard), config.validation_share, sources).items():
        written, changed = _written(text, split, config)
        columns, counts[split] = _tokenised(
            written, _loaded(load, tokenizer), config, in_context=cuts_at_use(tokenizer)
        )
        counts[split] |= changed
        write_shard(folder / split / f"{shard.stem}.arrow", columns, vocab_size)
        if split == TRAIN:
            lengths = np.diff(columns.sentence_offsets)
            counts["frequency"] = np.bincount(columns.input_ids, minlength=vocab_size).tolist()
            by_source = np.bincount(columns.source, weights=lengths, minlength=len(sources))
            counts["by_source"] = by_source.astype(np.int64).tolist()
    write_json(marker, counts)
    return counts


def _written(text: Text, split: str, config: DatasetConfig) -> tuple[Text, dict[str, int]]:
    """The text as training reads it, and how many sentences were changed; as it is, without such a count, where nothing is."""
    if split != TRAIN or not config.wrong_spaces:
        return text, {}
    moved, sentences = with_wrong_spaces(text, config.wrong_spaces)
    return moved, {"wrong_spaces": sentences}


def _tokenised(
    text: Text, tokenizer: Any, config: DatasetConfig, *, in_context: bool = False
) -> tuple[Columns, dict[str, int]]:
    """The columns of one file, without sentences that have no tokens, and the counts of the file."""
    eojeols = split_eojeols(text.sentences)
    if is_byte_level(tokenizer):
        tokens = tokenise_texts(text, tokenizer, with_characters=config.morphemes)
    elif in_context:
        tokens = tokenise_in_context(eojeols, tokenizer)
    else:
        tokens = tokenise(eojeols, tokenizer, with_characters=config.morphemes)
    annotations = {EOJEOL_START: tokens.eojeol_start}
    kept = np.diff(tokens.sentence_offsets) > 0
    counts = {
        "documents": len(np.unique(text.document[kept])),
        "sentences": int(kept.sum()),
        "tokens": len(tokens.input_ids),
        "empty_sentences": int((~kept).sum()),
        "swallowed_eojeols": tokens.swallowed,
    }
    if is_byte_level(tokenizer):
        counts["characters"] = int(characters_spelled(tokenizer)[tokens.input_ids].sum())
    if config.morphemes and tokens.characters is not None:
        starts = morphemes.annotate(tokens.characters, morphemes.parse(eojeols))
        annotations |= {MORPHEME_START: starts.morpheme_start, PART_OF_SPEECH: starts.part_of_speech}
        counts["swallowed_morphemes"] = starts.swallowed
    columns = Columns(
        input_ids=tokens.input_ids,
        sentence_offsets=np.append(tokens.sentence_offsets[:-1][kept], len(tokens.input_ids)),
        annotations=annotations,
        document=text.document[kept],
        source=text.source[kept],
        paragraph_end=paragraph_ends(text.paragraph_end, text.document, kept),
    )
    return columns, counts
