"""The page of a run over real text, in a real browser, checked by its screenshots.

The run is the one that `make real` left in the artifacts (KOBERT_ARTIFACTS). If there is none, a small one is made
here: Wikinews, a few steps, a few labels. `build/screenshots/` keeps the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, find_chromium, has_korean_font
from page_checks import elements
from screenshots import SHEET, Screenshot, box, colour, contrast, cut_off, take

from kobert_pipeline.ground.artifacts import is_complete
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.report import pretraining
from kobert_pipeline.report.compare import write_comparison
from kobert_pipeline.report.page import public_page, write_page
from kobert_pipeline.report.picture import STAGES
from kobert_pipeline.runner import run
from kobert_pipeline.uses.fill_mask import EXAMPLES

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not has_korean_font(), reason="no Korean font on this machine (fc-list :lang=ko)"),
]
MADE_BY_MAKE_REAL = "real-modernbert-mini"
SMALL = """\
extends: modernbert-mini
name: real-small
corpora:
  sources:
    - {name: wikinews, path: "${KOBERT_DATA}/raw/wikinews.jsonl.zst", license: CC-BY-2.5}
tokenizer: {vocab_size: 4096}
pretrain: {max_steps: 40, validation_steps: 20, log_steps: 2}
klue_eval:
  data: "${KOBERT_KLUE}"
  tasks: [ynat, sts]
  protocols:
    official: {train_rows: 200, seeds: 3, epochs: [1], learning_rates: [1.0e-3], evaluations_per_epoch: 0}
hub: {license: CC-BY-SA-3.0}
"""
SECTIONS = ("pipeline", "corpus", "tokenizer", "pretraining", "klue", "reproduce")
STAGE_COLOURS = ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub")
VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
SHOTS = Path("build/screenshots")


@pytest.fixture(scope="module")
def folders(real_data: Path, klue: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = Path(os.environ.get("KOBERT_ARTIFACTS", "artifacts"))
    pointer = root / "recipes" / f"{MADE_BY_MAKE_REAL}.json"
    found = {stage: root / folder for stage, folder in read_json(pointer).items()} if pointer.is_file() else {}
    if set(found) == set(STAGES) and all(map(is_complete, found.values())):
        return found
    return _small_run(real_data, klue, tmp_path_factory.mktemp("real"))


def _small_run(data: Path, klue: Path, folder: Path) -> dict[str, Path]:
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KOBERT_DATA", str(data.resolve()))
        patch.setenv("KOBERT_KLUE", str(klue))
        return run(load_recipe(str(folder / "small.yaml")), folder / "artifacts")


@pytest.fixture(scope="module")
def pages(folders: dict[str, Path], real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model saw few steps. Its answers are shown all the same, as those of a model that has learned."""
    folder = tmp_path_factory.mktemp("pages")
    others = [str(real_data / "vocabs" / name) for name in ("klue-bert-base", "kcbert")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "left_chance", lambda summary: True)
        write_page(folder / "run.html", "real", folders, others)
    (folder / "public.html").write_text(public_page("real", folders, others), encoding="utf-8")
    write_comparison(folder / "both.html", ("one", "other"), (folders, folders))
    return {name: folder / f"{name}.html" for name in ("run", "public", "both")}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module", params=VIEWS)
def seen(browser: Browser, pages: dict[str, Path], request: pytest.FixtureRequest) -> tuple[str, Screenshot]:
    """The name of the view, and a screenshot of the open page."""
    width, scheme = VIEWS[request.param]
    browser.complaints.clear()
    browser.open(pages["run"], width=width, scheme=scheme)
    SHOTS.mkdir(parents=True, exist_ok=True)
    return request.param, take(browser, SHOTS / f"run-{request.param}.png")


def section(browser: Browser, shot: Screenshot, name: str) -> Screenshot:
    return shot.part(box(browser, f"#{name}"))


def test_the_console_is_silent_and_nothing_is_cut_off(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    width, _ = VIEWS[seen[0]]
    assert browser.complaints == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert cut_off(browser, width) == []


def test_the_page_is_as_bright_as_its_scheme_and_its_text_is_readable(
    browser: Browser, seen: tuple[str, Screenshot]
) -> None:
    view, shot = seen
    assert shot.brightness < 90 if "dark" in view else shot.brightness > 190
    for ground in ("page", "panel", "sunk"):
        for text in ("ink", "soft", "accent"):
            found = contrast(colour(browser, f"var(--{text})"), colour(browser, f"var(--{ground})"))
            assert found >= 4.5, (text, ground, found)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_is_filled(browser: Browser, seen: tuple[str, Screenshot], name: str) -> None:
    part = section(browser, seen[1], name)
    assert 0.01 < part.ink.mean() < 0.75
    assert part.gap < 160, "empty rows"


def test_the_picture_of_the_pipeline_has_every_stage_in_its_colour(
    browser: Browser, seen: tuple[str, Screenshot]
) -> None:
    part = section(browser, seen[1], "pipeline")
    for stage in STAGE_COLOURS:
        assert part.share(colour(browser, f"var(--{stage})")) > 2e-5, stage


def test_the_funnel_shows_kept_and_dropped_text(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    found = seen[1].part(box(browser, ".funnel"))
    assert found.share(colour(browser, "var(--corpora)")) > 0.1
    assert found.share(colour(browser, "var(--gone)")) > 1e-4


def test_pieces_have_the_colours_of_their_morphemes(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    part = section(browser, seen[1], "tokenizer")
    for kind in ("noun", "verb", "particle", "ending", "modifier", "other"):
        assert part.share(colour(browser, f"var(--{kind})")) > 3e-5, kind


def test_every_chart_is_drawn_in_its_colours(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    titles = browser.evaluate(
        "[...document.querySelectorAll('figcaption')].map(each => each.innerText.split('\\n')[0])"
    )
    expected = {
        "Sentence length": "corpora",
        "Document length": "corpora",
        "Hangul among letters": "corpora",
        "Agreement with morphemes (F1)": "tokenizer",
        "Masked language model loss, nats": "validation",
        "Masked tokens predicted right": "validation",
        "Learning rate": "validation",
        "Tokens per second": "validation",
    }
    assert set(expected) <= set(titles)
    for title, name in expected.items():
        drawing = seen[1].part(box(browser, "figure svg", titles.index(title)))
        assert drawing.share(colour(browser, f"var(--{name})")) > 1e-4, title


def test_the_model_is_shown_on_every_scale_of_klue(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    rails = browser.evaluate("document.querySelectorAll('.rail').length")
    assert rails >= 3
    for number in range(rails):
        rail = seen[1].part(box(browser, ".rail", number))
        assert rail.share(colour(browser, "var(--klue_eval)")) > 1e-4, number
    assert browser.evaluate("document.querySelectorAll('.rail .spread').length") >= 1


def test_every_masked_sentence_has_its_five_bars(browser: Browser, seen: tuple[str, Screenshot]) -> None:
    assert browser.evaluate("document.querySelectorAll('.guess').length") == len(EXAMPLES)
    assert browser.evaluate("document.querySelectorAll('.guess li').length") == 5 * len(EXAMPLES)
    first = seen[1].part(box(browser, ".guess"))
    assert first.ink.mean() > 0.02


@pytest.mark.parametrize("name", ["public", "both"])
@pytest.mark.parametrize("view", VIEWS)
def test_the_public_page_and_the_comparison_open_without_complaint(
    browser: Browser, pages: dict[str, Path], name: str, view: str
) -> None:
    width, scheme = VIEWS[view]
    browser.complaints.clear()
    browser.open(pages[name], width=width, scheme=scheme)
    shot = take(browser, SHOTS / f"{name}-{view}.png")
    assert browser.complaints == []
    assert cut_off(browser, width) == []
    assert shot.brightness < 90 if scheme == "dark" else shot.brightness > 190
    assert browser.evaluate("document.querySelectorAll('blockquote').length") == 0


def test_print_is_light_and_as_wide_as_the_sheet(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"], width=SHEET, scheme="dark", media="print")
    shot = take(browser, SHOTS / "run-print.png")
    assert shot.brightness > 200
    assert browser.evaluate("document.documentElement.scrollWidth") <= SHEET
    wide = (
        "[...document.querySelectorAll('main *')].filter(each => each.getBoundingClientRect().right > innerWidth + 1)"
    )
    assert browser.evaluate(f"{wide}.slice(0, 5).map(each => each.outerHTML.slice(0, 100))") == []
    assert [part for part in SECTIONS if not 0.01 < section(browser, shot, part).ink.mean() < 0.75] == []
    browser.pdf(SHOTS / "run.pdf")
    assert 4 <= (SHOTS / "run.pdf").read_bytes().count(b"/Type /Page\n") <= 24


def test_a_page_stays_below_five_megabytes_and_names_no_folder(pages: dict[str, Path], folders: dict[str, Any]) -> None:
    for path in pages.values():
        text = path.read_text(encoding="utf-8")
        assert len(text.encode()) < 5_000_000
        assert elements(text)
        assert str(folders["corpora"].parent) not in text
