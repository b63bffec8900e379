"""Marks of transcription in 모두의 말뭉치 to prose."""

from __future__ import annotations

import re

_ANONYMOUS = re.compile(r"&([a-z]+(?:-[a-z]+)*)-?\d*&")
_PLACEHOLDERS = {
    "name": "[이름]", "address": "[주소]", "affiliation": "[소속]", "company-name": "[상호]", "company": "[상호]",
    "tel-num": "[전화번호]", "tel": "[전화번호]", "email": "[이메일]", "card-num": "[카드번호]",
    "account-num": "[계좌번호]", "account": "[계정]", "social-security-num": "[주민등록번호]",
}  # fmt: skip
_EVENT = re.compile(r" ?\{[a-z]+(?::[^{}\n]*)?\}")
_UNCLEAR = re.compile(r"\(\(([^()\n]*)\)\)")


def render(text: str) -> str:
    """Turns marks of transcription into what a reader expects.

    `&name1&` becomes the placeholder `[이름]` (`[개인정보]` if its kind is unknown), `{laughing}` and `{share:photo}` are
    removed, and the words of `((잘 안 들린 말))` stay. `x` for syllables that nobody could hear stays too.
    """
    text = _ANONYMOUS.sub(lambda found: _PLACEHOLDERS.get(found[1], "[개인정보]"), text)
    return _UNCLEAR.sub(r"\1", _EVENT.sub("", text))
