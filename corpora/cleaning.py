"""Cleaning of one document's text. Pure and idempotent; what a reader would miss is never removed.

NFC, never NFKC: compatibility jamo (ㅋ, ㅠ) and old Hangul must survive.
"""

from __future__ import annotations

import html
import re
import unicodedata

_BLOCK = "address|article|aside|blockquote|br|center|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
_INLINE = "a|abbr|acronym|b|big|cite|code|del|dfn|em|font|gallery|i|img|input|ins|kbd|label|mark|math|nowiki|onlyinclude|poem|q|ref|ruby|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr"
_UNSEEN = re.compile(r"<!--.*?-->|<(script|style|head|noscript)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK}|body|html)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f\u0080-\u0084\u0086-\u009f"  # control characters but tab, newlines and NEL
    "\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd"  # formatting, replacement
    "\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"  # lone surrogates, private use
)
"""The zero-width joiner U+200D stays: emoji are made with it."""

_NEWLINES = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_NEWLINE = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_EMPTY_PARENTHESES = re.compile(r" ?\([ ,;·:]*\)")


def clean(text: str) -> str:
    """The text as a reader would have it: one spelling per syllable, no markup, one space between words.

    Line breaks stay; blank lines between paragraphs stay as one.
    """
    while True:
        cleaned = _clean_once(text)
        if cleaned == text:
            return cleaned
        text = cleaned


def _clean_once(text: str) -> str:
    text = _NEWLINES.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    if "&" in text or "<" in text:
        text = strip_html(text)
    text = unicodedata.normalize("NFC", text)
    text = _EMPTY_PARENTHESES.sub("", text)
    text = _SPACES.sub(" ", text)
    text = _AROUND_NEWLINE.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def strip_html(text: str) -> str:
    """Without tags of HTML and of MediaWiki, entities resolved. `<제목>` and `a < b` are no tags and stay."""
    text = _UNSEEN.sub(" ", text)
    text = _BLOCK_TAG.sub("\n", text)
    text = _INLINE_TAG.sub("", text)
    return html.unescape(text)
