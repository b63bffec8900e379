"""Do the licences of the sources allow the declared one? This is what a program can check; a lawyer can tell more. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kobert_pipeline.ground.messages import say

UNKNOWN, OTHER = "unknown", "other"
OPEN = ("apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cdla-permissive-2.0", "isc", "kogl-1", "mit", "odc-by-1.0", "pddl-1.0", "unlicense")  # fmt: skip
"""Licences that ask for attribution at most. kogl is 공공누리, the licence of Korean authorities, by type."""
SHARE_ALIKE = ("gfdl-1.3", "odbl-1.0")
NON_COMMERCIAL = ("kogl-2", "kogl-4")
NO_DERIVATIVES = ("kogl-3", "kogl-4")
HUB_NAMES = {"gfdl-1.3": "gfdl", "odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
"""The Hub's names, where they are not the SPDX identifier in small letters."""
_CREATIVE_COMMONS = re.compile(r"cc-by(?P<nc>-nc)?(?:(?P<sa>-sa)|(?P<nd>-nd))?-\d\.\d")
_VERSION = re.compile(r"-\d\.\d$")


def is_known(licence: str) -> bool:
    name = licence.lower()
    lists = (OPEN, SHARE_ALIKE, NON_COMMERCIAL, NO_DERIVATIVES)
    return any(name in names for names in lists) or _CREATIVE_COMMONS.fullmatch(name) is not None


def is_share_alike(licence: str) -> bool:
    return licence.lower() in SHARE_ALIKE or _has(licence, "sa")


def is_non_commercial(licence: str) -> bool:
    return licence.lower() in NON_COMMERCIAL or _has(licence, "nc")


def forbids_derivatives(licence: str) -> bool:
    return licence.lower() in NO_DERIVATIVES or _has(licence, "nd")


def _has(licence: str, part: str) -> bool:
    match = _CREATIVE_COMMONS.fullmatch(licence.lower())
    return match is not None and match[part] is not None


def problems(declared: str, sources: Mapping[str, str]) -> list[str]:
    """Reasons, one line each, not to publish under `declared` what was made of `sources` (name -> licence)."""
    found = [] if declared.lower() != UNKNOWN else [say("the licence to publish under is unknown: set hub.license")]
    return found + [line for name, licence in sources.items() for line in _problems(declared, name, licence)]


def _problems(declared: str, source: str, licence: str) -> list[str]:
    if licence.lower() == UNKNOWN:
        return [say("{source}: its licence is unknown", source=source)]
    if not is_known(licence):
        return [
            say(
                "{source}: this check does not know {licence}: read whether it allows this",
                source=source,
                licence=licence,
            )
        ]
    found = []
    if forbids_derivatives(licence):
        found.append(say("{source}: {licence} allows no derivatives", source=source, licence=licence))
    if is_non_commercial(licence) and not is_non_commercial(declared):
        found.append(
            say(
                "{source}: {licence} forbids commercial use, {declared} does not",
                source=source,
                licence=licence,
                declared=declared,
            )
        )
    if is_share_alike(licence) and _family(licence) != _family(declared):
        found.append(
            say(
                "{source}: {licence} requires the same licence for what is made of it, {declared} is another",
                source=source,
                licence=licence,
                declared=declared,
            )
        )
    return found


def _family(licence: str) -> str:
    return _VERSION.sub("", licence.lower())


def withheld(sources: Mapping[str, str]) -> list[str]:
    """The sources whose text may not be given away: their licence is unknown, or it forbids changes."""
    return [name for name, licence in sources.items() if licence.lower() == UNKNOWN or forbids_derivatives(licence)]


def licence_of_texts(sources: Mapping[str, str]) -> str:
    """The licence that all texts share, or `other`: then each text keeps its own."""
    found = set(sources.values())
    return found.pop() if len(found) == 1 else OTHER


def hub_fields(licence: str) -> dict[str, Any]:
    """`license` of a card's front matter and, for a licence without a name on the Hub, `license_name`."""
    name = licence.lower()
    if name in (UNKNOWN, OTHER):
        return {"license": name}
    if is_known(name) and not name.startswith("kogl"):
        return {"license": HUB_NAMES.get(name, name)}
    return {"license": OTHER, "license_name": name}
