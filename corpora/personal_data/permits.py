"""Passports and driving licences. They have no public checksum: only near a word that names them."""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.shapes import rule

_PASSPORT_WORDS = re.compile(r"여권|passport", re.IGNORECASE)
_LICENCE_WORDS = re.compile(r"면허")
_REGION = r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)"
_J = r"[-. ]"


def is_passport(found: Candidate) -> bool:
    """Checks for a word for passport near it."""
    return found.is_near(_PASSPORT_WORDS)


def is_licence(found: Candidate) -> bool:
    """Checks for a word for a licence near it."""
    return found.is_near(_LICENCE_WORDS)


RULES = (
    rule(
        "passport",
        r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,2}[ -]?[0-9]{7,8}|[A-Za-z][ -]?[0-9]{3}[A-Za-z][0-9]{4}|[A-Za-z] ?[0-9]{3,4} [0-9]{4,5})(?![0-9A-Za-z])",
        is_passport,
        anchor=r"여권|[Pp]assport|PASSPORT",
        reach=(32, 48),
        signs=("여권", "assport", "PASSPORT"),
    ),
    rule(
        "driving_licence",
        rf"(?<![0-9-])(?:(?:{_REGION}[ -]?)?[0-9]{{2}}{_J}[0-9]{{2}}{_J}[0-9]{{6}}{_J}[0-9]{{2}}"
        rf"|(?:{_REGION}[ -]?|[0-9]{{2}})?[0-9]{{2}}{_J}[0-9]{{6}}{_J}[0-9]{{2}}|[0-9]{{12}})(?![0-9-])",
        is_licence,
        anchor="면허",
        reach=(40, 60),
    ),
)
