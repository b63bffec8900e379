"""Markup that sources leave in text: HTML, wiki and Markdown residue, addresses. What is not certain stays.

Every function takes time linear in its text, however hostile: repetitions are possessive, each ends at a character that
also starts the next attempt, and nothing looks twice for an end that is missing.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

# --- HTML ------------------------------------------------------------------------------------------------------------


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BLOCKS = _names(
    """address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr html item li main nav note ol option p page pre section steps summary table tbody
    td tfoot th thead title tr ul"""
)
"""Tags that end a line. The others stand within one."""
_BARE = _BLOCKS - {"item", "note", "page", "steps"} | _names(
    """a abbr acronym b big button cite code del dfn em font gallery i img input ins kbd label mark math meta nowiki
    onlyinclude poem q ref rt ruby s samp select small span strike strong sub sup textarea time tt u var wbr"""
)
"""Names that are tags without attribute and end tag. `<Map>` and `<TIME>` are titles: names count in lower case."""
_BARE_UPPER = _names("BLOCKQUOTE BODY BR CENTER DIV FONT HR HTML IMG LI OL PRE SPAN STRONG TABLE TD TH TR UL")
_FLAGS = _names("async checked compact controls defer disabled hidden noshade nowrap readonly selected")

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:._-]*+)((?:[\s/][^<>]*+)?)>")
_END_NAME = re.compile(r"</([A-Za-z][A-Za-z0-9:._-]*+)")
_ATTRIBUTE = re.compile(r"\s[A-Za-z_:@][\w:.-]*+\s*+=\s*+[\"'\w#%/.]")
_DECLARATION = re.compile(r"<(?:\?xml|\?php|!DOCTYPE|!ENTITY|!ELEMENT|!ATTLIST)\b[^<>]*+>", re.IGNORECASE)
_FOOTNOTE = re.compile(r"<ref(?:\s[^<>/]*+)?>(?:[^<]++|<(?!/?ref\b))*+</ref\s*+>")
_UNSEEN = re.compile(r"<!--|<(script|style|head|noscript|svg|template)(?:\s[^<>]*+)?(?<!/)>", re.IGNORECASE)

_ENTITY = re.compile(
    r"&(?:amp;)*+(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:nbsp|lt|gt|amp|quot)(?![A-Za-z0-9=;]))?"
)
"""With its semicolon, however often it was escaped; five common ones without, as Korean boards leave them."""


def resolve_entities(text: str) -> str:
    """`&amp;lt;` and `&lt;` are both `<`. `R&D` and the `&copy=` of an address are no entities."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if name is None:
        return "&"
    if name.startswith("#"):
        return html.unescape("&" + name)
    return html5.get(name if name.endswith(";") else name + ";", "&" + name)


def strip_html(text: str) -> str:
    """Without tags of HTML, MediaWiki and XML, scripts, comments and footnotes. `<제목>`, `<AC/DC>`, `a < b` stay."""
    if "<" not in text or ">" not in text:
        return text
    text = _DECLARATION.sub("", _FOOTNOTE.sub("", _without_unseen(text)))
    ended = frozenset(_END_NAME.findall(text))

    def replace(tag: re.Match[str]) -> str:
        if not _is_tag(tag[1], tag[2], tag[3], ended):
            return tag[0]
        return "\n" if tag[2].lower() in _BLOCKS else ""

    return _TAG.sub(replace, text)


def _is_tag(slash: str, name: str, rest: str, ended: frozenset[str]) -> bool:
    """An end tag, an empty tag, one with an attribute, one that ends further on, or a bare name that HTML knows."""
    if slash or rest.endswith("/") or _ATTRIBUTE.search(rest):
        return True
    if rest.strip() and not _FLAGS.issuperset(rest.lower().split()):
        return False
    return name in _BARE or name in _BARE_UPPER or name in ended


def _without_unseen(text: str) -> str:
    """Without comments, scripts and what else no reader sees. One that does not end stays: only its tag is sure."""
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


# --- wiki ------------------------------------------------------------------------------------------------------------

_BOLD = re.compile(r"(?<!')'{3}(?:'')?(?!')")
_WIKI_LINK = re.compile(r"\[\[(?! )([^\[\]\n]*+)\]\]")
_UNSEEN_LINK = re.compile(r"(?:파일|그림|분류|file|image|category):", re.IGNORECASE)
_LOST_END = re.compile(r"^[^\[\]\n]*+(?:\]\][^\[\]\n]*+)++$", re.MULTILINE)
_LOST_START = re.compile(r"^[^\[\]\n]*+(?:\[\[[^\[\]\n]*+)++$", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{[^{}]*+\}\}")
_HEADING = re.compile(r"^={2,6}(?!=)([^=\n]++)={2,6}[ \t]*+$", re.MULTILINE)
_EXTERNAL_LINK = re.compile(r"\[(?:https?|ftp)://[^\s\[\]<>]++[ \t]++([^\[\]\n]++)\]")
_BEHAVIOUR = re.compile(r"__(?:TOC|NOTOC|FORCETOC|NOEDITSECTION|NOINDEX|목차|목차숨김)__")
_EXTRACTOR = re.compile(r"(?:formula|codice)_[0-9]++")
"""wikiextractor's marks for a formula and a piece of code that it took out."""


def strip_wiki(text: str) -> str:
    """Without what parsers of wikitext leave behind: `'''`, links, templates, headings' marks, `formula_1`."""
    if "'''" in text:
        text = _BOLD.sub("", text)
    if "[[" in text or "]]" in text:
        text = _WIKI_LINK.sub(_link_text, text)
        text = _LOST_END.sub(lambda line: line[0].replace("]]", ""), text)
        text = _LOST_START.sub(lambda line: line[0].replace("[[", ""), text)
    if "{{" in text:
        text = _TEMPLATE.sub("", text)
    if "==" in text:
        text = _HEADING.sub(lambda line: line[1].strip(), text)
    if "://" in text:
        text = _EXTERNAL_LINK.sub(r"\1", text)
    if "__" in text:
        text = _BEHAVIOUR.sub("", text)
    if "formula_" in text or "codice_" in text:
        text = _EXTRACTOR.sub("", text)
    return text


def _link_text(link: re.Match[str]) -> str:
    target, _, shown = link[1].rpartition("|")
    return "" if _UNSEEN_LINK.match(link[1]) else (shown or target).removeprefix(":")


# --- Markdown --------------------------------------------------------------------------------------------------------

_KEY_LINE = re.compile(r"[\w.-]+:(?:\s|$)|\s|-\s|#|$")
_ADDRESS = (
    r"(?:<[^<>\n]*+>|(?:(?:https?|ftp)://|mailto:|[./#]|[\w%~-]++(?:/|\.[a-z]{2,5}\b))(?:[^()\s]|\([^()\s]*+\))*+)"
)
_LINK = re.compile(rf"(!?)\[([^\[\]\n]*+)\]\({_ADDRESS}(?:\s++(?:\"[^\"\n]*+\"|'[^'\n]*+'))?\s*+\)", re.ASCII)
_RST_LINK = re.compile(r"`([^`<>]++)<[^`<>\s]++>`__?")
_FENCE = re.compile(r"^[ \t]*+```[^\s`]*+[ \t]*+$", re.MULTILINE)
_HEADING_MARK = re.compile(r"^(?:#{1,6}[ \t]++)++(?=\S)", re.MULTILINE)
_ALERT = re.compile(r"^(?:>[ \t]*+)*+\[![A-Za-z][^\[\]\n]*+\][ \t]*+$", re.MULTILINE)
_SIGN = re.compile(r"^```|^#{2,6} \S|\]\((?:https?:|[./#\w-]+[/.])", re.MULTILINE | re.ASCII)
_CODE = re.compile(r"(`(?<!``)`?)([^`\n]++)\1(?!`)")
_EMPHASIS = re.compile(r"(\*(?<![*\\0-9A-Za-z]\*)\*{0,2})([^\s*](?:[^*\n]*[^\s*])?)\1(?!\*)")
_QUOTE_MARK = re.compile(r"^(?:>[ \t]*+)++(?=\S)", re.MULTILINE)
_ESCAPE = re.compile(r"\\([*_\[\]#<>|`])")


def strip_markdown(text: str) -> str:
    """Without front matter, links' addresses (reStructuredText's too), images, fences and heading marks.

    Marks that prose uses too (`김**`, `*^^*`, `` `인용` ``, `> `) go only from a document that shows itself to be
    Markdown by a link, a fence or a heading of the second level.
    """
    text, is_markdown = _without_front_matter(text)
    if ">`_" in text:
        text = _RST_LINK.sub(lambda link: link[1].rstrip(), text)
    if "](" in text or "```" in text or "# " in text:
        is_markdown = is_markdown or _SIGN.search(text) is not None
        text = _LINK.sub(lambda link: "" if link[1] else link[2], text)
        text = _HEADING_MARK.sub("", _FENCE.sub("", text))
    return _without_marks_of_prose(text) if is_markdown else text


def _without_marks_of_prose(text: str) -> str:
    if "[!" in text:
        text = _ALERT.sub("", text)
    if "`" in text:
        text = _CODE.sub(r"\2", text)
    if ">" in text:
        text = _QUOTE_MARK.sub("", text)
    if "*" in text:
        text = _EMPHASIS.sub(r"\2", text)
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _without_front_matter(text: str) -> tuple[str, bool]:
    """(text, whether it had one). YAML between two lines of `---`: each line a key, a list item, a comment or blank."""
    if not text.startswith("---\n"):
        return text, False
    end = text.find("\n---\n", 3, 10_000)
    lines = text[4:end].split("\n") if end >= 0 else [""]
    if not lines[0] or not all(map(_KEY_LINE.match, lines)):
        return text, False
    return text[end + 5 :], True


# --- addresses -------------------------------------------------------------------------------------------------------

_PARTICLE = "(?:에서|에게|에는|에도|에|을|를|으로|로|은|는|이나|이라는|이라고|이다|이|가|와|과|의|도|만|까지|부터|라는|라고|입니다|등)"
_URL = re.compile(
    r"[<\[]?(?:(?i:https?|ftp)://(?=[A-Za-z0-9])|(?<![A-Za-z0-9@_-])(?i:www)\.(?=[A-Za-z0-9]))"
    r"(?:[A-Za-z0-9_~/#@$&+=%-]|[.,:;!?'*|](?=[A-Za-z0-9_~/#@$&+=%-])|\([A-Za-z0-9_~/#@$&+=%.,:-]*+\)"
    rf"|(?<=[/=%_-])(?!{_PARTICLE}(?![가-힣]))[가-힣]++)*+[>\]]?"
)
"""Hangul belongs to an address after `/`, `=` or the like, unless it is a particle: `https://a.kr/에서`."""


def strip_urls(text: str) -> str:
    """Without addresses that begin with a scheme or `www.`. `naver.com` stays, and so does a particle behind one."""
    if "://" in text or "www." in text or "WWW." in text:
        return _URL.sub(_without_brackets, text)
    return text


def _without_brackets(url: re.Match[str]) -> str:
    """`<https://a.kr>` goes whole; of `[문의 https://a.kr]` the bracket stays."""
    first, last = url[0][0], url[0][-1]
    if first + last in ("<>", "[]"):
        return ""
    return (first if first in "<[" else "") + (last if last in ">]" else "")
