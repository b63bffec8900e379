"""What the tokens of a byte-level tokenizer spell. Its pieces are bytes, written as 256 characters that print."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

INNER = "##"


def is_byte_level(tokenizer: Any) -> bool:
    """Whether a `tokenizers.Tokenizer` gives every text back as it was, spaces and line breaks included."""
    return type(tokenizer.decoder).__name__ == "ByteLevel"


@functools.cache
def byte_of() -> dict[str, int]:
    """Character -> the byte that it stands for. Bytes that print stand for themselves, the others are numbered from U+0100 on
    (Radford et al. 2019, code release)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + place): byte for place, byte in enumerate(others)}


def bytes_of(piece: str) -> bytes:
    """The bytes of a piece. A token such as `[전화번호]`, which has other characters, stands for itself."""
    table = byte_of()
    return bytes(table[character] for character in piece) if set(piece) <= table.keys() else piece.encode()


def spelled(piece: str) -> str:
    """The text of a piece. A piece that ends inside a character is shown in bytes: `⟨EC 9D⟩`."""
    try:
        return bytes_of(piece).decode()
    except UnicodeDecodeError:
        return f"⟨{bytes_of(piece).hex(' ').upper()}⟩"


def readable(tokenizer: Any, pieces: list[str]) -> list[str]:
    """Pieces of a `tokenizers.Tokenizer` as people read them, without the space before a word."""
    return [_visible(spelled(piece)) for piece in pieces] if is_byte_level(tokenizer) else pieces


def in_words(tokenizer: Any, piece: str) -> str:
    """A piece as WordPiece writes it: a ## before one that continues a word, instead of a space before one that begins a word.
    Special tokens stay as they are."""
    whole = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    if not is_byte_level(tokenizer) or piece in whole:
        return piece
    text = spelled(piece)
    return _visible(text) if text.startswith(" ") else INNER + _visible(text)


def _visible(text: str) -> str:
    """`␣` and `⏎` for a piece that is nothing but space."""
    return text.strip(" ").replace("\n", "⏎") or "␣" * len(text)


def pieces_of(tokenizer: Any) -> list[str]:
    """The pieces of a `tokenizers.Tokenizer` in the order of their ids."""
    return [str(tokenizer.id_to_token(number)) for number in range(tokenizer.get_vocab_size())]


def characters_spelled(tokenizer: Any) -> np.ndarray:
    """(V,) int64: the characters that each piece adds to a text. A character counts where its first byte is.

    Exact for a byte-level tokenizer. WordPiece loses spaces: each word is taken to have one before it.
    """
    lossless = is_byte_level(tokenizer)
    return np.array([_added(piece, lossless) for piece in pieces_of(tokenizer)], dtype=np.int64)


def _added(piece: str, lossless: bool) -> int:
    if lossless:
        return sum(byte & 0xC0 != 0x80 for byte in bytes_of(piece))
    return len(piece.removeprefix(INNER)) + (not piece.startswith(INNER))
