"""E-mail addresses, also those written against robots: `hong(at)naver.com`, `hong 골뱅이 네이버 점 컴`, `hong@naver,com`."""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate
from corpora.personal_data.shapes import rule

_ASCII_LOCAL = r"(?<![A-Za-z0-9*])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}"
_KOREAN_LOCAL = r"(?<![A-Za-z0-9*가-힣_])[A-Za-z0-9가-힣_][A-Za-z0-9가-힣._+-]{0,31}(?<=[가-힣])"
_PROVIDER = r"(?:naver|daum|hanmail|gmail|nate|kakao|hotmail|yahoo|outlook|korea|icloud|msn|live|empas|paran|dreamwiz|lycos|chol|hanmir)"
_KOREAN_PROVIDER = r"(?:네이버|다음|한메일|지메일|구글|네이트|핫메일|카카오|야후|아웃룩)"
_TLD = r"(?:com|net|org|kr|info|biz|io|me|co ?\. ?kr|or ?\. ?kr|go ?\. ?kr|ac ?\. ?kr|pe ?\. ?kr)(?!\.?[A-Za-z0-9])"
_DOT_WORD = r" ?(?:점|닷|쩜|[(\[{](?:dot|DOT|점|닷|\.)[)\]}]) ?| [Dd][Oo][Tt] "
_KOREAN_TLD = r"(?:컴|넷|com|net|kr|케이알|씨오케이알)"
_DOMAIN = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z]|[0-9A-Za-z]{1,64}@)"
_KOREAN_DOMAIN = r"(?:[A-Za-z0-9가-힣][A-Za-z0-9가-힣-]{0,30}\.){1,3}(?:한국|닷컴|닷넷|kr|com|net|org)(?![A-Za-z0-9])"
_SPACED_DOMAIN = rf"[A-Za-z0-9][A-Za-z0-9-]{{0,62}}(?: ?\. ?|,|{_DOT_WORD}){_TLD}"
_PROVIDER_ALONE = (
    rf"{_PROVIDER}(?: ?(?:닷|점|쩜|\.) ?(?:컴|넷)| (?:com|net)(?![A-Za-z])|(?![A-Za-z0-9]|[.-][A-Za-z0-9]))"
)
_KOREAN_NAME = rf"{_KOREAN_PROVIDER}(?:(?:{_DOT_WORD}| ?\. ?){_KOREAN_TLD}|(?:점|닷|쩜){_KOREAN_TLD})?"
_SPOKEN_DOMAIN = rf"{_KOREAN_PROVIDER}(?:{_DOT_WORD}|(?:점|닷|쩜)){_KOREAN_TLD}"
_ANY_DOMAIN = rf"(?:{_DOMAIN}|{_KOREAN_DOMAIN}|{_SPACED_DOMAIN}|{_KOREAN_NAME}|{_PROVIDER_ALONE})"
_NAMED_DOMAIN = (
    rf"(?:(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,4}}{_TLD}|{_SPACED_DOMAIN}|{_KOREAN_NAME}|{_PROVIDER_ALONE})"
)
_BRACKETED = r"[(\[{<] ?(?:at|AT|At|a|A|@|골[뱅벵]이|앳|엣) ?[)\]}>]"
_AT = rf"(?:@{{1,2}}| ?(?:{_BRACKETED}|골[뱅벵]이|앳|엣|ⓐ) ?)"
_REAL_DOMAIN = rf"(?:{_DOMAIN}|{_KOREAN_DOMAIN}|{_SPACED_DOMAIN})"
_FILE_ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|bmp|pdf|mp[34]|zip|html?|js|css|json|md|txt|py)$", re.IGNORECASE
)
_VERBS = re.compile(r"(?:look|arrive|available|find|found|see|visit|us|me|it|is|are|be|page|site|search|more|here|online) at ", re.IGNORECASE)  # fmt: skip


def is_email(found: Candidate) -> bool:
    """Checks that it is not a file (`icon@2x.png`) and not a repository (`git@host`)."""
    return not found.value.startswith("git@") and not _FILE_ENDING.search(found.value)


def is_spoken_email(found: Candidate) -> bool:
    """Checks that `at` is not the preposition of an English sentence."""
    return _VERBS.match(found.value) is None


_REACH = (70, 320)

RULES = (
    rule(
        "email",
        rf"{_ASCII_LOCAL}(?:@(?:{_SPACED_DOMAIN}|{_DOMAIN})|{_AT}{_ANY_DOMAIN}| ?@ {_NAMED_DOMAIN}| @{_PROVIDER} ?\. ?{_TLD})|{_KOREAN_LOCAL}(?:(?:@|{_BRACKETED}){_REAL_DOMAIN}| ?골[뱅벵]이 ?{_SPOKEN_DOMAIN})",
        is_email,
        anchor=rf"@|골[뱅벵]이|ⓐ|[앳엣]|{_BRACKETED}",
        reach=_REACH,
        signs=("@", "골뱅이", "골벵이", "ⓐ", "앳", "엣", "(at", "[at", "{at", "(AT", "[AT", "(a)", "( at", "<at"),
    ),
    rule(
        "email",
        rf"{_ASCII_LOCAL}(?: [Aa][Tt] |[_-]at[_-])(?:{_PROVIDER}\.(?:com|net|co\.kr)|[A-Za-z0-9-]{{2,40}}(?:{_DOT_WORD}){_TLD})",
        is_spoken_email,
        anchor=r" [Aa][Tt] |[_-]at[_-]",
        reach=_REACH,
        signs=(" at ", " AT ", " At ", "_at_", "-at-"),
    ),
)
