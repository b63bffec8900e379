"""The form that every rule reads: ASCII digits, hyphens and blanks."""

from __future__ import annotations

import re

_DASHES = "‐‑‒–—―−﹘﹣ーㅡ"
_DOTS = "•‧∙⋅・･ㆍ･"
_TILDES = "∼〜˜"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000"
_VARIANT = re.compile(f"[！-～{_DASHES}{_DOTS}{_TILDES}{_SPACES}]")
_PLAIN = {code: code - 0xFEE0 for code in range(ord("！"), ord("～") + 1)} | {
    **{ord(dash): ord("-") for dash in _DASHES},
    **{ord(dot): ord("·") for dot in _DOTS},
    **{ord(tilde): ord("~") for tilde in _TILDES},
    **{ord(space): ord(" ") for space in _SPACES},
}


def plain_form(text: str) -> str:
    """Writes full-width ASCII, dashes, tildes and spaces as ASCII, middle dots as `·`. Positions stay valid. ㅡ is typed for a dash."""
    return _VARIANT.sub(lambda match: chr(_PLAIN[ord(match[0])]), text)
