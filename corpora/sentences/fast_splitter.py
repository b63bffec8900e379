"""Where Korean sentences end, by rules over one MeCab parse: the fast splitter.

A line is parsed once into its *tagged* form, `surface TAG` pairs between two control characters, and one regular
expression finds the places that may end a sentence: before a space, after a final ending, after sentence marks. Python
only looks at those places, never at a morpheme. The tags are Sejong's (EF final ending, EC connective, ETN nominaliser,
EP pre-final, VCP copula, SF sentence mark).

If marks are missing, as on the web and in chat, endings decide. Before a space MeCab calls many of them connective, so
the form of the ending counts as much as the tag: -ㄴ다, -었다, -습니다, -어요, -죠, -었지, -거야, nominal -함 and -음, and those of
dialects. What follows can revoke an end: after `-다 보니`, `-다고`, `"…" 하고` the sentence continues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from corpora.sentences.plain_line import plain_line
from kobert_pipeline.morphology.mecab import TAG_END, TAG_START, tagged

_TAG = f"{TAG_START}[A-Z+]*{TAG_END}"
_TAGS = re.compile(_TAG)
_ENDING = f"{TAG_START}[A-Z+]*E[CF]{TAG_END}"
_FINAL_ENDING = f"{TAG_START}[A-Z+]*EF{TAG_END}"


def _syllables(final: int) -> str:
    """All syllables with one final consonant, by its number in Unicode's order (4 ㄴ, 20 ㅆ)."""
    return "".join(chr(code) for code in range(0xAC00 + final, 0xD7A4, 28))


def _spread(ending: str) -> str:
    """A pattern for an ending of several syllables, wherever MeCab splits it."""
    return f"(?:{_TAG})?".join(ending) + _TAG


def _after(words: Iterable[str], before: str = "") -> str:
    """A pattern for the place after one of the words. `before` matches the character before the word."""
    by_length = groupby(sorted(words, key=len), len)
    return "|".join(f"(?<={before}(?:{'|'.join(group)}))" for _, group in by_length)


_NIEUN, _MIEUM, _PAST = _syllables(4), _syllables(16), _syllables(20)
_PAST_STEM = _PAST.replace("있", "")

_DIALECTS = (
    "걸랑 구먼 구만 더라고 더라구 드라고 드라구 "  # heard everywhere
    "아유 어유 해유 네유 지유 구먼유 구만유 니께 는겨 햐 "  # Chungcheong
    "당께 랑께 당게 랑게 라우 구마잉 "  # Jeolla
    "심더 니더 니꺼 니껴 는교 능교 이소 끼라 카이 데예 라예 "  # Gyeongsang
    "드래요 갑소 수다 우다 수꽈 우꽈 마씸 "  # Gangwon, Jeju
    "네용 어용 아용 해용 네여 어여 아여 해여 니당 슴다"  # the web
)
_DIALECTS_AFTER_NIEUN = ("기라", "데이")
"""가는기라, 했데이; not 줄기라, 패러데이."""
_DIALECTS_AFTER_PAST = "제 재 나 노 니 소 슈 유 우 구마 수다 슴매"
"""After -았/었-, -겠-, 있-, 없-: 갔제, 없재, 있것나, 왔노, 했소."""
_GUESSED = rf"(?:[{_PAST}없](?:{_TAG})?나{_TAG}|[나가]{_ENDING})"
_ENDINGS = (
    ("다", rf"[{_NIEUN}{_PAST}]다{_ENDING}"),  # 간다, 갔다
    ("다", rf"[{_PAST}없]{_TAG}다{_ENDING}"),
    ("다", rf"{TAG_START}(?:[A-Z+]*EP|VC[PN]|VA|XSA|VX){TAG_END}다{_ENDING}"),  # 좋다, 이다; not 가다 말고
    ("다", rf"이{TAG_START}JKS{TAG_END}다{TAG_START}MAG{TAG_END}"),  # 이다, misread
    ("다", rf"니다{_ENDING}"),
    ("다", rf"{_GUESSED} ?보(?:{_TAG})?다{_TAG}"),  # 왔나 보다, 그런가보다; not 나보다
    ("봐", rf"{_GUESSED} ?봐{_TAG}"),
    ("요", rf"(?<!{TAG_START}VCP{TAG_END})요{TAG_START}(?!VCP)[A-Z+]*E[CF]{TAG_END}"),  # not the -요 of 교사요 작가이다
    ("요", rf"요{TAG_START}JX{TAG_END}"),
    ("죠쥬", rf"[죠쥬]{_ENDING}"),
    ("지", rf"[{_PAST_STEM}](?:{_TAG})?지{_ENDING}"),  # 갔지; not 있지 않다
    ("까군네냐", rf"[까군네냐]{_FINAL_ENDING}"),
    ("나요오아", rf"(?:구나|군요|시오|잖아){_ENDING}"),
    ("마", rf"(?<=지{TAG_START}EC{TAG_END} )마{_ENDING}"),  # 가지 마
    ("함됨임", rf"(?<!NNP{TAG_END})[함됨임]{TAG_START}[A-Z+]*ETN{TAG_END}"),  # 필요함; not 천안함
    ("음", rf"{TAG_START}(?:[A-Z+]*EP|VA|VX){TAG_END}음{TAG_START}ETN{TAG_END}"),
    *((word[-1], _spread(word)) for word in ("거야", *_DIALECTS.split())),
    *((word[-1], rf"[{_NIEUN}{_PAST}](?:{_TAG})?{_spread(word)}") for word in _DIALECTS_AFTER_NIEUN),
    *((word[-1], rf"[{_PAST}없긋것](?:{_TAG})?{_spread(word)}") for word in _DIALECTS_AFTER_PAST.split()),
)
"""The syllables that may come last, and the pattern of tagged text."""


def _by_last_syllable() -> dict[str, re.Pattern[str]]:
    patterns: dict[str, list[str]] = {}
    for syllables, pattern in _ENDINGS:
        for syllable in syllables:
            patterns.setdefault(syllable, []).append(pattern)
    return {syllable: re.compile(f"(?:{'|'.join(group)})$") for syllable, group in patterns.items()}


_HAS_ENDING = _by_last_syllable()
_LONGEST_ENDING = 40
"""Characters of tagged text."""

_EMOTION = "ㅋㅎㅠㅜㅡㅇㅅㄱㄷ^~∼～♡♥★☆!?;_\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d"
_LOOSE = _EMOTION.replace("ㅡㅇㅅㄱㄷ", "") + ".…"
"""May follow a space; a lone ㅇ there is a bullet."""
_MARKS = rf".,…。？！\"'”’)\]」』》〉】\-–—{_EMOTION}"
_TAIL = rf"(?:[{_MARKS}]+{_TAG}|\s[{_LOOSE}][{_EMOTION}.*]*{_TAG})"
"""One unit of what may come between the last word and the space: marks, closing quotes, laughter, emoji."""

_LAST = "다요죠쥬지까군네냐나오아마함됨임음야봐"
_DIALECT_LAST = "".join(
    sorted({ending[-1] for ending in (*_DIALECTS.split(), *_DIALECTS_AFTER_NIEUN, *_DIALECTS_AFTER_PAST.split())})
)
_CANDIDATE = re.compile(
    # Cheap on purpose, because it reads every character; `_HAS_ENDING` checks more. It begins with a class, which is fast.
    rf"[{_LAST}{_DIALECT_LAST}{_MARKS}](?:(?P<word>(?<=[{_LAST}]){TAG_START}[A-Z+]*(?:E[CF]|ETN|JX|JKB|MAG){TAG_END}"
    rf"|(?<=[{_DIALECT_LAST}]){TAG_START}(?!J)[A-Z+]*{TAG_END})|(?<=[{_MARKS}])[{_MARKS}]*{_TAG})"
    rf"(?:{_TAIL}*(?=\s(?![.!?](?!\.))|$)|{_TAIL}*(?<={TAG_START}S[FEY]{TAG_END})"
    rf"(?=[“‘「『]{_TAG}(?!\s)|[가-힣A-Z0-9][^{TAG_START}]*{TAG_START}(?!E|J|VC|XS)))"
)

# What follows revokes a boundary.
_AUXILIARY = rf"(?:(?!하지만)[하할한해했싶보치쳐말않])[^{TAG_START}]*{TAG_START}V"
_QUOTING = rf"이{TAG_START}VCP|(?:이?라[고는며면]|하[고며는던])[^{TAG_START}]*{TAG_START}[^N]|[고며는란]{TAG_START}"
_PARTICLE = rf"(?:은|는|을|를|의){TAG_START}J"
_NOMINAL = rf"등{TAG_START}|및{TAG_START}|없이{TAG_START}|때문|그{TAG_START}MM{TAG_END} 자체"
_GOES_ON = re.compile(rf"\s+(?:{_AUXILIARY}|{_QUOTING}|{_NOMINAL})")
_QUOTED = re.compile(rf"\s+(?:{_QUOTING}|{_PARTICLE})")
_QUOTED_AT_ONCE = re.compile(rf"{_QUOTING}|이?라[고며는던]|하(?:{_TAG})?[고며는던였]")
_LOOSE_PARTICLE = re.compile(rf"\s+{_PARTICLE}")
_VERB = re.compile(rf"\s+[^{TAG_START}]*{TAG_START}V")
_REPORTED = re.compile(rf"[다라냐자](?:{_TAG})?고{TAG_START}[A-Z+]*E[CF]{TAG_END}$")
_SAID = re.compile(rf"\s+[^{TAG_START}]*{TAG_START}(?:V|NNG{TAG_END}[^{TAG_START}\s]*{TAG_START}XSV)")
"""싫다고… 했다, 그렇다고... 생각했다."""
_CONNECTIVE = re.compile(rf"다{TAG_START}[A-Z+]*EC{TAG_END}$")
"""껐다 켜면, 왔다 갔다."""
_WONDERING, _GUESS = re.compile(rf"[나가까]{_TAG}$"), re.compile(r"\s+[보봐봅]")
"""왔나 봐요, 그런가 봅니다."""
_POLITE = re.compile(rf"(?:요|니다){_TAG}$")

_PAIRS = tuple((pair[0], pair[1]) for pair in ("“”", "‘’", "()", "[]", "「」", "『』", "《》", "〈〉", "【】", "<>"))


def _enclosed(reach: int) -> re.Pattern[str]:
    """What is in brackets or quotes that close within `reach` characters."""
    return re.compile(
        "|".join(rf"\{left}[^\{left}\{right}]{{0,{reach}}}\{right}" for left, right in _PAIRS)
        + rf"|\"[^\"]{{0,{reach}}}\"|`[^`]{{0,{reach}}}`|'(?<![A-Za-z0-9]')[^']{{0,{reach}}}'(?![A-Za-z])"
    )


_ENCLOSED = _enclosed(500)
_ENCLOSED_TAGGED = _enclosed(1_500)
"""500 characters of the line are about 1,500 when tagged."""
_OPENING = re.compile("[\"'`" + "".join("\\" + pair[0] for pair in _PAIRS) + "]")

_OPENS = re.compile(rf"[\"']{_TAG}(?![\s\"'])")
"""A quotation begins, after a full stop without a space."""
_ELLIPSIS = re.compile(r"\.\.|…")
_LOUD = re.compile(r"[!?！？。]")
_CLOSING = re.compile(r"[\"'”’)\]」』》〉】]+")
_LAUGHTER = re.compile(r"[ㅋㅎㅠㅜ]")
_ABBREVIATION = re.compile(
    rf"(?:^|[\s.{TAG_END}])(?:[A-Za-z]|Mrs?|Ms|Dr|Prof|St|No|vs|[Vv]ol|pp|Fig|Jr|Sr|Inc|Co|Ltd|Corp|cf|eds?|al){TAG_START}SL{TAG_END}$"
)
_LIST_LETTERS = "가나다라마바사아자차카타파하"

# What the line itself shows, before it is parsed.
_CERTAIN = re.compile(
    r"[.!?](?<=[가-힣]{2}.)(?:(?<=\.)(?=\s+[A-Za-z0-9가-힣“‘「『《〈(](?<![은는을를의]))"
    r"|(?<=[!?])[!?]*(?=\s+[A-Za-z0-9가-힣“‘「『《〈(](?<![은는을를의이라하고며란])))"
)
"""A mark after a Korean word that ends a sentence whatever the tags are, unless it is in quotes or brackets."""
_STARTS = rf".…。？！\"”\-–—{_EMOTION}"
_NO_ENDINGS = "주요|중요|필요|마다|처음|다음|마음|게임|책임|포함"
"""Frequent words that look like endings. So does the particle -보다, but 오나 보다 and 그런가보다 do end a sentence."""
_MAY_END = re.compile(
    rf"[{_LAST}{_DIALECT_LAST}{_STARTS}](?:(?=[\s{_MARKS}])(?:(?<=[다요죠쥬까군네냐함됨임음봐])(?<!{_NO_ENDINGS})"
    rf"(?<![^나가까려\s]보다)|(?<=[{_PAST_STEM}]지)"
    rf"|{_after(('구나', '시오', '잖아', '지 마', '거야', *_DIALECTS.split(), *_DIALECTS_AFTER_NIEUN))}"
    rf"|{_after(_DIALECTS_AFTER_PAST.split(), f'[{_PAST}없긋것]')})|(?<=[{_STARTS}])(?<![{_STARTS}].)(?<![{_STARTS}]\s.))"
    rf"(?:[{_MARKS}]|\s[{_LOOSE}][{_EMOTION}.*]*)*+(?:\s+\S|(?<=[.…{_EMOTION}])[가-힣A-Z0-9“‘「『]|(?<=[.!?][\"'])[가-힣])"
)
"""A line in which a sentence ends matches this. A line that does not match need not be parsed."""


class _Place(NamedTuple):
    """A place where a sentence may end, in tagged text."""

    text: str
    begin: int
    """Where the sentence begins."""
    word_end: int
    """After the last word, before the marks that follow it."""
    end: int
    """After the marks, before the space."""

    def has_ending(self) -> bool:
        last = self.text.rfind(TAG_START, self.begin, self.word_end) - 1
        ending = _HAS_ENDING.get(self.text[last]) if last >= self.begin else None
        start = max(self.begin, self.word_end - _LONGEST_ENDING)
        return ending is not None and ending.search(self.text, start, self.word_end) is not None

    def last_word(self) -> str:
        """The last morpheme with its tag."""
        start = self.text.rfind(TAG_END, self.begin, max(self.begin, self.word_end - 1)) + 1
        return self.text[max(start, self.begin) : self.word_end]

    def marks(self) -> str:
        return _TAGS.sub("", self.text[self.word_end : self.end])


def sentence_ends(line: str) -> Iterator[int]:
    """Gives the offsets into the line at which one sentence ends and another begins, in order, without the end of the
    line.

    `line` has no line break, no control character and no lone surrogate.
    """
    plain = plain_line(line)
    yield from plain.ends_in_line(list(_plain_ends(plain.text))) if plain.removed else _plain_ends(plain.text)


def _plain_ends(line: str) -> Iterator[int]:
    """A stretch is parsed only if a sentence may end in it at a place that the line itself does not decide."""
    begin = 0
    for end in (*_certain_ends(line), len(line)):
        stretch = line[begin:end]
        if _MAY_END.search(stretch):
            yield from (begin + inner for inner in parsed_ends(stretch))
        if end < len(line):
            yield end
        begin = end


def _certain_ends(line: str) -> Iterator[int]:
    spans = [match.span() for match in _ENCLOSED.finditer(line)] if _OPENING.search(line) else []
    nearest = 0
    for match in _CERTAIN.finditer(line):
        while nearest < len(spans) and spans[nearest][1] <= match.end():
            nearest += 1
        if nearest == len(spans) or spans[nearest][0] >= match.start():
            yield match.end()


def parsed_ends(line: str) -> Iterator[int]:
    """Gives the same for a plain line as `sentence_ends`, from the tags of the whole line."""
    text = tagged(line)
    enclosed = [match.span() for match in _ENCLOSED_TAGGED.finditer(text)] if _OPENING.search(line) else []
    position = begin = nearest = 0
    for candidate in _CANDIDATE.finditer(text):
        word_end, end = candidate.end("word"), candidate.end()
        if word_end < 0:
            word_end = candidate.start()
        while nearest < len(enclosed) and enclosed[nearest][1] <= end:
            nearest += 1
        opening = enclosed[nearest][0] if nearest < len(enclosed) else len(text)
        if word_end < opening < end and _OPENS.match(text, opening):
            end = opening  # 했다."그러나" 그는
        if opening < word_end or end == len(text):
            continue
        place = _Place(text, begin, word_end, end)
        speaker = _before_quotation(place, *enclosed[nearest - 1]) if nearest else None
        if _ends_sentence(place, speaker):
            position += len(_TAGS.sub("", text[begin : place.end]))
            begin = place.end
            yield position


def _before_quotation(place: _Place, opening: int, closing: int) -> str | None:
    """What the sentence has before a quotation of whole sentences that closes among the marks: `민수:`, or nothing.

    None if no such quotation closes.
    """
    text, begin, word_end, _ = place
    if closing <= word_end or opening < begin or text[closing - 1] not in '"”' or text[word_end] in '"”':
        return None
    return _TAGS.sub("", text[begin:opening]).strip()


def _ends_sentence(place: _Place, speaker: str | None) -> bool:
    """Whether a sentence ends at the place. `speaker` is the result of `_before_quotation`."""
    text, end = place.text, place.end
    marks = place.marks().strip()
    if not marks:
        return place.has_ending() and not _goes_on(text, end)
    if marks[-1] == "," or (_LOOSE_PARTICLE if "." in marks[-1] else _QUOTED).match(text, end):
        return False
    if not text[end].isspace():
        return _final(place) and not _QUOTED_AT_ONCE.match(text, end)
    if speaker is not None and (not speaker or speaker.endswith((":", "："))):
        return True
    if "." in marks or "…" in marks or _LOUD.search(marks):
        return _marked_end(place, marks)
    if _CLOSING.fullmatch(marks):
        return False
    return _final(place) or (_LAUGHTER.match(marks) is not None and place.begin < place.word_end)


def _goes_on(text: str, end: int) -> bool:
    """Whether what follows revokes an ending without marks."""
    if _POLITE.search(text, end - 8, end):
        return _QUOTED.match(text, end) is not None
    if _GOES_ON.match(text, end):
        return True
    follows = (
        _VERB if _CONNECTIVE.search(text, end - 20, end) else _GUESS if _WONDERING.search(text, end - 20, end) else None
    )
    return follows is not None and follows.match(text, end) is not None


def _final(place: _Place) -> bool:
    return place.last_word().endswith("EF" + TAG_END) or place.has_ending()


def _marked_end(place: _Place, marks: str) -> bool:
    """Whether the marks `. .. … ! ?` end the sentence."""
    if _LOUD.search(marks):
        return not place.last_word().endswith("SSO" + TAG_END)  # 자랑(?) 삼아
    word = place.last_word()
    if _ELLIPSIS.search(marks):
        return (_final(place) or _trails_off(word)) and not (
            _REPORTED.search(word) and _SAID.match(place.text, place.end)
        )
    if word.endswith("SN" + TAG_END):
        return False
    if word.endswith("SL" + TAG_END):
        return _ABBREVIATION.search(place.text, max(place.begin, place.word_end - 20), place.word_end) is None
    return place.begin + len(word) < place.word_end or _TAGS.sub("", word).strip() not in _LIST_LETTERS


def _trails_off(word: str) -> bool:
    """Before an ellipsis -고, -음 and a clause without its noun also end sentences: `그렇게 안 하면 장사도 안 되고..`, `배송도
    빠름...`, `밖에 없다는…`."""
    surface = _TAGS.sub("", word)
    if word.endswith("ETN" + TAG_END):
        return surface.endswith(tuple(_MIEUM))
    return word.endswith("ETM" + TAG_END) or (surface.endswith(("고", "구")) and word.endswith("EC" + TAG_END))
