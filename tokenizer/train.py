"""Learns the vocabulary: byte-pair merges inside morphemes, written as WordPiece.

The published recipe writes `##` before word-internal morphemes and trains with BERT's pre-tokenizer, which splits at
`#` and so loses every one of them. Here every character that does not begin a word is shifted by U+F0000, BpeTrainer
(which is deterministic; WordPieceTrainer is not) merges inside morphemes, and the shift becomes `##` afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from kobert_pipeline.ground.errors import InputError
from tokenizer.alphabet import alphabet
from tokenizer.config import TokenizerConfig
from tokenizer.prune import Word, knock_out
from tokenizer.sequences import frequent_sequences
from tokenizer.words import characters_of, piece_of

ROLES: MappingProxyType[str, str] = MappingProxyType(
    {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
)
"""Role -> token: rows 0 to 4 of every vocabulary."""

SEQUENCES = 4_000
"""Words and endings of several morphemes that may stay one piece."""


def learn_vocabulary(
    counts: Counter[str],
    config: TokenizerConfig,
    special_tokens: Sequence[str],
    placeholders: Sequence[str] = (),
    words: Sequence[Word] = (),
    characters: Counter[str] | None = None,
) -> list[str]:
    """Returns pieces in order of their ids, exactly `vocab_size` of them.

    `special_tokens` come after the five of `ROLES`, then the `placeholders`: words such as `[전화번호]` that stay whole.
    With `words`, more pieces are learned than asked for (`config.surplus`), and those are kept that cut the words best
    at the price of a cut (`config.cut_price`). `characters` are those of the text; give them if the counts of units are
    weighted.

    Raises InputError when the text has no words, or supports fewer pieces than asked for, and when special tokens
    collide.
    """
    if not counts:
        raise InputError("The corpus has no words to learn a vocabulary from.")
    special = special_rows(special_tokens, placeholders)
    unused = [f"[unused{number}]" for number in range(config.unused_tokens)]
    wanted = config.vocab_size - len(special) - len(unused)
    rows = alphabet(characters_of(counts) if characters is None else characters, config)
    _require_room(config, config.vocab_size - wanted + len(rows))
    learned = _merge(counts, rows, round(wanted * config.surplus) if words else wanted, config.min_frequency)
    if words:
        learned = knock_out([*learned, *frequent_sequences(words, SEQUENCES)], words, wanted, config.cut_price)
    pieces = [piece_of(token) for token in learned]
    if len(pieces) < wanted:
        supported = config.vocab_size - wanted + len(pieces)
        raise InputError(
            "tokenizer.vocab_size {size:,} is more than this text supports: {supported:,} at most. Lower it, or add text.",
            size=config.vocab_size, supported=supported,
        )  # fmt: skip
    if collisions := {*special} & {*pieces, *unused}:
        raise InputError(
            "Special tokens collide with other pieces: {collisions}", collisions=", ".join(sorted(collisions))
        )
    return [*special, *pieces, *unused]


def special_rows(special_tokens: Sequence[str], placeholders: Sequence[str]) -> list[str]:
    """The first rows of a vocabulary. Raises InputError for a token that is named twice."""
    extra = [token for token in special_tokens if token not in ROLES.values()]
    special = [*ROLES.values(), *extra, *placeholders]
    twice = [token for token, times in Counter(special).items() if times > 1]
    if twice:
        raise InputError("Special tokens collide, named twice: {twice}", twice=", ".join(twice))
    return special


def require_room(config: TokenizerConfig, special_tokens: Sequence[str], placeholders: Sequence[str]) -> None:
    """Raises InputError, before any text is read, for a vocabulary that cannot hold what every vocabulary of these settings
    has, and for special tokens that collide."""
    fixed = len(special_rows(special_tokens, placeholders)) + config.unused_tokens
    _require_room(config, fixed + len(alphabet(Counter(), config)))


def _require_room(config: TokenizerConfig, taken: int) -> None:
    if config.vocab_size < taken:
        raise InputError(
            "tokenizer.vocab_size {size:,} is too small: special tokens and the alphabet take {taken:,} rows. Raise it, or "
            "lower `character_coverage`, or set `ks_x_1001: false`.",
            size=config.vocab_size,
            taken=taken,
        )


def _merge(counts: Counter[str], rows: list[str], size: int, min_frequency: int) -> list[str]:
    """Runs BPE over counted units. Feeding each unit `count` times equals training on the text itself. Units of one
    character have nothing to merge and are left out."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        initial_alphabet=rows,
        limit_alphabet=len(rows),
        show_progress=False,
    )
    learner.train_from_iterator(repeated({unit: count for unit, count in counts.items() if len(unit) > 1}), trainer)
    vocabulary = learner.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def repeated(counts: Mapping[str, int], words_per_line: int = 1_000) -> Iterable[str]:
    """Lines that hold each unit `count` times, for a trainer that counts words itself."""
    for unit, count in sorted(counts.items()):
        yield from _lines(unit, count, words_per_line)


def _lines(unit: str, count: int, words_per_line: int) -> Iterator[str]:
    whole_lines, remainder = divmod(count, words_per_line)
    line = " ".join([unit] * words_per_line) if whole_lines else ""
    for _ in range(whole_lines):
        yield line
    if remainder:
        yield " ".join([unit] * remainder)
