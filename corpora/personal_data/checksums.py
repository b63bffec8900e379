"""Births and checksums of registration numbers, cards and barcodes.

python-stdnum checks resident numbers (주민등록번호), cards and barcodes. Three rules are our own, because it lacks them:
* foreigner registration number (외국인등록번호): two are added to the check digit. python-stdnum applies the resident's
  rule, so both are accepted.
* corporate registration number (법인등록번호): told apart from a resident's number, which has the same shape.
* business registration number (사업자등록번호): weights 1 3 7 1 3 7 1 3 5, modulo 10. python-stdnum's kr.brn checks no digit.
Resident numbers given since October 2020 (주민등록법 시행규칙) end in random digits and have no checksum.
"""

from __future__ import annotations

from datetime import date

from stdnum import ean, luhn
from stdnum.exceptions import InvalidComponent
from stdnum.kr import rrn

_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def birth_date(digits: str) -> date | None:
    """The birth in the first seven digits of a registration number; the seventh gives the century. None: not a date."""
    try:
        return rrn.get_birth_date(digits)
    except InvalidComponent:
        return None


def resident_checksum(digits: str) -> bool:
    """Checks the 13th digit of a resident number: 11 less the weighted sum modulo 11, its last digit."""
    return rrn.calc_check_digit(digits[:12]) == digits[12]


def foreigner_checksum(digits: str) -> bool:
    """Checks the 13th digit of a foreigner's number: the last digit of the resident's check digit and two."""
    return (int(rrn.calc_check_digit(digits[:12])) + 2) % 10 == int(digits[12])


def corporate_checksum(digits: str) -> bool:
    """Checks the 13th digit of a corporate registration number (법인등록번호): weights 1 and 2 in turn, modulo 10."""
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def business_checksum(digits: str) -> bool:
    """Checks the tenth digit of a business number: the ninth counts five times, the tens of that once more."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _BUSINESS_WEIGHTS, strict=False))
    return (10 - (total + int(digits[8]) * 5 // 10) % 10) % 10 == int(digits[9])


def card_checksum(digits: str) -> bool:
    """Checks the Luhn formula (ISO/IEC 7812-1, annex B)."""
    return luhn.checksum(digits) == 0


def is_barcode(digits: str) -> bool:
    """Whether this is a Korean EAN-13 (prefix 880). Many read as births of 1988."""
    return digits.startswith("880") and ean.calc_check_digit(digits[:12]) == digits[12]
