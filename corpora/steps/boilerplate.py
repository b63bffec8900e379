"""Step `boilerplate`: lines of copyright, bylines, calls to subscribe and menus."""

from __future__ import annotations

import re
from dataclasses import replace

from corpora.documents import Document

_REPORTER = r"[가-힣]{0,4}(?:기자|특파원|논설위원|통신원)"
_NAMES = r"[가-힣]{2,4}(?:[·,/] ?[가-힣]{2,4}){0,4}"
_MAIL = r"(?:[\w.+-]{1,64}@[\w.-]{1,64}|\[[가-힣]{2,8}\])"
"""An address, or the placeholder that masking wrote."""
_MEDIUM = (
    r"[가-힣A-Za-z0-9 .]{0,12}"
    r"(?:뉴스|뉴스1|뉴시스|일보|신문|통신|방송|경제|데일리|타임스|투데이|미디어|저널|KBS|MBC|SBS|YTN)"
)
_FORBIDDEN = (
    r"무단 ?(?:전재|복제|배포|도용|게재|수집)[^\n]{0,40}"
    r"금(?:지|함|합니다|지합니다|지함|한다|지한다)(?![가-힣])[^\n가-힣]{0,20}"
)
_COPYRIGHT = r"(?:ⓒ|©|\([cC]\) ?(?:19|20)\d\d|(?i:copyrights?) ?(?:ⓒ|©|\([cC]\)|(?:19|20)\d\d))"
_MENU = (
    r"(?:로그인|로그아웃|회원가입|고객센터|이용약관|개인정보 ?처리방침|사이트맵|회사소개|구독하기|공유하기|글자 ?크기"
    r"|맨 ?위로|목록|이전 ?글|다음 ?글|인쇄|스크랩)"
)
_NO_SENTENCE = r"$(?<![다요])(?<![다요]\.)"
_LINE_KINDS = (
    rf"{_NAMES} ?{_REPORTER}[^\w\n]{{0,5}}{_MAIL}[^\w\n]{{0,5}}$",
    rf"[^\n]{{0,80}}{_FORBIDDEN}$",
    rf"{_COPYRIGHT}[^\n]{{0,100}}{_NO_SENTENCE}",
    rf"저작권자[^\n]{{0,10}}(?:ⓒ|©|\([cC]\))[^\n]{{0,60}}{_NO_SENTENCE}",
    r"[^\n가-힣]{0,60}(?i:all rights reserved)[^\n가-힣]{0,40}$",
    r"[▶▷☞※] ?[^\n]{0,60}(?:구독|바로가기|제보하|채널 ?추가|앱 ?(?:설치|다운)|팔로우)[^\n]{0,20}" + _NO_SENTENCE,
    r"(?:기사 ?제보|구독 ?신청|독자 ?투고|제휴 ?문의|광고 ?문의)[^\n]{0,30}[:@\d\[][^\n]{0,60}" + _NO_SENTENCE,
    rf"공감언론 ?[가-힣]{{2,6}} ?{_MAIL}?$",
    rf"{_MENU}(?:[ |·/>]{{1,5}}{_MENU})+ ?$",
)
"""A byline with its address, reservations of copyright, calls to subscribe, menus."""
_BOILERPLATE = re.compile(rf"^(?:[^\w\n▶▷☞※ⓒ©(]{{0,5}}(?:{'|'.join(_LINE_KINDS)}))", re.MULTILINE)
_BYLINE = re.compile(rf"[^\w\n]{{0,5}}{_NAMES} ?{_REPORTER}[^\w\n]{{0,5}}")
"""Without an address a byline is certain only as the last line."""
_PLACE = r"(?:[가-힣· ]{2,20}= ?)?"
_DATELINE = re.compile(
    rf"^[(\[【]{_PLACE}{_MEDIUM}[)\]】] ?(?:{_NAMES} ?{_REPORTER}|{_NAMES})? ?= ?"
    rf"|^[(\[【]{_PLACE}{_MEDIUM}(?: |[)\]】] ?){_NAMES} ?{_REPORTER}[)\]】]? ?=? ?",
    re.MULTILINE,
)
_COPYRIGHT_TAIL = re.compile(
    rf"(?<=[다요]\.) ?[<\[(※]? ?(?:저작권자|ⓒ|©|Copyright|\(c\))[^\n]{{0,80}}{_FORBIDDEN}$", re.MULTILINE
)
_BOILERPLATE_MARK = re.compile(
    r"기자|특파원|논설위원|통신원|=|무단|ⓒ|©|\([cC]\) |opyright|OPYRIGHT|저작권자|ights [rR]eserved|IGHTS RESERVED"
    r"|구독|제보|바로가기|팔로우|문의|로그인|목록|채널|앱 ?(?:설치|다운)|공감언론|독자 ?투고"
)
"""Every kind of boilerplate has one of these."""
_BLANK_LINES = re.compile(r"\n{3,}")


def boilerplate(document: Document) -> Document:
    """Removes boilerplate from the text."""
    text = strip_boilerplate(document.text)
    return document if text == document.text else replace(document, text=text)


def strip_boilerplate(text: str) -> str:
    """Removes lines of copyright, bylines, subscription and menus, and datelines such as `(서울=연합뉴스) 홍길동 기자 = `.

    Idempotent. If nothing would be left, the text stays whole, so that `keep` drops it with a reason; so does a text
    that a second call would change: the rules do not understand it.
    """
    if not _BOILERPLATE_MARK.search(text):
        return text
    article = _without_boilerplate(text)
    return article if article and (article == text or _without_boilerplate(article) == article) else text


def _without_boilerplate(text: str) -> str:
    text = _BOILERPLATE.sub("", _COPYRIGHT_TAIL.sub("", _DATELINE.sub("", text)))
    lines = text.split("\n")
    while lines and (not lines[-1].strip() or _BYLINE.fullmatch(lines[-1])):
        lines.pop()
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def boilerplate_share(text: str) -> float:
    """Gives the share of characters, 0 to 1, in boilerplate."""
    if not _BOILERPLATE_MARK.search(text):
        return 0.0
    return 1 - len(_without_boilerplate(text)) / len(text)
