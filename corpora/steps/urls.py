"""Step `urls`: takes out addresses. Time is linear in the text, however hostile."""

from __future__ import annotations

import re

from corpora.config import CleaningConfig

SIGNS = ("://", "ww.", "WW.", "Ww.", "wW.")

_PARTICLE = "(?:에서|에게|에는|에도|에|을|를|으로|로|은|는|이나|이라는|이라고|이다|이|가|와|과|의|도|만|까지|부터|라는|라고|입니다|등)"
_URL = re.compile(
    r"[<\[]?(?:(?i:https?)://(?=[^\s/]{0,60}[가-힣])(?:[A-Za-z0-9-]++\.|[가-힣0-9-]++\.)++(?:[A-Za-z]++|한국)(?:/[^\s<>\[\]()]*+)?[>\]]?"
    r"|(?:(?i:https?|ftp)://(?=[A-Za-z0-9])|(?<![A-Za-z0-9@_-])(?i:www)\.(?=[A-Za-z0-9]))"
    r"(?:[A-Za-z0-9_~/#@$&+=%-]|[.,:;!?'*|](?=[A-Za-z0-9_~/#@$&+=%-])|\([A-Za-z0-9_~/#@$&+=%.,:-]*+\)"
    rf"|(?<=[/=%_-])(?!{_PARTICLE}(?![가-힣]))[가-힣]++)*+[>\]]?)"
)
"""Hangul belongs to an address after `/`, `=` or the like, unless it is a particle: `https://a.kr/에서`."""


def urls(text: str, options: CleaningConfig) -> str:
    """Removes addresses that begin with a scheme or `www.`. `naver.com` and a particle after an address stay."""
    if options.urls == "keep":
        return text
    if "://" in text or "www." in text or "WWW." in text:
        return _URL.sub(_without_brackets, text)
    return text


def _without_brackets(url: re.Match[str]) -> str:
    """`<https://a.kr>` is removed with its brackets; the bracket of `[문의 https://a.kr]` stays."""
    first, last = url[0][0], url[0][-1]
    if first + last in ("<>", "[]"):
        return ""
    return (first if first in "<[" else "") + (last if last in ">]" else "")
