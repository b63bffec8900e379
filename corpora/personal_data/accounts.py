"""Bank accounts. They have no public checksum, and every bank groups the digits in another way: a word must name one."""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.naming_words import is_identifier, is_quantity, touches_letters
from corpora.personal_data.shapes import ENDS, FREE, rule

_BANKS = (
    "은행|뱅크|농협|축협|수협|신협|새마을금고|마을금고|우체국|산림조합|저축은행|카뱅|케뱅|토뱅|농축협"
    "|증권|스탠다드차타드|(?<![A-Za-z])(?:kb|nh|ibk|kdb|KDB|KB|NH|IBK|SC제?일?|BNK|DGB|iM|KEB|CITI|MG)(?![A-Za-z])"
)
_BANKS_OF_TWO_MEANINGS = (
    "국민|신한|우리|하나|기업|산업|제일|씨티|대구|부산|경남|광주|전북|제주|카카오|토스|케이|새마을|외환"
)
"""Names that are also words, cities or other firms: they count only next to the number."""
_TRANSFERS = r"계좌|입금|송금|이체|예금|통장|모금함|후원금?|무통장|기부금|회비|조의금|축의금|환불|가상계좌|CMS|[Aa]cc(?:ount|t)?\.? ?(?:[Nn]o\.?|[Nn]umber)"
_NEAR = re.compile(f"{_BANKS}|{_TRANSFERS}|(?:{_BANKS_OF_TWO_MEANINGS})[ :(]{{0,3}}$")
_NEXT_AFTER = re.compile(
    rf"^[ (/,:-]{{0,2}}(?:{_BANKS_OF_TWO_MEANINGS})(?=[)\s,.:/]|은행|뱅크|$)|^[ (/,:-]{{0,2}}(?:{_BANKS})"
)
_DIRECTLY = re.compile(
    rf"(?:(?:{_BANKS}|{_TRANSFERS})(?:\s?번호)?|(?<![가-힣])(?:{_BANKS_OF_TWO_MEANINGS}))(?:은|는|이|가|로|으로)?[\s:()\[\]/,=-]{{0,4}}$"
)
_HOLDER_BETWEEN = re.compile(
    r"(?<![가-힣])(?:국민|신한|우리|하나|기업|제일|씨티|카카오|토스|케이|새마을) [가-힣]{2,4}[ :]{1,3}$"
)
"""A bank, and the name of the holder: `신한 홍길동 110-…`."""
_DATE_FIRST = re.compile(r"(?:19|20)[0-9]{2}[-. ]?(?:0?[1-9]|1[0-2])[-. ]?(?:0?[1-9]|[12][0-9]|3[01])(?![0-9]{2,})")
_YEARS = re.compile(r"(?:19|20)[0-9]{2}")
_TELEPHONE_WORDS = re.compile(r"(?:전화|연락처|팩스|문의|☎)[^0-9]{0,4}$")


def is_named_account(found: Candidate) -> bool:
    """Whether a bank, an account or a transfer is named directly before or after it."""
    return _DIRECTLY.search(found.before) is not None or _NEXT_AFTER.search(found.after) is not None


def is_account(found: Candidate) -> bool:
    """Checks 10 to 16 digits near a word for bank or account: no dates, no amount, no other identifier.

    Groups that blanks or dots join need the word directly before them, and there must be three: two may be a decimal.
    """
    digits, groups = found.digits, found.groups
    if not 10 <= len(digits) <= 16 or _DATE_FIRST.match(found.value) or all(map(_YEARS.fullmatch, groups)):
        return False
    if is_quantity(found) or is_identifier(found) or _TELEPHONE_WORDS.search(found.before):
        return False
    if not found.joints:
        return not touches_letters(found) and (found.is_near(_NEAR) or is_named_account(found))
    if found.joints == {"-"}:
        holder = len(groups) >= 3 and _HOLDER_BETWEEN.search(found.before) is not None
        return holder or found.is_near(_NEAR) or is_named_account(found)
    return len(groups) >= 3 and not all(group.endswith("00") for group in groups) and is_named_account(found)


RULES = (
    rule(
        "account",
        rf"{FREE}(?:[0-9]{{2,6}}(?:(?: ?[-./·_] ?| )[0-9]{{1,8}}){{1,4}}|[0-9]{{10,16}}){ENDS}",
        is_account,
    ),
)
