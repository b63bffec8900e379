"""Numbers of payment cards: issuer prefixes of ISO/IEC 7812-1 and the Luhn formula; 94 and 95 are Korean domestic cards."""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.checksums import card_checksum
from corpora.personal_data.naming_words import is_code, is_identifier, touches_letters
from corpora.personal_data.shapes import ENDS, FREE, rule

_WORDS = re.compile(r"카드|결제|[Cc]ard|CARD")
_ISSUERS = re.compile(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}"
    r"|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})[0-9]{12}|9[45][0-9]{14}"
)
_JOIN = r"(?:[ \n]?[-./_·~:,][ \n]?|[ \n])"


def is_card(found: Candidate) -> bool:
    """Checks issuer and Luhn formula. 13 and 14 digits are common and need a word; an identifier is not a card."""
    digits, bare = found.digits, not found.joints
    if not (_ISSUERS.fullmatch(digits) and card_checksum(digits)) or is_identifier(found):
        return False
    if bare and (is_code(found) or touches_letters(found)):
        return False
    return len(digits) >= 15 or found.is_near(_WORDS)


RULES = (
    rule(
        "card",
        rf"{FREE}(?:[0-9]{{4}}(?:{_JOIN}[0-9]{{4}}){{3}}|[0-9]{{4}}{_JOIN}[0-9]{{6}}{_JOIN}[0-9]{{4,5}}|[0-9]{{13,16}}){ENDS}",
        is_card,
    ),
)
