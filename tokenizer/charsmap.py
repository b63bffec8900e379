"""Compiles a table of replacements for the normaliser `Precompiled` of tokenizers, whose format is SentencePiece's.

The format is the number of bytes of a trie, the trie, and the replacements, each with a NUL at its end. The trie is a
double array of 32-bit units over the UTF-8 bytes of the keys (Aoe 1989; the bits are those of the Darts-clone library):

* a unit holds its label in bits 0 to 7, whether a key ends there in bit 8, and from bit 10 on the offset to its children;
* the child by byte `b` is at `position ^ offset ^ b`; the child by byte 0 is the value of a key that ends there.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

_ENDS = 1 << 8
_VALUE = 1 << 31
_BLOCK = 256
"""The size of the array is a multiple of this, so that a byte never leads outside of it."""


def compiled(replacements: Mapping[str, str]) -> bytes:
    """The table as `tokenizers.normalizers.Precompiled` takes it. Keys are of one or two characters, with at most five
    bytes: longer clusters are looked up character by character. No key may begin another."""
    texts, places = bytearray(), dict[str, int]()
    for text in dict.fromkeys(replacements.values()):
        places[text] = len(texts)
        texts += text.encode() + b"\0"
    units = _double_array(_trie({key.encode(): places[text] for key, text in sorted(replacements.items())}))
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(texts)


def _trie(values: Mapping[bytes, int]) -> dict[int, Any]:
    """Nested dictionaries by byte; byte 0 leads to the value of a key."""
    root: dict[int, Any] = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = value
    return root


def _double_array(root: dict[int, Any]) -> list[int]:
    units, taken, bases = [0] * _BLOCK, {0}, set[int]()
    waiting = deque([(0, root)])
    while waiting:
        position, node = waiting.popleft()
        base = _free(node, taken, bases)
        bases.add(base)
        units += [0] * (base // _BLOCK * _BLOCK + _BLOCK - len(units))
        units[position] |= (position ^ base) << 10 | (_ENDS if 0 in node else 0)
        for byte, child in node.items():
            taken.add(base ^ byte)
            units[base ^ byte] = child | _VALUE if byte == 0 else byte
            if byte:
                waiting.append((base ^ byte, child))
    return units


def _free(labels: Iterable[int], taken: set[int], bases: set[int]) -> int:
    """The first base of no other node from which no label leads to a unit that is taken."""
    base = 1
    while base in bases or any(base ^ label in taken for label in labels):
        base += 1
    return base
