"""Byte-level BPE whose merges stay inside morphemes (`model: bpe`): every text can be written, and is given back as it was.

Words are those of GPT-2 (Radford et al. 2019, section 2.2): a space belongs to the word after it, and a line break is a word of its
own. While merges are learned, MeCab's boundaries cut words further. At use nothing is cut but words, so that MeCab is not needed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow.parquet as pq
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from kobert_pipeline.dataset.paragraphs import joiners
from kobert_pipeline.dataset.splits import by_split
from kobert_pipeline.dataset.store import TRAIN
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.byte_level import bytes_of
from kobert_pipeline.morphology.mecab import SEPARATOR, separated
from tokenizer.config import TokenizerConfig
from tokenizer.count import EQUAL_WEIGHTS, source_sizes, source_weights
from tokenizer.train import ROLES, repeated, special_rows
from tokenizer.words import DIGITS, Digits

ALPHABET = 256
"""Every byte has a row, so nothing is unknown."""
ENDS: MappingProxyType[str, str] = MappingProxyType({"bos_token": ROLES["cls_token"], "eos_token": ROLES["sep_token"]})
"""[CLS] begins a text that is written, [SEP] ends it."""
_EOJEOL = re.compile(r"\s*\S+|\s+$")


class Pieces(NamedTuple):
    rows: list[str]
    """In the order of their ids."""
    merges: list[tuple[str, str]]
    """In the order in which they apply."""


def continuing(pieces: Pieces) -> int:
    """The number of merged pieces that do not begin with a space or a line break."""
    return sum(not bytes_of(left + right)[:1].isspace() for left, right in pieces.merges)


def splitter(digits: Digits = "whole") -> pre_tokenizers.PreTokenizer:
    """Cuts a text into words, and writes them in the byte-level alphabet."""
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if digits == "whole":
        return words
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(DIGITS[digits]), "isolated"), words])


# --- counting --------------------------------------------------------------------------------------------------------


def count_bytes(
    shards: Sequence[Path],
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    execution: ExecutionConfig = LOCAL,
) -> Counter[str]:
    """Morphemes in the byte-level alphabet -> how often they occur, times the weight of their source."""
    weights = source_weights(source_sizes(shards), config.source_exponent)
    counter = partial(count_shard, config=config, placeholders=placeholders, weights=weights)
    counts: Counter[str] = Counter()
    with progress("tokenizer: count morphemes", len(shards), "shards") as advance:
        for of_shard in map_shards(counter, shards, execution):
            counts.update(of_shard)
            advance(1)
    return counts


def count_shard(
    shard: Path,
    *,
    config: TokenizerConfig,
    placeholders: Sequence[str] = (),
    weights: Mapping[str, int] = EQUAL_WEIGHTS,
) -> Counter[str]:
    """Counts one shard. A sentence begins with what joins it to the sentence before: see `kobert_pipeline.dataset.paragraphs`."""
    table = pq.read_table(shard)
    sources = sorted(set(table["source"].to_pylist()))
    text = by_split(table, 0.0, sources)[TRAIN]
    parts: dict[int, Counter[str]] = {number: Counter() for number in range(len(sources))}
    before = joiners(text.document, text.paragraph_end)
    for sentence, joiner, source in zip(text.sentences.to_pylist(), before, text.source.tolist(), strict=True):
        parts[source].update(morphemes_of(sentence, joiner, config, placeholders))
    cut, counts = splitter(config.digits), Counter[str]()
    for number, of_source in parts.items():
        weight = weights.get(sources[number], 1)
        for part, times in of_source.items():
            for word, _ in cut.pre_tokenize_str(part):
                counts[word] += times * weight
    return counts


def morphemes_of(
    sentence: str, joiner: str, config: TokenizerConfig, placeholders: Sequence[str] = ()
) -> Iterator[str]:
    """The morphemes of a sentence, each with the spaces before it. The first one has the joiner."""
    between = re.split("|".join(map(re.escape, placeholders)), sentence) if placeholders else [sentence]
    for place, text in enumerate(between):
        before = "" if place else joiner
        if config.morpheme == "none":
            yield from _EOJEOL.findall(before + text)
        elif text:
            first, *others = separated(text, left_space_penalty=config.left_space_penalty).split(SEPARATOR)[1:] or [""]
            yield from (before + first, *others)


# --- learning --------------------------------------------------------------------------------------------------------


def learn_bytes(
    counts: Counter[str], config: TokenizerConfig, special_tokens: Sequence[str], placeholders: Sequence[str] = ()
) -> Pieces:
    """Learns merges over counted morphemes. There are exactly `vocab_size` rows: special tokens and placeholders, bytes, merged
    pieces, unused ones.

    Raises InputError when the text has no words, or supports fewer pieces than asked for, and when special tokens collide.
    """
    if not counts:
        raise InputError("The corpus has no words to learn a vocabulary from.")
    special = special_rows(special_tokens, placeholders)
    unused = [f"[unused{number}]" for number in range(config.unused_tokens)]
    wanted = config.vocab_size - len(special) - len(unused)
    learned, merges = _merge(counts, wanted, config.min_frequency)
    if len(learned) < wanted:
        supported = config.vocab_size - wanted + len(learned)
        raise InputError(
            "tokenizer.vocab_size {size:,} is more than this text supports: {supported:,} at most. Lower it, or add text.",
            size=config.vocab_size,
            supported=supported,
        )
    if collisions := {*special, *unused} & {*learned}:
        raise InputError(
            "Special tokens collide with other pieces: {collisions}", collisions=", ".join(sorted(collisions))
        )
    return Pieces([*special, *learned, *unused], merges)


def require_room_for_bytes(config: TokenizerConfig, special_tokens: Sequence[str], placeholders: Sequence[str]) -> None:
    """Raises InputError, before any text is read, for a vocabulary that cannot hold special tokens and bytes."""
    taken = len(special_rows(special_tokens, placeholders)) + config.unused_tokens + ALPHABET
    if config.vocab_size < taken:
        raise InputError(
            "tokenizer.vocab_size {size:,} is too small: special tokens and bytes take {taken:,} rows. Raise it, or lower "
            "`unused_tokens`.",
            size=config.vocab_size,
            taken=taken,
        )


def _merge(counts: Mapping[str, int], size: int, min_frequency: int) -> tuple[list[str], list[tuple[str, str]]]:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # the byte-level alphabet has no space
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(repeated({unit: count for unit, count in counts.items() if len(unit) > 1}), trainer)
    model = json.loads(learner.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    return sorted(vocabulary, key=vocabulary.__getitem__), [(left, right) for left, right in model["merges"]]


# --- the tokenizer ---------------------------------------------------------------------------------------------------


def assemble_bytes(
    pieces: Pieces, placeholders: Sequence[str] = (), digits: Digits = "whole", *, open_end: bool = False
) -> Tokenizer:
    """Makes the tokenizer. NFC is all that it changes in a text: `decode(encode(text)) == NFC(text)`.

    `open_end`: nothing is written after a text, because the model goes on from there. Otherwise [SEP] follows.
    """
    vocabulary = {piece: number for number, piece in enumerate(pieces.rows)}
    tokenizer = Tokenizer(models.BPE(vocabulary, pieces.merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = splitter(digits)
    tokenizer.decoder = decoders.ByteLevel()
    cls, sep = ROLES["cls_token"], ROLES["sep_token"]
    end, end_of_pair = ("", "") if open_end else (f" {sep}", f" {sep}:1")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A{end}",
        pair=f"{cls} $A {sep} $B:1{end_of_pair}",
        special_tokens=[(cls, vocabulary[cls]), (sep, vocabulary[sep])],
    )
    tokenizer.add_tokens([AddedToken(placeholder, normalized=False) for placeholder in placeholders])
    return tokenizer
