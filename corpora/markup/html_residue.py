"""HTML that a source left in its text: entities, tags, comments, scripts. What is not certain stays.

Every function takes time linear in its text, however hostile: repetitions are possessive, each ends at a character that
also starts the next attempt, and no search for an end that is missing is repeated.
"""

from __future__ import annotations

import html
import re
from html.entities import html5


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BLOCKS = _names(
    """address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr html item li main nav note ol option p page pre section steps summary table tbody
    td tfoot th thead title tr ul"""
)
"""Tags that end a line. Other tags occur within a line."""
_BARE = _BLOCKS - {"item", "note", "page", "steps"} | _names(
    """a abbr acronym b big button cite code del dfn em font gallery i img input ins kbd label mark math meta nowiki
    onlyinclude poem q ref rt ruby s samp select small span strike strong sub sup textarea time tt u var wbr"""
)
"""Names that are tags even without attribute and end tag, in lower case: `<Map>` and `<TIME>` are titles."""
_BARE_UPPER = _names("BLOCKQUOTE BODY BR CENTER DIV FONT HR HTML IMG LI OL PRE SPAN STRONG TABLE TD TH TR UL")
_FLAGS = _names("async checked compact controls defer disabled hidden noshade nowrap readonly selected")

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:._-]*+)((?:[\s/][^<>]*+)?)>")
_END_NAME = re.compile(r"</([A-Za-z][A-Za-z0-9:._-]*+)")
_ATTRIBUTE = re.compile(r"\s[A-Za-z_:@][\w:.-]*+\s*+=\s*+[\"'\w#%/.]")
_DECLARATION = re.compile(r"<(?:\?xml|\?php|!DOCTYPE|!ENTITY|!ELEMENT|!ATTLIST)\b[^<>]*+>", re.IGNORECASE)
_FOOTNOTE = re.compile(r"<ref(?:\s[^<>/]*+)?>(?:[^<]++|<(?!/?ref\b))*+</ref\s*+>")
_UNSEEN = re.compile(r"<!--|<(script|style|head|noscript|svg|template)(?:\s[^<>]*+)?(?<!/)>", re.IGNORECASE)

_RUBY = re.compile(r"<(rt|rp)(?:\s[^<>]*+)?>[^<]*+</\1\s*+>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<([a-z][a-z0-9]*+)\s(?:hidden\s*+|[^<>]*?(?:display\s*+:\s*+none|\shidden)[^<>]*+)>[^<]*+</\1\s*+>", re.IGNORECASE
)
_MENTION = re.compile(r"\s?(?:태그|요소|엘리먼트|tag|element)", re.IGNORECASE)
_PARTICLE = re.compile(r"(?:은|는|이|가|을|를|의|와|과|도|로|에|나|이나|라는|이라는)(?:\s|$)")
_NO_MENTION = _names("br p li hr td tr th div img")
"""These often have no end tag, and what follows begins a sentence."""

_ENTITY = re.compile(
    r"&(?:amp;)*+(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:nbsp|lt|gt|amp|quot)(?![A-Za-z0-9=;]))?"
)
"""With its semicolon, however often it was escaped; five common entities also without, as Korean boards write them."""


def resolve_entities(text: str) -> str:
    """Resolves entities: `&amp;lt;` and `&lt;` are both `<`. `R&D` and the `&copy=` of an address are not entities."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if name is None:
        return "&"
    if name.startswith("#"):
        return html.unescape("&" + name)
    return html5.get(name if name.endswith(";") else name + ";", "&" + name)


def strip_html(text: str) -> str:
    """Removes tags of HTML, MediaWiki and XML, scripts, comments and footnotes. `<제목>`, `<AC/DC>`, `a < b` stay."""
    if "<" not in text or ">" not in text:
        return text
    text = _DECLARATION.sub("", _FOOTNOTE.sub("", _without_unseen(text)))
    if "</" in text:
        text = _HIDDEN.sub("", _RUBY.sub("", text))
    ended = frozenset(_END_NAME.findall(text))

    def replace(tag: re.Match[str]) -> str:
        if not _is_tag(tag[1], tag[2], tag[3], ended) or _is_mentioned(tag, ended):
            return tag[0]
        return "\n" if tag[2].lower() in _BLOCKS else ""

    return _TAG.sub(replace, text)


def _is_tag(slash: str, name: str, rest: str, ended: frozenset[str]) -> bool:
    """Whether it is an end tag, is empty, has an attribute or an end tag, or is a bare name of HTML."""
    if slash or rest.endswith("/") or _ATTRIBUTE.search(rest):
        return True
    if rest.strip() and not _FLAGS.issuperset(rest.lower().split()):
        return False
    return name in _BARE or name in _BARE_UPPER or name in ended


def _is_mentioned(tag: re.Match[str], ended: frozenset[str]) -> bool:
    """Whether the text is about the tag: `<br> 태그는`, `<span>은`."""
    if tag[1] or tag[3] or tag[2] in ended:
        return False
    after, end = tag.string, tag.end()
    return bool(_MENTION.match(after, end) or (tag[2].lower() not in _NO_MENTION and _PARTICLE.match(after, end)))


def _without_unseen(text: str) -> str:
    """Removes comments, scripts and what else readers do not see. An element without an end stays."""
    kept, position = [], 0
    endless: set[str] = set()
    for start in _UNSEEN.finditer(text):
        name = (start[1] or "!").lower()
        if start.start() < position or name in endless:
            continue
        end = _end_of(name, text, start.end())
        if end < 0:
            endless.add(name)
            continue
        kept.append(text[position : start.start()])
        position = end
    return " ".join([*kept, text[position:]])


def _end_of(name: str, text: str, position: int) -> int:
    if name == "!":
        end = text.find("-->", position)
        return end + 3 if end >= 0 else -1
    found = re.compile(rf"</{name}\s*+>", re.IGNORECASE).search(text, position)
    return found.end() if found else -1
