"""Cleaning of one document's text. Pure and idempotent; what a reader would miss is never removed.

NFC, never NFKC: compatibility jamo (ㅋ, ㅠ), old Hangul, ①, ㎏ and ™ must survive. Curly quotes stay: they tell who
speaks, and straight ones cannot be turned back.
"""

from __future__ import annotations

import functools
import re
import unicodedata

import ftfy
import numpy as np

from corpora.config import CleaningConfig
from corpora.markup import resolve_entities, strip_html, strip_markdown, strip_urls, strip_wiki

_DEFAULT = CleaningConfig()
_MAX_PASSES = 6
"""One pass can bare what the next removes (`&amp;lt;b&amp;gt;`). Deeper nests are made to keep a cleaner busy."""


def clean(text: str, config: CleaningConfig = _DEFAULT) -> str:
    """The text as a reader would have it: one spelling per syllable, no markup, one space between words.

    Line breaks stay; blank lines between paragraphs stay as one. Never fails. Passes repeat until nothing changes; text
    that still changes after six loses every mark that markup is made of, so that cleaning again changes nothing.
    """
    for _ in range(_MAX_PASSES):
        cleaned = _clean_once(text, config)
        if cleaned == text or not any(mark in cleaned for mark in _MAY_CHANGE_AGAIN):
            return cleaned
        text = cleaned
    return _clean_once(_MARKS.sub(" ", text), config)


_MAY_CHANGE_AGAIN = (
    *("&", "<", "`", "[[", "]]", "](", "{{", "'''", "==", "://", "ww.", "WW.", "Ww.", "wW.", "formula_", "codice_"),
    *("__", ">`_", "# ", "---\n", "()", "( ", "(,", "(;", "(:", "(·", ", )", "; )", "ê", "ë", "ì", "í"),
)
"""Every string that a step of markup or of `_without_empty_parentheses` needs in order to act."""
_MARKS = re.compile(r"[^\w\s.,!?%]|[_êëìí]|www\.", re.IGNORECASE)


def _clean_once(text: str, config: CleaningConfig) -> str:
    text = clean_characters(resolve_entities(text))
    text = strip_markdown(strip_wiki(strip_html(text)))
    if config.urls == "remove":
        text = strip_urls(text)
    text = _without_empty_parentheses(text)
    if config.hanja_in_parentheses == "remove":
        text = _HANJA_IN_PARENTHESES.sub("", text)
    return _shorten_repeats(_tidy_lines(_composed(text)), config.max_repeats)


def clean_label(text: str) -> str:
    """One line for an id or a title: characters and spaces are cleaned, markup and addresses stay."""
    return " ".join(clean_characters(text).split())


# --- characters ------------------------------------------------------------------------------------------------------

_UNUSUAL = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufeff-\uffff\U000f0000-\U0010ffff]"
)
"""Whatever the steps of `clean_characters` act on: most documents have none and are done with one search."""
_NEWLINES = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\t\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]")
"""U+3164 and U+FFA0 are Hangul fillers, blanks of full width; those of old Hangul (U+115F, U+1160) stay."""
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f"  # control characters but tab, line breaks and NEL
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"  # formatting
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff]"  # lone surrogates, private use, no characters
)
_EMOJI = "\u00a9\u00ae\u2190-\u2bff\U0001f000-\U0001faff"
_LONE_JOINER = re.compile(f"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
_WIDE_OR_HALF = re.compile("[\uff01-\uff9f\uffa1-\uffee]+")
_WIDTHS = {
    code: int(unicodedata.decomposition(chr(code)).split()[1], 16)
    for code in range(0xFF01, 0xFFEF)
    if unicodedata.decomposition(chr(code)).startswith(("<wide>", "<narrow>"))
} | {ord("･"): ord("·")}
"""Full-width ASCII -> ASCII, half-width Katakana, jamo and signs -> their usual forms; Koreans type ･ for ·."""


def clean_characters(text: str) -> str:
    """One code for what looks alike, and none for what cannot be seen. The joiner stays within emoji (👨‍👩‍👧)."""
    text = repair_mojibake(text)
    if _UNUSUAL.search(text):
        text = _INVISIBLE.sub("", _SPACES.sub(" ", _NEWLINES.sub("\n", text)))
        text = _LONE_JOINER.sub("", text)
        text = _WIDE_OR_HALF.sub(lambda run: run[0].translate(_WIDTHS), text)
    return _composed(text)


def _composed(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
"""The second and third byte of a syllable in UTF-8, read as Latin-1 or CP1252."""
_MOJIBAKE = re.compile(f"[êëìí]{_TAIL}{{2}}")
_SINGLE_BYTES = re.compile(f"[ -~\u00a0-\u00ff{_TAIL[1:-1]}]{{6,}}+")


def repair_mojibake(text: str) -> str:
    """`ì•ˆë…•` -> `안녕`: UTF-8 read as Latin-1 or CP1252. Two broken syllables in a run make it certain."""
    return _SINGLE_BYTES.sub(_repaired, text) if _MOJIBAKE.search(text) else text


def _repaired(run: re.Match[str]) -> str:
    if len(_MOJIBAKE.findall(run[0])) < 2:
        return run[0]
    fixed = ftfy.fix_encoding(run[0])
    return run[0] if _MOJIBAKE.search(fixed) else fixed


# --- parentheses, repeats, lines --------------------------------------------------------------------------------------

_EMPTY_PARENTHESES = re.compile(r"(?: \(|(?<![A-Za-z_])\()[ ,;:·]*+\)")
_LEADING_COMMA = re.compile(r"\((?: *+[,;])++ *+(?=[^\s)])")
_TRAILING_COMMAS = re.compile(r"(?<![,; ])[,; ]*+(?<=[,;] )\)")
_HANJA = "\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HANJA_IN_PARENTHESES = re.compile(rf"(?<=[가-힣A-Za-z0-9])(?<![0-9]일)(?: ?\([ ,·-]*+[{_HANJA}][{_HANJA} ,·-]*+\))++")
"""Behind the word whose Hanja they are. `3월 1일(土)` names the day of the week and stays."""


def _without_empty_parentheses(text: str) -> str:
    """Without what a template left empty: `서울( ; )은`, `방정식(方程式, )은`, `신라( , 기원전 57년)`. `main()` stays."""
    if ")" in text:
        text = _EMPTY_PARENTHESES.sub("", text)
    if "( " in text or "(," in text or "(;" in text:
        text = _LEADING_COMMA.sub("(", text)
    if ", )" in text or "; )" in text:
        text = _TRAILING_COMMAS.sub(")", text)
    return text


_COUNTED = re.compile(r"[\d A-Za-z\s()\[\]{}<>'\"“”‘’*★☆●○■□◆◇\\|/" + _HANJA + "]")
"""Characters whose number says something: digits, www, brackets, five stars, the asterisks of a hidden name."""
_EMOJI_RUN = re.compile("([^\\s\ufe0f]\ufe0f)\\1{2,}")


def _shorten_repeats(text: str, most: int | None) -> str:
    """ㅋㅋㅋㅋㅋㅋ -> ㅋㅋㅋ, `......` -> `...`. 1000000, www, ★★★★★ and 김*** stay."""
    if most is None:
        return text
    repeated = [character for character in _repeated(text, most + 1) if not _COUNTED.match(character)]
    if repeated:
        text = _runs("".join(sorted(repeated)), most).sub(lambda run: run[1] * most, text)
    if "\ufe0f" in text:
        text = _EMOJI_RUN.sub(lambda run: run[0][: 2 * most], text)
    return text


@functools.lru_cache(maxsize=1024)
def _runs(characters: str, most: int) -> re.Pattern[str]:
    return re.compile(rf"([{re.escape(characters)}])\1{{{most},}}")


def _repeated(text: str, length: int) -> set[str]:
    """Characters that stand `length` times in a row: far faster than a back reference tried everywhere."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    run = codes[1:] == codes[:-1]
    for _ in range(length - 2):
        run = run[1:] & run[:-1]
    return {chr(code) for code in np.unique(codes[: len(run)][run])} if run.any() else set()


_RULE = re.compile(r"^(?:[-=_─━═|:+ ]{3,}+| ?\*{10,}+ ?| ?#++ ?)$", re.MULTILINE)
_RULE_PARTS = ("---", "===", "___", "───", "━━━", "═══", "|-", "|:-", "| -", "| :-", "*" * 10)
_RULE_MARKS = (*_RULE_PARTS, "#")
_LONG_SPACE = re.compile(" {2,}")
_BLANK_LINES = re.compile(r"\n{3,}")


def _tidy_lines(text: str) -> str:
    """One space between words, none around a line break, no line that only rules off, at most one blank line."""
    if "  " in text:
        text = _LONG_SPACE.sub(" ", text)
    if any(mark in text for mark in _RULE_MARKS):
        text = _RULE.sub(_without_rule, text)
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def _without_rule(line: re.Match[str]) -> str:
    """`-----`, `|---|:-:|`, `###`. An empty row `| | |` and the dots of `: : :` stay."""
    return "" if "#" in line[0] or any(part in line[0] for part in _RULE_PARTS) else line[0]
