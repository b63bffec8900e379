"""Parts of `make bench-corpora`: what is left of a web page and what is lost, and pages of office documents a second."""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard
from parts import Table
from selectolax.lexbor import LexborHTMLParser

from corpora.cleaning import clean
from corpora.office.process import converter
from corpora.sources import SOURCES
from corpora.steps.boilerplate import strip_boilerplate

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
ARTICLES = {
    "libreoffice_help_ko": ("#DisplayArea", ""),
    "debian_docs_ko": ("body", "ul.docnav, p#title, div.navheader, div.navfooter, div.toc, dl.toc"),
    "gimp_help_ko": ("body", "div.navheader, div.navfooter, div.toc, div.index"),
}
"""Manual -> (where the article of a page is, what is not part of it)."""
MIN_WORDS, PAGE_CHARACTERS, ROUNDS = 30, 1_000, 10
_WORD = re.compile(r"\w+")
Extract = Callable[[str], str]


def pages() -> Table:
    """Words of the result that are not of the article, and words of the article that are missing, as shares."""
    return [measured(name, manual, extract) for manual in ARTICLES for name, extract in extractors().items()]


def extractors() -> dict[str, Extract]:
    html, main = SOURCES["html"].render, SOURCES["html_main"].render
    assert html is not None
    assert main is not None
    return {
        "html": lambda page: strip_boilerplate(clean(html(page))),
        "html_main": lambda page: clean(main(page)),
        "trafilatura": lambda page: clean(trafilatura_default(page)),
        "resiliparse": lambda page: clean(resiliparse_main(page)),
    }


def trafilatura_default(page: str) -> str:
    import trafilatura

    return trafilatura.extract(page, include_comments=False) or ""


def resiliparse_main(page: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    return str(extract_plain_text(HTMLTree.parse(page), main_content=True, alt_texts=False, links=False))


def measured(name: str, manual: str, extract: Extract) -> dict[str, object]:
    given = found = both = size = 0
    articles = [(page, words(clean(article(page, manual)))) for page in texts(manual)]
    started = time.process_time()
    for page, expected in articles:
        if expected.total() >= MIN_WORDS:
            result = words(extract(page))
            given, found, both = given + expected.total(), found + result.total(), both + (result & expected).total()
            size += len(page.encode())
    speed = size / (time.process_time() - started) / 1e6
    return {"manual": manual, "what": name, "rest": 1 - both / found, "lost": 1 - both / given, "MB/s": speed}


def texts(manual: str) -> Iterator[str]:
    with (DATA / "raw" / f"{manual}.jsonl.zst").open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            yield json.loads(line)["text"]


def article(page: str, manual: str) -> str:
    where, without = ARTICLES[manual]
    node = LexborHTMLParser(page).css_first(where)
    if node is None:
        return ""
    for part in node.css(f"script, style, noscript{', ' + without if without else ''}"):
        part.decompose()
    return node.text(separator=" ")


def words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text))


def office() -> Table:
    """One process. A page is 1,000 characters, a file with text at least one page."""
    rows: Table = []
    for kind in ("hwp", "hwpx"):
        files = [str(path) for path in sorted((DATA / "formats" / "office" / kind).iterdir())]
        first = [converter().convert(path).text for path in files]
        count = sum(max(1, len(text) // PAGE_CHARACTERS) for text in first if text)
        started = time.perf_counter()
        for path in files * ROUNDS:
            converter().convert(path)
        rows.append({"what": kind, "files": len(files), "pages/s": count * ROUNDS / (time.perf_counter() - started)})
    return rows
