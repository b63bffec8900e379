"""Whether a candidate is what its shape suggests: by a checksum, a range, or the words around it."""

from __future__ import annotations

import re
from datetime import date
from ipaddress import AddressValueError, IPv6Address

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.checksums import (
    birth_date,
    business_checksum,
    card_checksum,
    foreigner_checksum,
    is_barcode,
    resident_checksum,
)

UNCHECKED_BIRTHS = (date(2020, 1, 1), date(2049, 12, 31))
"""Births whose number may have no checksum: a hyphen and such a date are enough. Later dates are not births."""

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


def _registered(found: Candidate, checksum: bool, words: re.Pattern[str]) -> bool:
    """Whether there is a real birth and one more sign: the checksum, a word near it, or a birth whose number has no
    checksum.

    Births of the 19th century (9, 0) need the checksum or a word, like all before 2020.
    """
    birth = birth_date(found.digits)
    if birth is None or birth > UNCHECKED_BIRTHS[1] or _CORPORATE_WORDS.search(found.before):
        return False
    hyphen = "-" in found.value
    barcode = not hyphen and is_barcode(found.digits)
    return (checksum and not barcode) or (hyphen and birth >= UNCHECKED_BIRTHS[0]) or found.is_near(words)


def is_resident(found: Candidate) -> bool:
    """Checks a resident number (seventh digit 0 to 4, or 9)."""
    return _registered(found, resident_checksum(found.digits), _RESIDENT_WORDS)


def is_foreigner(found: Candidate) -> bool:
    """Checks a foreigner's number (seventh digit 5 to 8)."""
    checksum = foreigner_checksum(found.digits) or resident_checksum(found.digits)
    return _registered(found, checksum, _FOREIGNER_WORDS)


def has_birth(found: Candidate) -> bool:
    """Checks a number that is partly hidden by stars: only its birth. A hidden seventh digit allows either century."""
    digits = found.digits
    return any(birth_date(digits[:6] + gender) for gender in (digits[6:7] or "13"))


def is_card(found: Candidate) -> bool:
    """Checks issuer and Luhn formula. 13 and 14 digits are common and need a word; an identifier is not a card."""
    digits = found.digits
    if not (_ISSUERS.fullmatch(digits) and card_checksum(digits)) or _named_otherwise(found):
        return False
    return len(digits) >= 15 or found.is_near(_CARD_WORDS)


def is_business(found: Candidate) -> bool:
    """Checks the checksum; a number without hyphens needs a word too."""
    return business_checksum(found.digits) and ("-" in found.value or found.is_near(_BUSINESS_WORDS))


def is_phone(found: Candidate) -> bool:
    """Checks a number with an area code. Years in a table (`02 2019 2020`) and binary numbers are not telephones."""
    groups = [int(group) for group in found.value.split(" ") if group.isdigit()]
    years = len(groups) == 3 and all(1900 <= group <= 2100 for group in groups[1:])
    binary = set(found.value) <= {"0", "1"}
    return not years and not binary and not _named_otherwise(found)


def is_representative(found: Candidate) -> bool:
    """Checks 15xx-xxxx and similar numbers.

    A word must be next to a possible range of years or amounts (`1592-1598`), a code that is not known to be in use,
    and any form without a hyphen.
    """
    if _named_otherwise(found) or _UNIT.search(found.after):
        return False
    first, last = int(found.digits[:4]), int(found.digits[4:])
    years = first < last <= 2100 or 0 < first - last <= 350
    ranges = years or first % 100 == last % 100 == 0
    known = _REPRESENTATIVE.match(found.value) is not None and "-" in found.value
    return (known and not ranges) or _labelled_phone(found)


def is_local_phone(found: Candidate) -> bool:
    """Checks a number without area code: a word is next to it, and it is not a range of years."""
    first, last = (int(part) for part in found.value.split("-"))
    years = 1000 <= first < last <= 2100
    return not years and not _UNIT.search(found.after) and _PHONE_LABEL.search(found.before) is not None


def is_account(found: Candidate) -> bool:
    """Checks 10 to 16 digits near a word for bank or account: no date first, no amount, no other identifier."""
    if not 10 <= len(found.digits) <= 16 or _DATE_FIRST.match(found.value):
        return False
    return found.is_near(_ACCOUNT_WORDS) and not _UNIT.search(found.after) and not _named_otherwise(found)


def is_passport(found: Candidate) -> bool:
    """Checks for a word for passport near it."""
    return found.is_near(_PASSPORT_WORDS)


def is_licence(found: Candidate) -> bool:
    """Checks for a word for a licence near it."""
    return found.is_near(_LICENCE_WORDS)


def is_email(found: Candidate) -> bool:
    """Checks that it is not a file (`icon@2x.png`) and not a repository (`git@host`)."""
    return not found.value.startswith("git@") and not _FILE_ENDING.search(found.value)


def is_ipv4(found: Candidate) -> bool:
    """Checks that it is a host's address: not a version or section number, not a loopback, netmask or multicast
    address.

    A small first octet or few digits look like a version, so they need a word.
    """
    first = int(found.value.partition(".")[0])
    if first in (0, 127) or first >= 224 or _VERSION_BEFORE.search(found.before) or _VERSION_AFTER.search(found.after):
        return False
    return first >= 100 or (first >= 20 and len(found.digits) >= 7) or found.is_near(_IP_WORDS)


def is_ipv6(found: Candidate) -> bool:
    """Checks for a valid address of three groups or more; `::1` does not name a host, and `a::b` is code."""
    try:
        address = IPv6Address(found.value)
    except AddressValueError:
        return False
    return not address.is_loopback and len([group for group in found.value.split(":") if group]) >= 3


def _named_otherwise(found: Candidate) -> bool:
    """Whether the words before it name another identifier, or it is part of a URL."""
    if _IDENTIFIER.search(found.before):
        return True
    return _URL.search(found.text[max(0, found.start - 200) : found.start]) is not None


def _labelled_phone(found: Candidate) -> bool:
    return _PHONE_LABEL.search(found.before) is not None or _PHONE_VERB.search(found.after) is not None
