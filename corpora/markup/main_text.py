"""The main text of an HTML page, as trafilatura sees it (Barbaresi 2021).

It leaves out more of the menus, lists of links and notices that surround a text than `html_page` does, and more of the
text: `corpora/README.md` has the figures.
"""

from __future__ import annotations

import logging

from corpora.markup import html_page

MODULES = ("trafilatura",)


def render(text: str) -> str:
    """Gives the main text; empty if the page has none. A page that is nested too deep loses its tags only."""
    from trafilatura import extract

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    if html_page.is_too_deep(text):
        return html_page.render(text)
    main = extract(text, include_comments=False, favor_recall=True, deduplicate=False)
    return main or ""
