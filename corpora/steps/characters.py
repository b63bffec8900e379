"""Step `characters`: one code for what looks alike, no character that cannot be seen.

NFC, never NFKC: compatibility jamo (ㅋ, ㅠ), old Hangul, ①, ㎏ and ™ must survive. Curly quotes stay: they show who
speaks, and straight quotes cannot be turned back.
"""

from __future__ import annotations

import re
import unicodedata

import ftfy

from corpora.markup.html_residue import resolve_entities
from kobert_pipeline.ground.lookalikes import DOTS, narrowed, unified

SIGNS = ("&", "ê", "ë", "ì", "í", *DOTS)


def characters(text: str) -> str:
    """Resolves HTML entities and cleans the characters."""
    return clean_characters(resolve_entities(text))


def clean_label(text: str) -> str:
    """Makes one line of an id or a title: characters and spaces are cleaned, markup and addresses stay."""
    return " ".join(clean_characters(text).split())


_UNUSUAL = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u1680\u180e\u2000-\u200f\u2027-\u202f\u205f-\u206f"
    "\u1100-\u11ff\u2219\u22c5\u2800\u3000\u30fb\u3164\u318d\ud800-\uf8ff\ufdd0-\ufdef\ufeff-\uffff\U000f0000-\U0010ffff]"
)
"""All that `clean_characters` changes. Most documents have none of it and need one search only."""
_NEWLINES = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\t\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]")
"""U+3164 and U+FFA0 are Hangul fillers, blanks of full width; the fillers of old Hangul (U+115F, U+1160) stay."""
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f"  # control characters except tab, line breaks and NEL
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"  # formatting
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff]"  # lone surrogates, private use, unassigned
)
_EMOJI = "\u00a9\u00ae\u2190-\u2bff\U0001f000-\U0001faff"
_LONE_JOINER = re.compile(f"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
_WIDE_OR_HALF = re.compile("[\uff01-\uff9f\uffa1-\uffee]+")


def clean_characters(text: str) -> str:
    """Gives characters that look the same one code, and removes invisible ones. The joiner stays in emoji (👨‍👩‍👧)."""
    text = repair_mojibake(text)
    if _UNUSUAL.search(text):
        text = _INVISIBLE.sub("", _SPACES.sub(" ", _NEWLINES.sub("\n", text)))
        text = _LONE_JOINER.sub("", text)
        text = _WIDE_OR_HALF.sub(lambda run: narrowed(run[0]), text)
        return unified(composed(text))
    return composed(text)


def composed(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
"""The second and third byte of a syllable in UTF-8, read as Latin-1 or CP1252."""
_MOJIBAKE = re.compile(f"[êëìí]{_TAIL}{{2}}")
_SINGLE_BYTES = re.compile(f"[ -~\u00a0-\u00ff{_TAIL[1:-1]}]{{6,}}+")


def repair_mojibake(text: str) -> str:
    """Repairs UTF-8 that was read as Latin-1 or CP1252: `ì•ˆë…•` -> `안녕`. Two broken syllables in a row are certain."""
    return _SINGLE_BYTES.sub(_repaired, text) if _MOJIBAKE.search(text) else text


def _repaired(run: re.Match[str]) -> str:
    if len(_MOJIBAKE.findall(run[0])) < 2:
        return run[0]
    fixed = ftfy.fix_encoding(run[0])
    return run[0] if _MOJIBAKE.search(fixed) else fixed
