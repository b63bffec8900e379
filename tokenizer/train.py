"""Learning the vocabulary: byte-pair merges inside morphemes, written as WordPiece.

The published recipe writes `##` before word-internal morphemes and trains with BERT's pre-tokenizer, which splits at `#`
and so loses every one of them. Here every character that does not begin a word is shifted by U+F0000, BpeTrainer (which is
deterministic; WordPieceTrainer is not) merges inside morphemes, and the shift becomes `##` afterwards.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from kobert_pipeline.ground.errors import InputError
from tokenizer.config import TokenizerConfig
from tokenizer.prune import Word, knock_out
from tokenizer.whole import frequent_sequences
from tokenizer.words import SHIFT, characters_of, is_isolated, piece_of, shifted

ROLES: MappingProxyType[str, str] = MappingProxyType(
    {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
)
"""Role -> token: rows 0 to 4 of every vocabulary."""

JAMO = [chr(code) for code in range(0x3131, 0x3164)]
ASCII = [chr(code) for code in range(33, 127)]


ENCLOSED_HANGUL = [chr(code) for code in (*range(0x3200, 0x321D), *range(0x3260, 0x327C))]
"""㈀ to ㈜ and ㉠ to ㉻: what numbers the items of lists in statutes and petitions, rare in most texts and frequent in those."""


SEQUENCES = 4_000
"""Words and endings of several morphemes that may stay one piece."""


def ks_x_1001() -> list[str]:
    """The 2,350 Hangul syllables of KS X 1001: what EUC-KR can write."""
    syllables = []
    for code in range(0xAC00, 0xD7A4):
        try:
            chr(code).encode("euc_kr")
        except UnicodeEncodeError:
            continue
        if len(chr(code).encode("euc_kr")) == 2:
            syllables.append(chr(code))
    return syllables


def alphabet(characters: Counter[str], config: TokenizerConfig) -> list[str]:
    """Characters that get rows, those inside words shifted. Sorted: the order is part of the vocabulary.

    At the beginning of words and inside them: ASCII, the compatibility jamo, what `ks_x_1001` promises; then others by
    frequency, up to the coverage. Letters and marks of other scripts get rows only where they occur (`characters` are counted
    so), and so does a syllable too rare for the promise; all else at both places.
    """
    syllables, frequency = Counter[str](), Counter[str]()
    for character, count in characters.items():
        bare = _unshifted(character)
        if _is_syllable(bare):
            syllables[bare] += count
        frequency[character if _has_its_place(bare, config) else bare] += count
    found = covered(frequency, config.character_coverage)
    both = {*ASCII, *JAMO, *(one for one in found if not _has_its_place(_unshifted(one), config))}
    if config.ks_x_1001:
        both |= {*ks_x_1001(), *(one for one, count in syllables.items() if count >= config.syllable_min_frequency)}
        found += ENCLOSED_HANGUL
    return sorted({*found, *both, *(shifted(one, initial=False) for one in both if _has_inner_form(one))})


def _is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def _has_its_place(character: str, config: TokenizerConfig) -> bool:
    if _is_syllable(character):
        return config.ks_x_1001
    return not character.isascii() and unicodedata.category(character)[0] in "LM"


def _has_inner_form(character: str) -> bool:
    return not is_isolated(character) and ord(character) < 0x20000


def covered(frequency: Counter[str], share: float) -> list[str]:
    """The most frequent characters that together make up `share` of the text; ties by code point."""
    wanted = share * sum(frequency.values())
    kept, total = [], 0
    for character, count in sorted(frequency.items(), key=lambda item: (-item[1], item[0])):
        if total >= wanted:
            break
        kept.append(character)
        total += count
    return kept


def _unshifted(character: str) -> str:
    return chr(ord(character) - SHIFT) if ord(character) >= SHIFT else character


def learn_vocabulary(
    counts: Counter[str],
    config: TokenizerConfig,
    special_tokens: Sequence[str],
    placeholders: Sequence[str] = (),
    words: Sequence[Word] = (),
    characters: Counter[str] | None = None,
) -> list[str]:
    """Pieces in order of their ids, exactly `vocab_size` of them. `special_tokens` come after the five of `ROLES`, then
    the `placeholders`: words such as `[전화번호]` that stay whole. With `words`, more pieces are learned than asked for
    (`config.surplus`), and those stay that cut the words best at the price of a cut (`config.cut_price`). `characters` are
    those of the text, where its units weigh otherwise than they occur.

    Raises InputError when the text has no words, or supports fewer pieces than asked for.
    """
    if not counts:
        raise InputError("The corpus has no words to learn a vocabulary from.")
    extra = [token for token in special_tokens if token not in ROLES.values()]
    special = [*ROLES.values(), *extra, *placeholders]
    twice = [token for token, times in Counter(special).items() if times > 1]
    if twice:
        raise InputError(f"Special tokens collide, named twice: {', '.join(twice)}")
    unused = [f"[unused{number}]" for number in range(config.unused_tokens)]
    wanted = config.vocab_size - len(special) - len(unused)
    rows = alphabet(characters_of(counts) if characters is None else characters, config)
    taken = config.vocab_size - wanted + len(rows)
    if config.vocab_size < taken:
        raise InputError(
            f"tokenizer.vocab_size {config.vocab_size:,} is too small: special tokens and the alphabet take {taken:,} rows. Raise it, or lower `character_coverage`, or set `ks_x_1001: false`."
        )
    learned = _merge(counts, rows, round(wanted * config.surplus) if words else wanted, config.min_frequency)
    if words:
        learned = knock_out([*learned, *frequent_sequences(words, SEQUENCES)], words, wanted, config.cut_price)
    pieces = [piece_of(token) for token in learned]
    if len(pieces) < wanted:
        supported = config.vocab_size - wanted + len(pieces)
        raise InputError(
            f"tokenizer.vocab_size {config.vocab_size:,} is more than this text supports: {supported:,} at most. Lower it, or add text."
        )
    collisions = {*special} & {*pieces, *unused}
    if collisions:
        raise InputError(f"Special tokens collide with other pieces: {', '.join(sorted(collisions))}")
    return [*special, *pieces, *unused]


def _merge(counts: Counter[str], rows: list[str], size: int, min_frequency: int) -> list[str]:
    """BPE over counted units. Feeding each unit `count` times equals training on the text itself; those of one character have
    nothing to merge."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        initial_alphabet=rows,
        limit_alphabet=len(rows),
        show_progress=False,
    )
    learner.train_from_iterator(_repeated({unit: count for unit, count in counts.items() if len(unit) > 1}), trainer)
    vocabulary = learner.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _repeated(counts: Mapping[str, int], words_a_line: int = 1_000) -> Iterable[str]:
    for unit, count in sorted(counts.items()):
        yield from _lines(unit, count, words_a_line)


def _lines(unit: str, count: int, words_a_line: int) -> Iterator[str]:
    whole, rest = divmod(count, words_a_line)
    line = " ".join([unit] * words_a_line) if whole else ""
    for _ in range(whole):
        yield line
    if rest:
        yield " ".join([unit] * rest)
