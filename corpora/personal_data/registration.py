"""Registration numbers of residents (주민등록번호), foreigners (외국인등록번호) and businesses (사업자등록번호)."""

from __future__ import annotations

import re
from datetime import date

from corpora.personal_data.accounts import is_named_account
from corpora.personal_data.candidate import Candidate
from corpora.personal_data.checksums import (
    birth_date,
    business_checksum,
    corporate_checksum,
    foreigner_checksum,
    is_barcode,
    resident_checksum,
)
from corpora.personal_data.naming_words import SAMPLE, is_code, is_identifier, touches_letters
from corpora.personal_data.shapes import ENDS, FREE, HIDDEN, JOIN, rule

BIRTHS = (date(1925, 1, 1), date(2049, 12, 31))
"""Births for which a date and a hyphen are enough. Numbers given since October 2020, to people of any age, have no
checksum. Older births need a checksum or a word; later dates are not births."""

_RESIDENT_WORDS = re.compile(r"주민\s?(?:등록|번호|증)|민증|민번|신분증|실명\s?확인")
_FOREIGNER_WORDS = re.compile(r"외국인|외등|거소\s?(?:신고|번호)|체류|등록증|재외국민|재외동포")
_WORDS = re.compile(f"{_RESIDENT_WORDS.pattern}|{_FOREIGNER_WORDS.pattern}")
_CORPORATE = re.compile(r"법인\s?(?:등록)?\s?번호(?:(?!대표|이사|주민|성명|이름)[^0-9]){0,12}$")
_CORPORATE_KINDS = {"11", "12", "13", "14", "15", "21", "22"}
"""Fifth and sixth digit of a corporation: of what kind it is. All of them are days of a month too."""
_BUSINESS_WORDS = re.compile(r"사업자|등록번호")
_STRONG_JOINTS = frozenset("-/·_")


def _birth(found: Candidate) -> date | None:
    return birth_date(found.digits[:7])


def is_registered(found: Candidate) -> bool:
    """Checks for a real birth and one more sign: a checksum, a word near it, or a hyphen after the birth where nothing
    near it says that it is something else."""
    birth, digits = _birth(found), found.digits
    if birth is None or birth > BIRTHS[1] or _CORPORATE.search(found.before):
        return False
    if found.is_near(_WORDS):
        return True
    bare = not found.joints
    if bare and (touches_letters(found) or is_barcode(digits) or is_code(found) or is_named_account(found)):
        return False
    if resident_checksum(digits) or (digits[6] in "5678" and foreigner_checksum(digits)):
        return True
    return bool(found.joints <= _STRONG_JOINTS and not bare and birth >= BIRTHS[0] and not _is_something_else(found))


def _is_something_else(found: Candidate) -> bool:
    corporation = found.digits[4:6] in _CORPORATE_KINDS and corporate_checksum(found.digits)
    return corporation or is_identifier(found) or found.is_near(SAMPLE)


def is_dated(found: Candidate) -> bool:
    """Checks a birth that is written as a date, such as `90.01.01-1234567`. The marks of a date may be dots."""
    birth = _birth(found)
    if birth is None or not BIRTHS[0] <= birth <= BIRTHS[1]:
        return is_registered(found)
    return found.is_near(_WORDS) or not (_CORPORATE.search(found.before) or _is_something_else(found))


def has_birth(found: Candidate) -> bool:
    """Checks a number that is partly hidden: only its birth. A hidden seventh digit allows either century."""
    digits = found.digits
    return any(birth_date(digits[:6] + gender) for gender in (digits[6:7] or "13"))


def is_business(found: Candidate) -> bool:
    """Checks the checksum; a number without hyphens needs a word too."""
    if not business_checksum(found.digits):
        return False
    named = found.is_near(_BUSINESS_WORDS)
    return named or (found.joints == {"-"} and not is_named_account(found))


_DATED = r"[0-9]{2}(?:\.[0-9]{2}\.|/[0-9]{2}/|-[0-9]{2}-)[0-9]{2}"
"""A birth that is written as a date."""


def _hidden(first: str) -> str:
    """Six digits, and seven places of which some are hidden. Long runs of one mark may have been shortened."""
    whole = rf"(?:{JOIN})?(?={first}{HIDDEN})(?:[0-9]|{HIDDEN}){{7,9}}"
    short = rf" ?[-./·~_] ?(?={first}(?: ?{HIDDEN}))(?:[0-9]{{1,6}}(?: ?{HIDDEN}){{1,8}}|{HIDDEN}{{3,8}})"
    dotted = rf"-(?={first}[.~-])[0-9]?(?:\.{{3,7}}|-{{3,7}}|~{{3,7}})"
    return rf"{FREE}(?:[0-9]{{6}}|{_DATED})(?:{whole}|{short}|{dotted})(?![0-9A-Za-z])"


_SPACED = r"(?<![0-9])(?<![0-9] )[0-9](?: [0-9]){{5}}[ -]{{1,3}}{first}(?: [0-9]){{6}}(?! ?[0-9])"

_LAST_SEVEN = re.compile(r"뒷?\s?자리(?:는|은|가|만)?[\s:(]{0,3}$")


def is_last_part(found: Candidate) -> bool:
    """Checks the last seven digits alone: a word before them says what they are (`주민번호 뒷자리 …`)."""
    return _LAST_SEVEN.search(found.before) is not None


RULES = (
    rule("resident", rf"{FREE}[0-9]{{6}}(?:{JOIN}|\n)?[0-49][0-9]{{6}}{ENDS}", is_registered),
    rule("foreigner", rf"{FREE}[0-9]{{6}}(?:{JOIN}|\n)?[5-8][0-9]{{6}}{ENDS}", is_registered),
    rule("foreigner", _hidden("[5-8][0-9]*"), has_birth),
    rule("resident", _hidden("(?:[0-49][0-9]*)?"), has_birth),
    rule("resident", rf"{FREE}{_DATED}[ -]{{1,3}}[0-49][0-9]{{6}}{ENDS}", is_dated),
    rule("foreigner", rf"{FREE}{_DATED}[ -]{{1,3}}[5-8][0-9]{{6}}{ENDS}", is_dated),
    rule("resident", rf"{FREE}[1-4][0-9]{{6}}{ENDS}", is_last_part),
    rule("foreigner", rf"{FREE}[5-8][0-9]{{6}}{ENDS}", is_last_part),
    rule("resident", _SPACED.format(first="[0-49]"), is_registered),
    rule("foreigner", _SPACED.format(first="[5-8]"), is_registered),
    rule("business", rf"{FREE}[1-9][0-9]{{2}}(?P<business>[-. ]?)[0-9]{{2}}(?P=business)[0-9]{{5}}{ENDS}", is_business),
)
