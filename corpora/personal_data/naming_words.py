"""The words that name a number: what it is, or that it is something else.

A word that says what a number is *not* must be a whole word and stand directly before the number: `제품번호 02…`, not
`어제 02…`. A word that says what a number is may be part of a longer one (`후원계좌`) and stand some way off.
"""

from __future__ import annotations

import re

from corpora.personal_data.candidate import Candidate

_PARTICLE = r"(?:은|는|이|가|을|를|도|란|이란)?"
_GAP = r"[\s:#(\[=.,\"'“‘-]{0,3}$"


def directly_before(words: str) -> re.Pattern[str]:
    """A pattern for one of the whole words directly before a number, with a particle, a colon or a bracket between."""
    return re.compile(rf"(?<![가-힣A-Za-z])(?:{words}){_PARTICLE}{_GAP}", re.IGNORECASE)


_NUMBERED = (
    "문서|접수|주문|구매|송장|운송장|배송|사건|관리|특허|출원|상표|제품|수험|기사|게시글|게시물|글|상품|일련|시리얼|모델|등기|승인|"
    "신청|민원|청원|의안|차량|물품|품목|제조|고유|식별|도서|청구|자산|부품|인보이스|거래|조회|발급|허가|고시|공고|과제|계약|전표|"
    "회원|고객|학생|좌석|항공권|쿠폰|티켓|로트|표준|도면|샘플|시료|영수증|결재|보증서|증권|보험증권|재고|설비|우편"
)
_NUMBER_OF_A_THING = directly_before(
    rf"(?:{_NUMBERED})\s?(?:등록\s?)?(?:번호|넘버)|(?:특허|상표|디자인|차량|자동차|선박|저작권|제품)?\s?등록\s?번호"
)
_IDENTIFIER = directly_before(
    r"운송장|송장|품번|학번|군번|사번|바코드|시리얼|(?:e-?)?ISBN(?:-1[03])?|ISSN|DOI|PMID|S/N|P/N|LOT"
)
_WEAK = directly_before(
    r"(?:종목|제품|상품|관리|오류|에러|색상|품목|기관|부품|자재|분류|우편|QR|HS)?\s?코드|모델명?|버전|버젼|No\.?|품목"
)
_ORDINAL_BEFORE = re.compile(r"(?<![가-힣])제\s?$")
_ORDINAL_AFTER = re.compile(r"^\s?(?:호|조|항|권)(?![가-힣]{2})")
_URL = re.compile(r"(?:://|www\.|\.(?:com|net|org|kr|io|jp|be)/)\S*$", re.IGNORECASE)
_QUERY = re.compile(r"(?<![A-Za-z])(?!tel|phone|hp|mobile|fax)[A-Za-z]\w{0,20}=$", re.IGNORECASE)
_QUANTITIES = (
    "원|년|명|개|호|번지|번길|번째|건|톤|권|쪽|페이지|세대|가구|달러|엔|위안|유로|포인트|미터|킬로|리터|그램|평|주|표|초|분|점(?!포|심)|줄|마리|그루|여 ?(?:명|개|건|곳)"
    "|㎞|㎡|㎏|㎜|㎝|℃|°|%|‰|(?:k?m|k?g|mm|cm|cc|kcal|[MGk]?Hz|rpm|[kMG]?W|[kMGT]?B)(?![a-z])"
)
_UNIT = re.compile(
    rf"^(?:(?:{_QUANTITIES})| (?:{_QUANTITIES})(?![가-힣])|[십백천]?[만억조천백]\s?여?\s?(?:{_QUANTITIES}|대|배|배럴))",
    re.IGNORECASE,
)
SAMPLE = re.compile(r"견본|예시|샘플|(?:존재하지|유효하지) 않|가짜|틀린|잘못된")


def is_numbered_thing(found: Candidate) -> bool:
    """Whether it is called the number of a thing (`주문번호`), or it is `제 …호`."""
    return _NUMBER_OF_A_THING.search(found.before) is not None or (
        _ORDINAL_BEFORE.search(found.before) is not None and _ORDINAL_AFTER.search(found.after) is not None
    )


def is_identifier(found: Candidate) -> bool:
    """Whether it is called the number of a thing, or an identifier (`ISBN`, `바코드`) is named directly before it."""
    return is_numbered_thing(found) or _IDENTIFIER.search(found.before) is not None


def is_code(found: Candidate) -> bool:
    """Whether it may be the number of a thing: named as a code, or part of an address. Weaker than `is_identifier`."""
    if is_identifier(found) or _WEAK.search(found.before) or _QUERY.search(found.before):
        return True
    return _URL.search(found.text[max(0, found.start - 200) : found.start]) is not None


def is_quantity(found: Candidate) -> bool:
    """Whether a unit follows: `1600-2400m`, `1544-3000만원`, `1588-1234번지`."""
    return _UNIT.search(found.after) is not None


def touches_letters(found: Candidate) -> bool:
    """Whether an ASCII letter is next to it, as in the code of a part."""
    before, after = found.before[-1:], found.after[:1]
    return (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha() and after.islower())
