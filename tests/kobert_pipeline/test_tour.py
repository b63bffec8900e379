"""The tour: its page shows what the command prints, its links lead somewhere, and no line is wider than the terminal.

`KOBERT_UPDATE_GOLDEN=1` writes the values into the page again.
"""

from __future__ import annotations

import os
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from kobert_pipeline.commands.tour import require_stop, show
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.tour.figure import drawn
from kobert_pipeline.tour.follow import FOLLOWED, Followed, follow
from kobert_pipeline.tour.stops import STOPS

ROOT = Path(__file__).parents[2]
PAGE, FIGURE = ROOT / "kobert_pipeline" / "TOUR.md", ROOT / "kobert_pipeline" / "tour.svg"
WIDTH = 80
BLOCK = re.compile(r"OUTPUT \d+|```text\n.*?```", re.DOTALL)


@pytest.fixture(scope="module")
def found() -> Followed:
    return follow()


def printed(found: Followed, stop: int, width: int) -> list[str]:
    out = StringIO()
    show(Console(file=out, width=width, highlight=False, markup=False), found, stop)
    return [line.rstrip() for line in out.getvalue().rstrip().split("\n")]


@pytest.mark.system
def test_the_page_shows_what_the_command_prints(found: Followed) -> None:
    outputs = ["```text\n" + "\n".join(printed(found, number, WIDTH)) + "\n```" for number in range(1, len(STOPS) + 1)]
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("KOBERT_UPDATE_GOLDEN"):
        values = iter(outputs)
        page = BLOCK.sub(lambda _: next(values), page)
        PAGE.write_text(page, encoding="utf-8")
        FIGURE.write_text(drawn(found.example), encoding="utf-8")
    assert BLOCK.findall(page) == outputs
    assert FIGURE.read_text(encoding="utf-8") == drawn(found.example)


@pytest.mark.system
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_tour_is_wider_than_the_terminal(found: Followed, width: int) -> None:
    lines = printed(found, 0, width)
    assert max(map(cell_len, lines)) <= width
    assert all(f"{number}. {stop.title}" in lines for number, stop in enumerate(STOPS, 1))
    text = " ".join(lines)
    for token in (*found.pieces, *found.example.shown):
        assert token in text


@pytest.mark.system
def test_the_sentence_is_followed_through_every_stop(found: Followed) -> None:
    assert FOLLOWED in found.sentences
    assert found.stored.ids == [found.vocabulary.index(piece) for piece in found.pieces]
    assert " ".join(found.pieces) in " ".join(found.example.tokens)
    losses = [guess.probability for guess in found.guesses]
    assert len(losses) == sum(label >= 0 for label in found.example.labels)


def test_every_link_of_the_page_and_every_file_of_a_stop_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 30
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
    assert [file for stop in STOPS for file in stop.files if not (ROOT / file).is_file()] == []


def test_every_stop_links_to_its_files_on_the_page() -> None:
    sections = re.split(r"^## \d+\. ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [section.split("\n")[0] for section in sections] == [stop.title for stop in STOPS]
    for section, stop in zip(sections, STOPS, strict=True):
        assert [file for file in stop.files if f"](../{file})" not in section] == []


def test_a_stop_that_there_is_not_is_refused() -> None:
    with pytest.raises(KobertError, match="the tour has 11 stops"):
        require_stop(12)


@pytest.mark.system
def test_the_tour_is_korean_where_korean_is_asked_for(found: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBERT_LANG", "ko")
    lines = printed(found, 0, 120)
    assert "4. 형태소" in lines
    assert [line for line in lines if re.search("[a-z]{2,} [a-z]{2,}", line.replace("-ln p", ""))] == []
