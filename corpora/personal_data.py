"""Personal data in a text, replaced by placeholders of one kind each. Pure; runs after cleaning, before filters.

Missing a number costs a person's privacy; masking a year costs a word. So a shape that only a person's number has is
masked alone, a shape that other numbers share needs its checksum, and a shape with neither needs a word beside it.

Where the formats and checksums come from:
* resident registration number (주민등록번호): weights 2…9, 2…5, modulo 11, as in python-stdnum's kr.rrn. Numbers given
  since October 2020 (주민등록법 시행규칙) end in random digits and have no checksum.
* foreigner registration number (외국인등록번호): the same sum, two added to the check digit. python-stdnum applies the
  resident's rule to it, so both are taken.
* business registration number (사업자등록번호): weights 1 3 7 1 3 7 1 3 5, modulo 10, as in python-stdnum's kr.brn.
* card number: the Luhn formula and issuer prefixes of ISO/IEC 7812-1; 94 and 95 are Korean domestic cards.
* telephone number: 전기통신번호관리세칙 (area codes 02 to 064, 010 to 019, 050x, 070, 080, 15xx, 16xx, 18xx).
* driving licence, passport, bank account: no public checksum; only beside a context word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "email": "[이메일]",
        "ip": "[IP주소]",
        "passport": "[여권번호]",
        "driving_licence": "[운전면허번호]",
        "resident": "[주민등록번호]",
        "foreigner": "[외국인등록번호]",
        "card": "[카드번호]",
        "business": "[사업자등록번호]",
        "phone": "[전화번호]",
        "account": "[계좌번호]",
    }
)
"""What stands in the text for each kind of personal data. No value has a digit or `@`, so none is ever masked again."""

CONTEXT_BEFORE, CONTEXT_AFTER = 30, 15
"""The window of a context word, in characters before and after the number. It ends at a placeholder."""

UNCHECKED_BIRTHS = (date(2020, 1, 1), date(2049, 12, 31))
"""Births whose resident number may have no checksum: the hyphenated form with such a date is enough. A later date is
no birth."""


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with placeholders for personal data, and how many of each kind. Idempotent; never fails.

    A replaced number can free its neighbour (two numbers joined by a hyphen), so it is repeated until nothing is found.
    Each round takes digits or `@` away, so it ends. Every shape refuses a neighbour on both sides alike: what one round
    frees is next to what it replaced, and a long chain does not need a round for each link.
    """
    counts: Counter[str] = Counter()
    while found := _find(text):
        counts.update(item.kind for item in found)
        text = _replace(text, found, lambda item: PLACEHOLDERS[item.kind])
    return text, counts


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of `text` (in its plain form) that has the shape of `kind`."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """As it is written, in plain characters."""
        return self.text[self.start : self.end]

    @property
    def digits(self) -> str:
        """Its digits alone."""
        return _NOT_DIGIT.sub("", self.value)

    @property
    def before(self) -> str:
        """The window before it."""
        return _PLACEHOLDER_END.split(self.text[max(0, self.start - CONTEXT_BEFORE) : self.start])[-1]

    @property
    def after(self) -> str:
        """The window after it."""
        return _PLACEHOLDER_START.split(self.text[self.end : self.end + CONTEXT_AFTER])[0]

    def beside(self, words: re.Pattern[str]) -> bool:
        """Whether a context word stands in one of the two windows."""
        return words.search(self.before) is not None or words.search(self.after) is not None


_NOT_DIGIT = re.compile(r"[^0-9]")
_PLACEHOLDER_END = re.compile(r"(?:번호|주소|이메일)\]")
_PLACEHOLDER_START = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))


# --- plain form: every rule reads ASCII digits and hyphens -----------------------------------------------------------

_DASHES = "‐‑‒–—―−﹘﹣ーㅡ"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000"
_VARIANT = re.compile(f"[！-～{_DASHES}{_SPACES}]")
_PLAIN = {code: code - 0xFEE0 for code in range(ord("！"), ord("～") + 1)} | {
    **{ord(dash): ord("-") for dash in _DASHES},
    **{ord(space): ord(" ") for space in _SPACES},
}


def plain_form(text: str) -> str:
    """Full-width ASCII, dashes and spaces as ASCII; the same length, so positions hold. ㅡ is typed for a dash."""
    return _VARIANT.sub(lambda match: chr(_PLAIN[ord(match[0])]), text)


# --- births and checksums --------------------------------------------------------------------------------------------

_CENTURIES = {
    "1": 1900,
    "2": 1900,
    "5": 1900,
    "6": 1900,
    "3": 2000,
    "4": 2000,
    "7": 2000,
    "8": 2000,
    "9": 1800,
    "0": 1800,
}


def birth_date(digits: str) -> date | None:
    """The birth in the first seven digits of a registration number; the seventh gives the century. None: no day."""
    try:
        return date(_CENTURIES[digits[6]] + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def resident_checksum(digits: str) -> bool:
    """The 13th digit of a resident number: 11 less the weighted sum modulo 11, its last digit (stdnum kr.rrn)."""
    return (11 - _weighted(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(digits[12])


def foreigner_checksum(digits: str) -> bool:
    """The 13th digit of a foreigner's number: the resident's check digit and two, its last digit."""
    return (13 - _weighted(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(digits[12])


def business_checksum(digits: str) -> bool:
    """The tenth digit of a business number: the ninth counts five times, the tens of that once more (stdnum kr.brn)."""
    total = _weighted(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(digits[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(digits[9])


def luhn(digits: str) -> bool:
    """The Luhn formula (ISO/IEC 7812-1, annex B): every second digit from the right is doubled."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[::-2])) % 10 == 0


def is_barcode(digits: str) -> bool:
    """A Korean EAN-13 (GS1 General Specifications: prefix 880, weights 1 3 modulo 10). Many read as births of 1988."""
    return digits.startswith("880") and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


# --- checks: has the shape, is it the thing? -------------------------------------------------------------------------

_RESIDENT_WORDS = re.compile(r"주민\s?(?:등록|번호|증)|민증|민번|신분증|실명\s?확인")
_CORPORATE_WORDS = re.compile(r"법인\s?(?:등록)?\s?번호")
_FOREIGNER_WORDS = re.compile(r"외국인\s?(?:등록|번호)|거소\s?(?:신고|번호)|체류|등록증")
_CARD_WORDS = re.compile(r"카드|결제|[Cc]ard")
_BUSINESS_WORDS = re.compile(r"사업자")
_ACCOUNT_WORDS = re.compile(
    r"계좌|입금|송금|이체|예금|통장|은행|뱅크|농협|수협|신협|새마을금고|우체국|모금함"
    r"|(?:국민|신한|우리|하나|기업|산업|제일|씨티|대구|부산|경남|광주|전북|제주|카뱅|토스)[ :(]{0,3}$"
)
_PASSPORT_WORDS = re.compile(r"여권|passport", re.IGNORECASE)
_LICENCE_WORDS = re.compile(r"면허")
_IP_WORDS = re.compile(
    r"IP|아이피|접속|서버|DNS|게이트웨이|공유기|라우터|호스트|네트워크|방화벽|프록시|주소|핑|ping", re.IGNORECASE
)
_PHONE_LABEL = re.compile(
    r"(?:전화|연락처|문의|상담|예약|신고|제보|고객\s?센터|콜센터|대표|팩스|전송|☎|☏|📞|\b(?:tel|fax|t|f))(?:\s?번호)?[은는]?[\s:.)(]{0,3}$",
    re.IGNORECASE,
)
_PHONE_VERB = re.compile(r"^번?(?:으로|로)? ?(?:전화|연락|문의|상담|신고|제보|예약)")
_IDENTIFIER = re.compile(
    r"(?:ISBN|ISSN|DOI|(?<!법인)(?<!사업자)(?<!주민)(?<!외국인)등록번호|"
    r"(?:문서|접수|주문|송장|사건|관리|특허|출원|제품|수험|기사|글|상품|일련|시리얼|모델|등기|승인)\s?번호"
    r"|운송장|모델명?|품번|시리얼|학번|바코드|코드|버전|제|No\.?)[\s:#(은는이]{0,3}$",
    re.IGNORECASE,
)
_REPRESENTATIVE = re.compile(
    r"15(?:22|33|44|51|55|66|70|77|88|99)|16(?:00|04|09|11|13|18|33|44|60|61|66|68|70|77|80|88|99)"
    r"|18(?:00|11|33|44|55|66|77|99)"
)
_UNIT = re.compile(
    r"^ ?(?:원|년|명|개|호|건|톤|권|쪽|세대|가구|달러|엔|위안|유로|포인트|미터|㎞|㎡|㎏|℃|°|%|(?:k?m|k?g|mm|cm|cc|kcal|[MG]?Hz|rpm)(?![a-z]))",
    re.IGNORECASE,
)
_VERSION_BEFORE = re.compile(
    r"(?:버전|버젼|version|ver|v|판|릴리[스즈]|펌웨어|빌드|build|패치|업데이트|업그레이드|제|절|항|장|섹션|section|표|그림|§)[\s.:]{0,3}$",
    re.IGNORECASE,
)
_VERSION_AFTER = re.compile(r"^ ?(?:버전|버젼|판(?![가-힣])|절|항|장|조|호|패치|업데이트|빌드|릴리[스즈])")
_URL = re.compile(r"(?:://|www\.|\.(?:com|net|org|kr|io|jp|be)/)\S*$", re.IGNORECASE)
_DATE_FIRST = re.compile(r"(?:19|20)[0-9]{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])")
_ISSUERS = re.compile(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}"
    r"|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})[0-9]{12}|9[45][0-9]{14}"
)
_FILE_ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|bmp|pdf|mp[34]|zip|html?|js|css|json|md|txt|py)$", re.IGNORECASE
)


def _registered(found: Found, checksum: bool, words: re.Pattern[str]) -> bool:
    """A real birth, and one more sign: the checksum, a word beside it, or a birth whose number has no checksum.

    Births of the 19th century (9, 0) need the checksum or a word like all before 2020.
    """
    birth = birth_date(found.digits)
    if birth is None or birth > UNCHECKED_BIRTHS[1] or _CORPORATE_WORDS.search(found.before):
        return False
    hyphen = "-" in found.value
    barcode = not hyphen and is_barcode(found.digits)
    return (checksum and not barcode) or (hyphen and birth >= UNCHECKED_BIRTHS[0]) or found.beside(words)


def is_resident(found: Found) -> bool:
    """A resident number (seventh digit 0 to 4, or 9)."""
    return _registered(found, resident_checksum(found.digits), _RESIDENT_WORDS)


def is_foreigner(found: Found) -> bool:
    """A foreigner's number (seventh digit 5 to 8)."""
    checksum = foreigner_checksum(found.digits) or resident_checksum(found.digits)
    return _registered(found, checksum, _FOREIGNER_WORDS)


def has_birth(found: Found) -> bool:
    """A number partly starred out: only its birth can be checked. A hidden seventh digit allows either century."""
    digits = found.digits
    return any(birth_date(digits[:6] + gender) for gender in (digits[6:7] or "13"))


def is_card(found: Found) -> bool:
    """Issuer and Luhn hold. 13 and 14 digits, which other numbers have too, need a word; an identifier is none."""
    digits = found.digits
    if not (_ISSUERS.fullmatch(digits) and luhn(digits)) or _named_otherwise(found):
        return False
    return len(digits) >= 15 or found.beside(_CARD_WORDS)


def is_business(found: Found) -> bool:
    """The checksum holds; without hyphens it needs a word too."""
    return business_checksum(found.digits) and ("-" in found.value or found.beside(_BUSINESS_WORDS))


def is_phone(found: Found) -> bool:
    """A number with an area code. Two years after a number in a table (`02 2019 2020`) and a binary number are none."""
    groups = [int(group) for group in found.value.split(" ") if group.isdigit()]
    years = len(groups) == 3 and all(1900 <= group <= 2100 for group in groups[1:])
    binary = set(found.value) <= {"0", "1"}
    return not years and not binary and not _named_otherwise(found)


def is_representative(found: Found) -> bool:
    """15xx-xxxx and its like. What may be a range of years or amounts (`1592-1598`), a code not known to be in use,
    and any form without hyphen need a word right beside it.
    """
    if _named_otherwise(found) or _UNIT.search(found.after):
        return False
    first, last = int(found.digits[:4]), int(found.digits[4:])
    years = first < last <= 2100 or 0 < first - last <= 350
    ranges = years or first % 100 == last % 100 == 0
    known = _REPRESENTATIVE.match(found.value) is not None and "-" in found.value
    return (known and not ranges) or _labelled_phone(found)


def is_local_phone(found: Found) -> bool:
    """A number without area code: right beside a word, and no range of years."""
    first, last = (int(part) for part in found.value.split("-"))
    years = 1000 <= first < last <= 2100
    return not years and not _UNIT.search(found.after) and _PHONE_LABEL.search(found.before) is not None


def is_account(found: Found) -> bool:
    """10 to 16 digits beside a word for bank or account, not begun by a date, not an amount, not another identifier."""
    if not 10 <= len(found.digits) <= 16 or _DATE_FIRST.match(found.value):
        return False
    return found.beside(_ACCOUNT_WORDS) and not _UNIT.search(found.after) and not _named_otherwise(found)


def is_passport(found: Found) -> bool:
    """Beside a word for passport."""
    return found.beside(_PASSPORT_WORDS)


def is_licence(found: Found) -> bool:
    """Beside a word for a licence."""
    return found.beside(_LICENCE_WORDS)


def is_email(found: Found) -> bool:
    """Not a file (`icon@2x.png`) and not a repository (`git@host`)."""
    return not found.value.startswith("git@") and not _FILE_ENDING.search(found.value)


def is_ipv4(found: Found) -> bool:
    """A host's address: no version or section number, no loopback, netmask or multicast, which name no host.

    A small first octet or few digits look like a version, so they need a word.
    """
    first = int(found.value.partition(".")[0])
    if first in (0, 127) or first >= 224 or _VERSION_BEFORE.search(found.before) or _VERSION_AFTER.search(found.after):
        return False
    return first >= 100 or (first >= 20 and len(found.digits) >= 7) or found.beside(_IP_WORDS)


def is_ipv6(found: Found) -> bool:
    """A valid address of three groups or more; `::1` names no host, and `a::b` is code."""
    try:
        address = IPv6Address(found.value)
    except AddressValueError:
        return False
    return not address.is_loopback and len([group for group in found.value.split(":") if group]) >= 3


def _named_otherwise(found: Found) -> bool:
    """The words before say that it is another identifier, or it is a part of a URL."""
    if _IDENTIFIER.search(found.before):
        return True
    return _URL.search(found.text[max(0, found.start - 200) : found.start]) is not None


def _labelled_phone(found: Found) -> bool:
    return _PHONE_LABEL.search(found.before) is not None or _PHONE_VERB.search(found.after) is not None


# --- the table -------------------------------------------------------------------------------------------------------

_START = r"(?:(?<![0-9A-Za-z_=])|(?<=[Tt][Ee][Ll])|(?<=[Ff][Aa][Xx])|(?<=[Hh][Pp]))(?<![0-9][-.])"
_END = r"(?![0-9A-Za-z_%*])(?![-.][0-9])"
_JOIN = r"(?: ?[-.)] ?| )?"
_STAR = r"[*xX●○◯]"
_AREA = r"2|3[1-3]|4[1-4]|5[1-5]|6[0-4]|70|80|50[2-8]|30[23]"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_REGION = r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)"
_PROVIDER = r"(?:naver|daum|hanmail|gmail|nate|kakao|hotmail|yahoo|outlook|korea)"
_AT_WORD = r" ?(?:[(\[] ?(?:at|골뱅이) ?[)\]]|골뱅이) ?"
_DOMAIN = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z]|[0-9A-Za-z]{1,64}@)"
_KOREAN_DOMAIN = r"(?:네이버|다음|한메일|지메일|네이트|핫메일|카카오)(?: ?(?:점|닷|쩜|\.) ?(?:컴|넷|com|net))?"
_HEX = r"[0-9A-Fa-f]{1,4}"


def _telephone(code: str, rest: str) -> str:
    """A pattern for `code` in its forms: 0code, (0code), 0code), +82 code, (+82) code, +82 (0) code; then the rest."""
    country = r"(?:\(\+?82\)|(?:\+|00)?82)[-. )]{0,2}(?:\(0\)|0)? ?"
    return rf"{_START}(?:\(0{code}\)|{country}{code}|0{code}){_JOIN}{rest}(?:~[0-9]{{1,4}})?{_END}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind's shape, and the check that a piece of that shape must pass."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[Found], bool]
    trigger: re.Pattern[str] | None = None
    """Searched once in a text: without it the rule is skipped. None: the rule is applied to runs of digits only."""


def _rule(kind: str, pattern: str, check: Callable[[Found], bool], trigger: str | None = None) -> Rule:
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
    _rule("resident", rf"{_START}[0-9]{{6}} ?-? ?[0-49][0-9]{{6}}{_END}", is_resident),
    _rule("foreigner", rf"{_START}[0-9]{{6}} ?-? ?[5-8][0-9]{{6}}{_END}", is_foreigner),
    _rule("foreigner", rf"{_START}[0-9]{{6}} ?-? ?(?=[5-8][0-9]*{_STAR})(?:[0-9]|{_STAR}){{7}}{_END}", has_birth),
    _rule("resident", rf"{_START}[0-9]{{6}} ?-? ?(?=(?:[0-49][0-9]*)?{_STAR})(?:[0-9]|{_STAR}){{7}}{_END}", has_birth),
    _rule("ip", rf"(?<![0-9A-Za-z_])(?<![0-9]\.){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z_])(?!\.[0-9])", is_ipv4),
    _rule(
        "card",
        rf"{_START}(?:[0-9]{{4}}([ -])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}"
        rf"|[0-9]{{4}}([ -])[0-9]{{6}}\2[0-9]{{4,5}}|[0-9]{{13,16}}){_END}",
        is_card,
    ),
    _rule("business", rf"{_START}[1-9][0-9]{{2}}([ -]?)[0-9]{{2}}\1[0-9]{{5}}{_END}", is_business),
    _rule("phone", _telephone("10", rf"(?:[0-9]{{4}}{_JOIN}|[0-9]{{3}}[-. ])[0-9]{{4}}"), is_phone),
    _rule("phone", _telephone(f"(?:1[16-9]|{_AREA})", rf"[1-9][0-9]{{2,3}}{_JOIN}[0-9]{{4}}"), is_phone),
    _rule("phone", rf"{_START}1[568][0-9]{{2}}{_JOIN}[0-9]{{4}}{_END}", is_representative),
    _rule("phone", rf"{_START}[1-9][0-9]{{2,3}}-[0-9]{{4}}{_END}", is_local_phone),
    _rule("account", rf"{_START}(?:[0-9]{{2,6}}(?:-[0-9]{{1,8}}){{1,4}}|[0-9]{{10,16}}){_END}", is_account),
)
"""The first rule that takes a piece of text keeps it, so the more specific stand first."""

_ANYWHERE = tuple(rule for rule in RULES if rule.trigger)
_IN_NUMBERS = tuple(rule for rule in RULES if not rule.trigger)
_NUMBER = re.compile(rf"[0-9](?:(?:[ ().-]{{0,3}}(?:[0-9]|{_STAR})){{6,200}}+|[0-9]{{0,2}}(?:\.[0-9]{{1,3}}){{3}})")
"""Seven digits or more, with what may join them, or four numbers joined by dots. It begins with a class: fast.

The bound keeps a line of a million numbers linear: what it cuts in two is found in the next round."""


# --- search and replacement ------------------------------------------------------------------------------------------


def _find(text: str) -> list[Found]:
    """The personal data of one round, in order of position; no two overlap."""
    plain = plain_form(text)
    found: list[Found] = []
    for rule in _ANYWHERE:
        if rule.trigger and rule.trigger.search(plain):
            taken = list(_matches(rule, plain, 0, len(plain)))
            plain = _replace(plain, taken, lambda item: "\0" * (item.end - item.start))
            found += taken
    return sorted([*found, *_find_numbers(plain)], key=lambda item: item.start)


def _find_numbers(plain: str) -> list[Found]:
    found: list[Found] = []
    position = 0
    for number in _NUMBER.finditer(plain):
        # Two characters before it for `(` and `+`; two after it for what must not follow.
        taken = _find_in_number(plain, max(position, number.start() - 2), number.end() + 2)
        position = taken[-1].end if taken else position
        found += taken
    return found


def _find_in_number(plain: str, start: int, end: int) -> list[Found]:
    taken: list[Found] = []
    for rule in _IN_NUMBERS:
        for item in _matches(rule, plain, start, end):
            if all(item.end <= other.start or other.end <= item.start for other in taken):
                taken.append(item)
    return sorted(taken, key=lambda item: item.start)


def _matches(rule: Rule, plain: str, start: int, end: int) -> Iterator[Found]:
    for match in rule.pattern.finditer(plain, start, end):
        found = Found(rule.kind, plain, match.start(), match.end())
        if rule.check(found):
            yield found


def _replace(text: str, found: list[Found], filler: Callable[[Found], str]) -> str:
    pieces: list[str] = []
    position = 0
    for item in found:
        pieces += [text[position : item.start], filler(item)]
        position = item.end
    return "".join([*pieces, text[position:]])
