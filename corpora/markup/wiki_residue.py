"""Wikitext that a parser left in its text. What is not certain stays. Time is linear in the text, however hostile."""

from __future__ import annotations

import re

from corpora.markup.wiki_templates import shown

_BOLD = re.compile(r"(?<!')'{3}(?:'')?(?!')")
_WIKI_LINK = re.compile(r"\[\[(?! )([^\[\]\n]*+)\]\]")
_UNSEEN_LINK = re.compile(r"(?:파일|그림|분류|file|image|category):", re.IGNORECASE)
_LOST_END = re.compile(r"^[^\[\]\n]*+(?:\]\][^\[\]\n]*+)++$", re.MULTILINE)
_LOST_START = re.compile(r"^[^\[\]\n]*+(?:\[\[[^\[\]\n]*+)++$", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{[^{}]*+\}\}")
_HEADING = re.compile(r"^={2,6}(?!=)([^=\n]++)={2,6}[ \t]*+$", re.MULTILINE)
_EXTERNAL_LINK = re.compile(r"\[(?:https?|ftp)://[^\s\[\]<>]++[ \t]++([^\[\]\n]++)\]")
_BEHAVIOUR = re.compile(r"__(?:TOC|NOTOC|FORCETOC|NOEDITSECTION|NOINDEX|목차|목차숨김)__")
_EDIT_LINK = re.compile(r"\[(?:원본 )?편집\](?=[ \t]*$)", re.MULTILINE)
_EXTRACTOR = re.compile(r"(?:formula|codice)_[0-9]++")
"""What wikiextractor writes for a formula or code that it removed."""


def strip_wiki(text: str) -> str:
    """Removes what parsers of wikitext leave in a text: `'''`, links, templates, marks of headings, `formula_1`."""
    if "'''" in text:
        text = _BOLD.sub("", text)
    if "[[" in text or "]]" in text:
        text = _WIKI_LINK.sub(_link_text, text)
        text = _LOST_END.sub(lambda line: line[0].replace("]]", ""), text)
        text = _LOST_START.sub(lambda line: line[0].replace("[[", ""), text)
    if "{{" in text:
        text = _TEMPLATE.sub(lambda template: shown(template[0][2:-2]), text)
    if "==" in text:
        text = _HEADING.sub(lambda line: line[1].strip(), text)
    if "://" in text:
        text = _EXTERNAL_LINK.sub(r"\1", text)
    if "편집]" in text:
        text = _EDIT_LINK.sub("", text)
    if "__" in text:
        text = _BEHAVIOUR.sub("", text)
    if "formula_" in text or "codice_" in text:
        text = _EXTRACTOR.sub("", text)
    return text


def _link_text(link: re.Match[str]) -> str:
    target, _, shown = link[1].rpartition("|")
    return "" if _UNSEEN_LINK.match(link[1]) else (shown or target).removeprefix(":")
