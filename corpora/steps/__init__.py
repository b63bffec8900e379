"""The steps that every document passes, in order. This table is the documentation of what happens to a text.

A step is a function from a document to a document, or to the reason why it is dropped. `corpora.steps` in a recipe
lists other steps, or the same in another order. To add a step: one file here, one row in this table, one name in
`corpora.config.STEP_NAMES`; a test then runs it, and another finds it in the README.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from corpora.config import CleaningConfig, FilterConfig
from corpora.steps import (
    boilerplate,
    characters,
    filters,
    html,
    markdown,
    parentheses,
    personal_data,
    render,
    repeats,
    spaces,
    urls,
    wiki,
)
from corpora.steps.rewriting import rewriting
from corpora.steps.step import Step

STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "render": Step(
            render.render, "Turns the markup of a source format (wikitext, NamuWiki, an HTML page) into prose."
        ),
        "characters": rewriting(
            characters.characters,
            "Resolves HTML entities, repairs mojibake, composes syllables (NFC), narrows full-width ASCII and removes "
            "control, zero-width and private-use characters.",
            signs=characters.SIGNS,
        ),
        "html": rewriting(
            html.html, "Removes tags, comments, scripts and footnotes where they are certain.", signs=html.SIGNS
        ),
        "wiki": rewriting(wiki.wiki, "Removes what parsers of wikitext leave in a text.", signs=wiki.SIGNS),
        "markdown": rewriting(
            markdown.markdown,
            "Removes front matter, addresses of links, images, fences and heading marks.",
            signs=markdown.SIGNS,
        ),
        "urls": rewriting(
            urls.urls, "Removes addresses that begin with a scheme or `www.`.", CleaningConfig, urls.SIGNS
        ),
        "parentheses": rewriting(
            parentheses.parentheses,
            "Removes parentheses that are empty, and on request those that repeat a word in Hanja.",
            CleaningConfig,
            parentheses.SIGNS,
        ),
        "spaces": rewriting(
            spaces.spaces,
            "Leaves one space between words and one blank line between paragraphs; removes lines that only draw a rule.",
        ),
        "repeats": rewriting(
            repeats.repeats, "Shortens long runs of one character: ㅋㅋㅋㅋㅋㅋ becomes ㅋㅋㅋ.", CleaningConfig
        ),
        "personal_data": Step(
            personal_data.personal_data, "Replaces data that identifies a person by placeholders such as `[전화번호]`."
        ),
        "boilerplate": Step(
            boilerplate.boilerplate, "Removes lines of copyright, bylines, calls to subscribe and menus."
        ),
        "filters": Step(filters.filters, "Drops a document that is not Korean prose, and says why.", FilterConfig),
    }
)
