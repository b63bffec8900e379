"""Templates of MediaWiki that are part of a sentence: what a reader sees in their place.

A wiki has tens of thousands of templates, and a dump does not say what each shows. The table names those that stand in
the sentences of Korean Wikipedia, by what they show. All others are boxes, notes and maintenance, and show nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

Show = Callable[[Sequence[str], dict[str, str]], str]
"""(unnamed parameters, named ones) -> what a reader sees."""


def shown(inside: str) -> str:
    """What a reader sees in place of `{{inside}}`; nothing for a template that is not in the table."""
    inside = inside.strip()
    if function := _FUNCTION.match(inside):
        return _called(function[1].lower(), inside[function.end() :])
    name, *parameters = _outside_links(inside)
    show = _TEMPLATES.get(_normal(name))
    if show is None:
        return ""
    unnamed, named = _parameters(parameters)
    return show(unnamed, named)


_FUNCTION = re.compile(
    r"(formatnum|lc|uc|lcfirst|ucfirst|#expr|#if|#ifexist|#ifeq|#switch|#time|#invoke|#tag)\s*:", re.IGNORECASE
)
_LINK = re.compile(r"\[\[[^\[\]]*\]\]|\[https?://[^\[\]]*\]")
_BAR = "\0"


def _called(function: str, value: str) -> str:
    """Functions of the parser. Those that compute show nothing."""
    if function in ("lc", "uc", "formatnum", "lcfirst", "ucfirst"):
        text = value.partition("|")[0].strip()
        return {"lc": text.lower, "uc": text.upper}.get(function, text.strip)()
    return ""


def _outside_links(inside: str) -> list[str]:
    """Splits at `|`, except inside `[[…]]`."""
    guarded = _LINK.sub(lambda link: link[0].replace("|", _BAR), inside)
    return [part.replace(_BAR, "|") for part in guarded.split("|")]


def _normal(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().removeprefix("틀:").removeprefix("template:").split())


_NAMED = re.compile(r"\s*([^\s=\[\]<>{}/:?]+(?: [^\s=\[\]<>{}/:?]+)?)\s*=(?!=)")


def _parameters(parameters: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """`2=Seoul` is the second unnamed parameter. A `=` inside an address or a formula names nothing."""
    unnamed: list[str] = []
    named: dict[str, str] = {}
    places: dict[int, str] = {}
    for parameter in parameters:
        found = _NAMED.match(parameter)
        if found is None:
            unnamed.append(parameter.strip())
        elif found[1].isdecimal():
            places[int(found[1])] = parameter[found.end() :].strip()
        else:
            named[found[1]] = parameter[found.end() :].strip()
    for place, value in sorted(places.items()):
        unnamed += [""] * (place - len(unnamed))
        unnamed[place - 1] = value
    return unnamed, named


# --- what is shown ----------------------------------------------------------------------------------------------------


def _at(place: int, fallback: int | None = None) -> Show:
    """The unnamed parameter at a place; if it is missing or empty, the one at `fallback`."""

    def show(unnamed: Sequence[str], _: dict[str, str]) -> str:
        places = [place] if fallback is None else [place, fallback]
        return next((unnamed[one] for one in places if one < len(unnamed) and unnamed[one]), "")

    return show


def _last(unnamed: Sequence[str], _: dict[str, str]) -> str:
    return next((value for value in reversed(unnamed) if value), "")


def _all(separator: str) -> Show:
    return lambda unnamed, _: separator.join(filter(None, unnamed))


def _wrapped(before: str, after: str) -> Show:
    def show(unnamed: Sequence[str], _: dict[str, str]) -> str:
        return f"{before}{unnamed[0]}{after}" if unnamed and unnamed[0] else ""

    return show


def _quotation(unnamed: Sequence[str], named: dict[str, str]) -> str:
    return next(
        (named[key] for key in ("인용문", "내용", "글", "text", "quote") if key in named), _at(0)(unnamed, named)
    )


_DATE = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})$")


def _date(unnamed: Sequence[str], _: dict[str, str]) -> str:
    """`2020-03-05` and `2020|3|5` are 2020년 3월 5일; another text stays as it is."""
    if unnamed and (found := _DATE.match(unnamed[0])):
        return "{}년 {}월 {}일".format(*map(int, found.groups()))
    numbers = [value for value in unnamed[:3] if value.isdecimal()]
    if numbers and len(numbers) == len(unnamed[:3]) and len(numbers[0]) > 2:
        return " ".join(f"{int(value)}{unit}" for value, unit in zip(numbers, "년월일", strict=False))
    return unnamed[0] if unnamed else ""


_UNITS = {
    "km2": "km²", "m2": "m²", "cm2": "cm²", "km3": "km³", "m3": "m³", "cm3": "cm³", "sqmi": "제곱마일", "mi": "마일",
    "ft": "피트", "in": "인치", "lb": "파운드", "oz": "온스", "yd": "야드", "acre": "에이커", "c": "°C", "f": "°F",
    "mph": "mph", "km/h": "km/h", "ha": "ha",
}  # fmt: skip


def _converted(unnamed: Sequence[str], _: dict[str, str]) -> str:
    """`{{convert|5|km|mi}}` shows 5 km; what the wiki computes is not in the dump."""
    if len(unnamed) >= 4 and unnamed[1] in ("-", "to", "–", "~", "and", "x", "by"):
        return f"{unnamed[0]}~{unnamed[2]} {_UNITS.get(unnamed[3].lower(), unnamed[3])}"
    if len(unnamed) < 2:
        return unnamed[0] if unnamed else ""
    return f"{unnamed[0]} {_UNITS.get(unnamed[1].lower(), unnamed[1])}"


def _original_title(unnamed: Sequence[str], _: dict[str, str]) -> str:
    """`{{원제|fr|Le Monde|세계}}`: the title, and what it means."""
    return ", ".join(filter(None, unnamed[1:])) if len(unnamed) > 1 else "".join(unnamed)


def _fraction(unnamed: Sequence[str], _: dict[str, str]) -> str:
    """1/2, or 3 1/2."""
    whole = f"{unnamed[0]} " if len(unnamed) == 3 else ""
    return whole + "/".join(unnamed[-2:])


def _sign(sign: str) -> Show:
    return lambda unnamed, named: sign


def _rows(show: Show, names: str) -> dict[str, Show]:
    return {name.strip(): show for name in names.split(",")}


_TEMPLATES: MappingProxyType[str, Show] = MappingProxyType(
    _rows(
        _last,
        """nowrap, 줄바꿈 금지, 줄바꿈금지, nobr, nobold, big, small, smaller, larger, 작게, 크게, 크기, color, 색, 글자색,
        글씨색, font color, fontcolor, 배경색, bgcolor, background color, sub, sup, 아래 첨자, 위 첨자, 아래첨자, 위첨자, mono,
        monospace, code, kbd, samp, var, em, strong, italic, 기울임, 굵게, bold, underline, 밑줄, strike, 취소선, unicode, ipa,
        script, transl, noitalic, 강조, highlight, smallcaps, 글꼴, font, 폰트, span""",
    )
    | _rows(_at(1, 0), "lang, llang, lang2, w, 위키, 링크, 언어링크, llink, wt, sort, 정렬, 외부 링크 색")
    | _rows(
        _at(0),
        """ill, 임시링크, 임시 링크, interlanguage link, 국기나라, 나라, 국기, flag, flagcountry, 나라국기, 국가, flagu, fb, 축구,
        축구국가, 한자, hanja, zh, 중국어, 일본어, nihongo, abbr, 약자, tooltip, 툴팁, 설명, ruby, 루비, 독음, 후리가나, 인용구, val,
        num, 숫자, nts, 원화, 달러""",
    )
    | _rows(
        _quotation,
        """인용문, 인용문2, 인용, quote, cquote, rquote, blockquote, quotation, 큰 인용문, 대사, 시, poem, centered quote,
        pull quote""",
    )
    | _rows(
        _date,
        """날짜, 연월일, date, dts, start date, end date, 시작 날짜, 끝 날짜, 끝날짜, 시작일, 종료일, 출시일, release date, 출생일,
        사망일, 생일, birth date, death date, 출생일과 나이, 출생일과 만나이, 사망일과 나이, birth date and age, death date and age""",
    )
    | _rows(_converted, "convert, cvt, 변환, 단위 변환, 단위변환, 환산")
    | _rows(_original_title, "원제, 원어, 원어명, 본명")
    | _rows(_fraction, "frac, 분수, sfrac, fraction")
    | _rows(_all(", "), "hlist, flatlist, 가로 목록, 나열")
    | _rows(_all("\n"), "ubl, unbulleted list, plainlist, 목록")
    | _rows(_wrapped("“", "”"), "따옴표, 큰따옴표, 겹따옴표, quot")
    | _rows(_wrapped("‘", "’"), "작은따옴표, 홑따옴표")
    | _rows(_sign("|"), "!")
    | _rows(_sign("="), "=")
    | _rows(_sign(" · "), "·, •, *, dot, bullet, 가운뎃점")
    | _rows(_sign(" – "), "spaced ndash, snd, ndash, –")
    | _rows(_sign("—"), "mdash, emdash, —")
    | _rows(_sign(" "), "spaces, nbsp, 공백, space, 빈칸")
)
