"""The table of rules: a shape and a check for each kind of personal data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.checks import (
    has_birth,
    is_account,
    is_business,
    is_card,
    is_email,
    is_foreigner,
    is_ipv4,
    is_ipv6,
    is_licence,
    is_local_phone,
    is_passport,
    is_phone,
    is_representative,
    is_resident,
)

START = r"(?:(?<![0-9A-Za-z_=])|(?<=[Tt][Ee][Ll])|(?<=[Ff][Aa][Xx])|(?<=[Hh][Pp]))(?<![0-9][-.])"
_END = r"(?![0-9A-Za-z_%*])(?![-.][0-9])"
_JOIN = r"(?: ?[-.)] ?| )?"
STAR = r"[*xX●○◯]"
_AREA = r"2|3[1-3]|4[1-4]|5[1-5]|6[0-4]|70|80|50[2-8]|30[23]"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_REGION = r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)"
_PROVIDER = r"(?:naver|daum|hanmail|gmail|nate|kakao|hotmail|yahoo|outlook|korea)"
_AT_WORD = r" ?(?:[(\[] ?(?:at|골뱅이) ?[)\]]|골뱅이) ?"
_DOMAIN = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z]|[0-9A-Za-z]{1,64}@)"
_KOREAN_DOMAIN = r"(?:네이버|다음|한메일|지메일|네이트|핫메일|카카오)(?: ?(?:점|닷|쩜|\.) ?(?:컴|넷|com|net))?"
_HEX = r"[0-9A-Fa-f]{1,4}"


def _telephone(code: str, rest: str) -> str:
    """A pattern for `code` as 0code, (0code), 0code), +82 code, (+82) code or +82 (0) code, with `rest` after it."""
    country = r"(?:\(\+?82\)|(?:\+|00)?82)[-. )]{0,2}(?:\(0\)|0)? ?"
    return rf"{START}(?:\(0{code}\)|{country}{code}|0{code}){_JOIN}{rest}(?:~[0-9]{{1,4}})?{_END}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The shape of a kind, and the check that a candidate of this shape must pass."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[Candidate], bool]
    trigger: re.Pattern[str] | None = None
    """Searched once in a text; without it the rule is skipped. None: the rule is applied to runs of digits only."""


def _rule(kind: str, pattern: str, check: Callable[[Candidate], bool], trigger: str | None = None) -> Rule:
    return Rule(kind, re.compile(pattern), check, re.compile(trigger) if trigger else None)


RULES = (
    _rule(
        "email",
        rf"(?<![A-Za-z0-9*])[A-Za-z0-9_][A-Za-z0-9._%+-]{{0,63}}"
        rf"(?:(?:@|{_AT_WORD})(?:{_DOMAIN}|{_KOREAN_DOMAIN})| ?@ ?{_PROVIDER}\.(?:com|net|co\.kr))",
        is_email,
        trigger=r"@|골뱅이|\(at\)|\[at\]",
    ),
    _rule(
        "ip",
        rf"(?:(?<![0-9A-Za-z.])(?<![0-9A-Fa-f]:)(?<!::)|(?<=v6:))(?:{_HEX}|(?=::))"
        rf"(?::{_HEX}|::(?:{_HEX})?){{2,7}}(?![0-9A-Za-z]|:[0-9A-Fa-f:])",
        is_ipv6,
        trigger=r":[0-9A-Fa-f]{0,4}:",
    ),
    _rule(
        "passport",
        r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,2}[0-9]{7,8}|[A-Za-z][0-9]{3}[A-Za-z][0-9]{4})(?![0-9A-Za-z])",
        is_passport,
        trigger=r"여권|passport|Passport|PASSPORT",
    ),
    _rule(
        "driving_licence",
        rf"(?<![0-9-])(?:(?:{_REGION}[ -]?)?[0-9]{{2}}-[0-9]{{2}}-[0-9]{{6}}-[0-9]{{2}}"
        rf"|{_REGION}[ -]?[0-9]{{2}}-[0-9]{{6}}-[0-9]{{2}}|[0-9]{{12}})(?![0-9-])",
        is_licence,
        trigger=r"면허",
    ),
    _rule("resident", rf"{START}[0-9]{{6}} ?-? ?[0-49][0-9]{{6}}{_END}", is_resident),
    _rule("foreigner", rf"{START}[0-9]{{6}} ?-? ?[5-8][0-9]{{6}}{_END}", is_foreigner),
    _rule("foreigner", rf"{START}[0-9]{{6}} ?-? ?(?=[5-8][0-9]*{STAR})(?:[0-9]|{STAR}){{7}}{_END}", has_birth),
    _rule("resident", rf"{START}[0-9]{{6}} ?-? ?(?=(?:[0-49][0-9]*)?{STAR})(?:[0-9]|{STAR}){{7}}{_END}", has_birth),
    _rule("ip", rf"(?<![0-9A-Za-z_])(?<![0-9]\.){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z_])(?!\.[0-9])", is_ipv4),
    _rule(
        "card",
        rf"{START}(?:[0-9]{{4}}([ -])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}"
        rf"|[0-9]{{4}}([ -])[0-9]{{6}}\2[0-9]{{4,5}}|[0-9]{{13,16}}){_END}",
        is_card,
    ),
    _rule("business", rf"{START}[1-9][0-9]{{2}}([ -]?)[0-9]{{2}}\1[0-9]{{5}}{_END}", is_business),
    _rule("phone", _telephone("10", rf"(?:[0-9]{{4}}{_JOIN}|[0-9]{{3}}[-. ])[0-9]{{4}}"), is_phone),
    _rule("phone", _telephone(f"(?:1[16-9]|{_AREA})", rf"[1-9][0-9]{{2,3}}{_JOIN}[0-9]{{4}}"), is_phone),
    _rule("phone", rf"{START}1[568][0-9]{{2}}{_JOIN}[0-9]{{4}}{_END}", is_representative),
    _rule("phone", rf"{START}[1-9][0-9]{{2,3}}-[0-9]{{4}}{_END}", is_local_phone),
    _rule("account", rf"{START}(?:[0-9]{{2,6}}(?:-[0-9]{{1,8}}){{1,4}}|[0-9]{{10,16}}){_END}", is_account),
)
"""The first rule that matches a piece of text takes it, so more specific rules come first."""
