"""Shared by the tests of the pages: an analysis of errors, and the elements of a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

ANALYSIS = {
    "protocol": "official", "initialisation": "pretrained", "split": "dev", "version": 1, "task": "nli", "title": "NLI", "rows": 4, "metrics": ["accuracy"], "primary_metric": "accuracy",
    "confusion": {"labels": ["가", "나"], "counts": [[3, 1], [0, 0]]},
    "by_length": [{"from": 3, "to": 1_200, "rows": 4, "scores": {"accuracy": 75.0}}],
    "worst": [{"guid": "g", "grade": 0.0, "texts": {"premise": "눈이 온다.", "hypothesis": "춥다."}, "gold": "가", "prediction": "나"}],
}  # fmt: skip
"""In the form in which the evaluation writes it for a task."""


def in_english(page: str) -> str:
    """The page without its Korean half."""
    return re.sub(r'<(span|tspan) class="en">(.*?)</\1><\1 class="ko" lang="ko">.*?</\1>', r"\2", page)


class Elements(HTMLParser):
    """Collects tags with their attributes, and checks that they close in order."""

    VOID = ("meta", "br", "img", "link")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page)
    assert parser.open == []
    return parser.found
