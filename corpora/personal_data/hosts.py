"""IP addresses, also written with brackets around the dots or with hidden octets."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.naming_words import directly_before, is_quantity
from corpora.personal_data.shapes import rule

_HEX = r"[0-9A-Fa-f]{1,4}"
_OCTET = r"0{0,2}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HIDDEN_OCTET = r"(?:[*xX]{1,3}|[0-9]{1,2}[*xX]{1,2})"
_DOT = r"(?:\.|\[\.\]|\(\.\))"
_WORDS = re.compile(
    r"(?<!V)(?<!Z)IP|(?i:dns)|(?<![A-Za-z])(?i:ping|ip)(?![A-Za-z])|(?i:host|server)_?ip|아이피|접속|서버|게이트웨이|공유기|라우터|호스트"
    r"|네트워크|방화벽|프록시|주소|(?<![가-힣])핑"
)
_PRIVATE = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.")
_VERSION_BEFORE = directly_before(
    r"(?:최신|이전|구|신|현재|상위|하위|안정|개발|정식|베타|소프트웨어|프로그램|앱|드라이버)?\s?(?:버전|버젼)|version|ver|v|릴리[스즈]"
    r"|(?:[가-힣]{2,4}\s?)?펌웨어|빌드|build|패치|(?:보안\s?)?업데이트|업그레이드|절|항|섹션|section|표|그림|§"
)
_SECTION_BEFORE = re.compile(r"(?:[0-9]\s?(?:판|절|항|장|조|편)|§)[\s.:(]{0,3}$")
_VERSION_AFTER = re.compile(r"^ ?(?:버전|버젼|판(?![가-힣])|절|항|장|조|호|패치|업데이트|빌드|릴리[스즈]|업그레이드)")
_HEADING = re.compile(r"\.? [가-힣A-Z]")
"""At the beginning of a line `2.1.6.1. 무선 네트워크 카드` is the number of a section."""


def is_ipv4(found: Candidate) -> bool:
    """Checks that it is a host's address: not a version or section number, not a loopback, netmask or multicast
    address.

    A small first octet or few digits look like a version, so they need a word.
    """
    digits = found.digits
    first = int(found.groups[0])
    if first in (0, 127) or first >= 224 or is_quantity(found):
        return False
    if _VERSION_BEFORE.search(found.before) or _SECTION_BEFORE.search(found.before):
        return False
    if _VERSION_AFTER.search(found.after):
        return False
    if first >= 100 or (first >= 20 and len(digits) >= 7):
        return True
    heading = first != 10 and found.before[-1:] in ("", "\n") and _HEADING.match(found.after)
    return not heading and found.is_near(_WORDS)


def is_hidden_ipv4(found: Candidate) -> bool:
    """Checks an address with hidden octets. Those of private networks (`192.168.x.x`) are patterns in manuals."""
    return _PRIVATE.match(found.value) is None and is_ipv4(found)


def is_ipv6(found: Candidate) -> bool:
    """Checks for a valid address of three groups or more; `::1` does not name a host, and `a::b` is code."""
    try:
        address = IPv6Address(found.value)
    except AddressValueError:
        return False
    return not address.is_loopback and len([group for group in found.value.split(":") if group]) >= 3


_LEFT = r"(?:(?<![0-9A-Za-z_])|(?<=[Ii][Pp]))(?<![0-9]\.)"
_RIGHT = r"(?![0-9A-Za-z*])(?!\.[0-9*])"

RULES = (
    rule(
        "ip",
        rf"(?:(?<![0-9A-Za-z.])(?<![0-9A-Fa-f]:)(?<!::)|(?<=v6:))(?:{_HEX}|(?=::))"
        rf"(?::{_HEX}|::(?:{_HEX})?){{2,7}}(?![0-9A-Za-z]|:[0-9A-Fa-f:])",
        is_ipv6,
        anchor=r":[0-9A-Fa-f]{0,4}:",
        reach=(48, 48),
    ),
    rule("ip", rf"{_LEFT}{_OCTET}(?:{_DOT}{_OCTET}){{3}}{_RIGHT}", is_ipv4),
    rule(
        "ip",
        rf"{_LEFT}{_OCTET}\.{_OCTET}(?:\.{_OCTET}\.{_HIDDEN_OCTET}|\.{_HIDDEN_OCTET}\.(?:{_OCTET}|{_HIDDEN_OCTET})){_RIGHT}",
        is_hidden_ipv4,
        anchor=r"\.[0-9]{0,2}[*xX]{1,3}",
        reach=(16, 10),
    ),
)
