"""The pages in a real browser: nothing is complained of, charts and Korean are drawn, nothing is wider than a phone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, find_chromium, has_korean_font

from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.report.compare import write_comparison
from kobert_pipeline.report.morpheme_colours import sentences
from kobert_pipeline.report.page import write_page
from kobert_pipeline.report.picture import STAGES
from tokenizer.load import load_tokenizer

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not has_korean_font(), reason="no Korean font on this machine (fc-list :lang=ko)"),
]
SMALL_RUN = Path(__file__).parents[1] / "hub" / "small_run"
PHONE = 360


@pytest.fixture(scope="module")
def folders(tiny: Any) -> dict[str, Path]:
    """The small run, with the real tokenizer of the fixture."""
    return {stage: SMALL_RUN / stage for stage in STAGES} | {"tokenizer": tiny.tokenizer}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    write_page(folder / "run.html", "small", folders)
    write_page(folder / "begun.html", "small", {})
    write_comparison(folder / "both.html", ("small", "other"), (folders, folders))
    return {name: folder / f"{name}.html" for name in ("run", "begun", "both")}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "begun", "both"])
def test_a_page_opens_without_complaint_in_light_and_dark(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    browser.complaints.clear()
    browser.open(pages[name], scheme=scheme)
    assert browser.complaints == []
    page, ink = (browser.evaluate(f"getComputedStyle(document.body).{what}") for what in ("backgroundColor", "color"))
    assert (brightness(page) > brightness(ink)) is (scheme == "light")


def brightness(colour: str) -> float:
    return sum(float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3])


@pytest.mark.parametrize("name", ["run", "begun", "both"])
def test_a_phone_need_not_scroll_sideways(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=PHONE)
    assert browser.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_charts_are_drawn_and_one_of_the_two_pictures_is_shown(browser: Browser, pages: dict[str, Path]) -> None:
    drawn = (
        "[...document.querySelectorAll('figure svg')].map(each => each.getBBox().width > 200 && each.clientWidth > 250)"
    )
    picture = "[...document.querySelectorAll('.picture')].map(each => each.clientWidth > 300)"
    browser.open(pages["run"])
    assert browser.evaluate(drawn) == [True] * 3
    assert browser.evaluate(picture) == [True, False]
    browser.open(pages["run"], width=PHONE)
    assert browser.evaluate(drawn) == [True] * 3
    assert browser.evaluate(picture) == [False, True]


def test_the_lines_of_a_chart_have_the_colours_of_the_page(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"])
    strokes = browser.evaluate(
        "[...document.querySelectorAll('figure path')].map(each => getComputedStyle(each).stroke)"
    )
    assert len({stroke for stroke in strokes if stroke != "none"}) >= 3


def test_korean_is_set_in_a_korean_font(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"])
    fonts = browser.fonts(".piece.noun")
    assert sum(fonts.values()) > 0
    assert not any("LastResort" in name for name in fonts), fonts
    families = subprocess.run(["fc-list", ":lang=ko", "family"], capture_output=True, text=True, check=True).stdout
    assert any(name in families for name in fonts), fonts


def test_values_are_told_under_the_pointer(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"])
    place = browser.evaluate(
        "(() => { const box = document.querySelector('figure svg'); box.scrollIntoView({behavior: 'instant'});"
        " const at = box.getBoundingClientRect(); return [at.left + at.width - 20, at.top + at.height / 2]; })()"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    told = browser.evaluate("document.querySelector('.readout').innerText")
    assert "step 640" in told
    assert "validation 4.159" in told


def test_the_page_speaks_korean_at_one_click_and_english_at_the_next(browser: Browser, pages: dict[str, Path]) -> None:
    for name, (english, korean) in {"run": ("Corpus", "말뭉치"), "both": ("Results", "결과")}.items():
        for width in (1400, PHONE):
            browser.open(pages[name], width=width)
            browser.evaluate("speak('en')")
            headings = "[...document.querySelectorAll('h2')].map(each => each.innerText.trim())"
            assert english in browser.evaluate(headings)
            browser.evaluate("document.querySelector('#language').click()")
            assert korean in browser.evaluate(headings)
            assert not [
                text for text in browser.evaluate(headings) if text != "KLUE" and not re.search("[가-힣]", text)
            ]
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            browser.evaluate("document.querySelector('#language').click()")
            assert english in browser.evaluate(headings)


def test_a_chart_and_a_table_can_be_saved_as_csv(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"])
    browser.evaluate("speak('en')")
    assert browser.evaluate("csv(rowsOfFigure(document.querySelector('figure[data-frame]')))").splitlines() == [
        "\ufeffstep,training,validation", "0,,8.3171", "20,7.9,", "320,6,6.1112", "640,4.2,4.1593",
    ]  # fmt: skip
    table = browser.evaluate("csv(rowsOfTable(document.querySelector('table[data-csv=token-store]')))").splitlines()
    assert table == ["\ufeffsplit,documents,sentences,tokens", "training,1334,9900,234567", "validation,71,522,12345"]
    assert browser.evaluate("document.querySelectorAll('button.csv').length") >= 5
    browser.complaints.clear()
    browser.evaluate("document.querySelector('button.csv').click()")
    assert browser.complaints == []


def test_a_table_or_a_navigation_that_is_cut_says_so(browser: Browser, pages: dict[str, Path]) -> None:
    """A shadow is drawn at the edge behind which there is more, and none where there is no more."""
    browser.open(pages["run"], width=PHONE)
    edge = "getComputedStyle(document.querySelector('{}')).backgroundAttachment"
    for selector in ("nav div", ".wide"):
        assert browser.evaluate(edge.format(selector)) == "local, local, scroll, scroll"


SHOWN = "[...document.querySelectorAll('#live-pieces .piece')].map(each => each.textContent)"
LOOKALIKES = (
    "５０％ ￦1,000 가～나 ￣ ｡",
    "재밌다\u110f\u110f \u1172\u1172 함\u11aa \u110f안녕",
    "시ㆍ도 (ㆍ) \u1112\u119e\u11ab",
    "좋아요🥹♥❤️👍🏻",
    "가\u3164나\u034f다",
)


def test_the_page_cuts_text_as_the_tokenizer_does(
    browser: Browser, pages: dict[str, Path], folders: dict[str, Path]
) -> None:
    browser.open(pages["run"])
    for sentence in sentences(TokenizerFolder(folders["tokenizer"]), public=False):
        browser.evaluate(f"area.value = {sentence.text!r}; area.dispatchEvent(new Event('input'));")
        assert browser.evaluate(SHOWN) == [cut.piece for eojeol in sentence.eojeols for cut in eojeol]
    tokenizer = load_tokenizer(folders["tokenizer"])
    for text in LOOKALIKES:
        browser.evaluate(f"area.value = {text!r}; area.dispatchEvent(new Event('input'));")
        assert browser.evaluate(SHOWN) == tokenizer.encode(text, add_special_tokens=False).tokens


def test_the_theme_can_be_turned(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"])
    browser.evaluate("document.querySelector('#theme').click()")
    assert brightness(browser.evaluate("getComputedStyle(document.body).backgroundColor")) < 200


def test_a_printed_page_is_a_few_sheets(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    browser.open(pages["run"])
    browser.pdf(tmp_path / "page.pdf")
    assert 2 <= (tmp_path / "page.pdf").read_bytes().count(b"/Type /Page\n") <= 12
