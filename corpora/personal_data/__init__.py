"""Personal data in a text, replaced by placeholders of one kind each. Pure; runs after cleaning, before filters.

A number that is missed costs a person's privacy; a year that is masked costs a word. So a shape that only a person's
number has is masked alone, a shape that other numbers share needs its checksum, and a shape with neither needs a word
near it.

Where the formats come from (the checksums are in `checksums.py`):
* card number: the Luhn formula and issuer prefixes of ISO/IEC 7812-1; 94 and 95 are Korean domestic cards.
* telephone number: 전기통신번호관리세칙 (area codes 02 to 064, 010 to 019, 050x, 070, 080, 15xx, 16xx, 18xx).
* driving licence, passport, bank account: no public checksum; only near a context word.
"""

from __future__ import annotations

from corpora.personal_data.masking import mask
from corpora.personal_data.placeholders import PLACEHOLDERS

__all__ = ["PLACEHOLDERS", "mask"]
