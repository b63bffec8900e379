"""Telephone numbers, in every way in which they are written (전기통신번호관리세칙: area codes 02 to 064, 010 to 019, 050x,
070, 080, 15xx, 16xx, 18xx; ITU-T E.164 for those of other countries).

010 and eight digits are a telephone number in any writing. The other shapes are shared with years, amounts and codes.
"""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.naming_words import is_code, is_identifier, is_numbered_thing, is_quantity, touches_letters
from corpora.personal_data.shapes import ENDS, JOIN, rule

_AREA = r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[0-4]|70|80|50[0-9]|30[23])"
_COUNTRY = r"(?:\(\+?82\)|(?:\+|00)?82)[-. )]{0,2}(?:\(0\)|0)?[- ]?"
_MARKS = r"(?:[^\w\0]|_){1,3}"
"""What may be between the groups of a mobile number: any one to three signs, also a line break."""

_LABELS = (
    r"전화|전번|연락처|문의|상담|예약|신고|제보|고객\s?센터|콜\s?센터|대표|팩스|전송|(?<![가-힣])번호|핸드폰|휴대폰|폰|사무실|☎|☏|📞"
    r"|(?<![A-Za-z])(?:tel|fax|t|f|hp|h\.p|ph|phone|mobile|cell|call)"
)
_LABEL = re.compile(rf"(?:{_LABELS})(?:\s?번호)?[은는]?[\s:.)(]{{0,3}}$", re.IGNORECASE)
_LOOSE_LABEL = re.compile(r"(?:전화|연락처|고객\s?센터|콜\s?센터|대표\s?번호|팩스|문의|상담|☎|☏|📞)[^0-9]{0,10}$")
_ABBREVIATION = re.compile(r"(?<![A-Za-z])(?:tel|fax|h\.?p|ph|phone|mobile|cell|call|kakao|m|t|p|c|f)$", re.IGNORECASE)
_VERB = re.compile(r"^번?(?:으로|로)? ?(?:전화|연락|문의|상담|신고|제보|예약)|^ ?\(?(?:고객|콜) ?센터")
_REPRESENTATIVE = re.compile(
    r"15(?:22|33|44|51|55|66|70|77|88|99)|16(?:00|04|09|11|13|18|33|44|60|61|66|68|70|77|80|88|99)"
    r"|18(?:00|11|33|44|55|66|77|99)"
)
_PART_NUMBER = re.compile(r"[A-Za-z]-?$")
_BEFORE_CHRIST = re.compile(r"(?:기원전|BCE?|B\.C\.)\s?$")
_RARE_JOINTS = frozenset("/_·:")
_PATH = re.compile(r"[A-Za-z0-9]/$")
_POSTAL_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{2} $")
"""A state of the USA: `Boston, MA 02110-1301`."""
_NEXT_NUMBER = re.compile(r"^ [1-9][0-9]*(?![0-9-]*-)")


def is_phone(found: Candidate) -> bool:
    """Checks a number with an area code. Years in a table (`02 2019 2020`) and binary numbers are not telephones."""
    if is_identifier(found):
        return False
    if not found.joints:
        return not _is_part_of_a_code(found)
    groups = [int(group) for group in found.groups]
    if _POSTAL_CODE.search(found.before) and len(groups) == 2:
        return False
    if len(groups) == 3 and all(1900 <= group <= 2100 for group in groups[1:]):
        return False
    if found.joints == {" "}:
        return not is_quantity(found) and _NEXT_NUMBER.search(found.after) is None
    return not found.joints & _RARE_JOINTS or (len(groups) == 3 and not _PATH.search(found.before))


def is_mobile(found: Candidate) -> bool:
    """Checks 010 and eight digits: not the number of a thing, and not a part of a code if nothing separates them."""
    return not is_numbered_thing(found) and (bool(found.joints) or not _is_part_of_a_code(found))


def is_mobile_in_other_groups(found: Candidate) -> bool:
    """Checks eight digits after 010: `010-2345-67-89`, `010-23-456789`."""
    return len(found.digits) == 11 and not is_identifier(found)


def _is_part_of_a_code(found: Candidate) -> bool:
    """Whether digits without a separator are a binary number, or a code by their neighbours."""
    if set(found.value) <= {"0", "1"} or re.search(r"[0-9][-.]$", found.before):
        return True
    if _ABBREVIATION.search(found.before):
        return False
    return touches_letters(found) or is_code(found)


def is_disguised(found: Candidate) -> bool:
    """Checks that some of it is not a digit: the other rules read digits."""
    return not found.value.isascii() or re.search(r"[A-Za-z]|^0\|", found.value) is not None


def is_representative(found: Candidate) -> bool:
    """Checks 15xx-xxxx and similar numbers.

    A word must be next to a possible range of years or amounts (`1592-1598`), a code that is not known to be in use,
    and any form without a hyphen.
    """
    if is_code(found) or is_quantity(found) or _BEFORE_CHRIST.search(found.before):
        return False
    if _PART_NUMBER.search(found.before) and not _ABBREVIATION.search(found.before):
        return False
    first, last = int(found.digits[:4]), int(found.digits[4:])
    if first < last <= 2100 or first % 100 == last % 100 == 0:
        return _labelled(found)
    known = _REPRESENTATIVE.match(found.value) is not None
    return (known and found.joints == {"-"}) or _labelled(found) or _LOOSE_LABEL.search(found.before) is not None


def is_local(found: Candidate) -> bool:
    """Checks a number without area code: a word is next to it, and it is not a range of years."""
    first, last = (int(group) for group in found.groups)
    years = 1000 <= first < last <= 2100
    return not (years or is_quantity(found) or is_code(found)) and _LABEL.search(found.before) is not None


def is_international(found: Candidate) -> bool:
    """Checks the length (E.164 allows 15 digits). Without groups and without a word it must be 11 digits or more: a sum is shorter."""
    digits = found.digits
    return 9 <= len(digits) <= 15 and (len(found.groups) >= 3 or _labelled(found) or 11 <= len(digits) <= 13)


def _labelled(found: Candidate) -> bool:
    return _LABEL.search(found.before) is not None or _VERB.search(found.after) is not None


_DIGIT = "[0-9oOlIㅇㅣ공영령일이삼사오육륙칠팔구⓪①-⑨]"
_ZERO, _ONE = "[0oOㅇ공영⓪]", "[1lI|ㅣ일①]"
_BETWEEN = r"(?:\ufe0f?\u20e3[ .-]?|[ .-]{1,3})"
"""What is between the single digits of a number that is spelled out, or written in keycaps (0️⃣)."""
_FOUR = rf"(?:{_DIGIT} ?){{3}}{_DIGIT}"
_WORD_OR_MARKS = rf"(?:{_MARKS}| ?(?:다시|대시|하이픈|에|국) ?)"
_CHAIN = r"(?:(?<![0-9])(?<![0-9][-.])|(?<=[0-9]{3}-[0-9]{4}-))"
"""Begins a number: no digit before it, and none joined to it but the end of another telephone number."""

RULES = (
    rule(
        "phone",
        rf"(?<![0-9])(?<!0\.)(?:{_COUNTRY}10|\(010\)|\[010\]|010|(?:0 10|01 0)(?=[-.]))(?:{_MARKS})?(?:[0-9]{{4}}(?:{_MARKS})?|[0-9]{{3}}{_MARKS})[0-9]{{4}}(?![0-9])",
        is_mobile,
    ),
    rule(
        "phone",
        rf"{_CHAIN}(?:\(0(?:1[16-9]|{_AREA})\)|{_COUNTRY}(?:1[16-9]|{_AREA})|0(?:1[16-9]|{_AREA})){JOIN}?[1-9][0-9]{{2,3}}{JOIN}?[0-9]{{4}}"
        r"(?:~[0-9]{1,4}|-[0-9](?![0-9-]))?(?![0-9])(?![-.][1-9])",
        is_phone,
    ),
    rule("phone", rf"(?<![0-9])(?<![0-9][-.])010-(?:[0-9]{{1,4}}-){{1,3}}[0-9]{{1,6}}{ENDS}", is_mobile_in_other_groups),
    rule("phone", rf"(?<![0-9])(?<![0-9][ .-])0{_BETWEEN}1{_BETWEEN}0(?:{_BETWEEN}[0-9]){{8}}(?:\ufe0f?\u20e3)?(?! ?[0-9])", is_mobile),
    rule("phone", rf"(?<![0-9])(?<![0-9][-.])1[568][0-9]{{2}}{JOIN}?[0-9]{{4}}{ENDS}", is_representative),
    rule("phone", rf"(?<![0-9])(?<![0-9][-.])[1-9][0-9]{{2,3}}-[0-9]{{4}}{ENDS}", is_local),
    rule("phone", r"(?<![0-9A-Za-z)])\+[1-9][0-9]{0,2}(?:[-. ]?\(?[0-9]{1,4}\)?){2,5}(?![0-9])", is_international),
    rule(
        "phone",
        rf"(?<![0-9A-Za-z]){_ZERO} ?{_ONE} ?{_ZERO}{_WORD_OR_MARKS}?{_FOUR}{_WORD_OR_MARKS}?{_FOUR}(?![0-9])",
        is_disguised,
        anchor=f"{_ZERO} ?{_ONE} ?{_ZERO}",
        reach=(2, 32),
    ),
)  # fmt: skip
