"""The page over the small run that the tests of the hub stage use: hand-written, every number its own."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kobert_pipeline.artifacts import read_json, write_json
from kobert_pipeline.report.page import HEADLINES, public_page, shown_bytes, shown_seconds, write_page

SMALL_RUN = Path(__file__).parents[1] / "hub" / "small_run"
NUMBERS = (
    *("1,508", "1,405", "10,422", "1,201", "1,117", "9,013", "307", "288", "1,409"),  # documents and sentences
    *("duplicate 31", "not_korean 1", "too_short 52", "too_short 71", "too_short 19"),
    *("4,096", "2.12", "0.052 %", "0.876", "15,428"),  # tokenizer
    *("234,567", "9,900", "1,334", "12,345", "522", "71"),  # token store
    *("3,479,041", "2,345,678", "640", "8.317", "4.159", "6.789", "8.3171", "4.1593", "0.3000"),  # pretraining
    *("71.23 ± 0.43", "72.11", "61.50 ± 0.90", "62.25", "80.01", "55.13 ± 1.25", "57.75", "48.04", "49.50"),  # KLUE
    *("45,678", "9,107", "11,668", "519", "5e-05 × 4"),
    *("11 s", "13 min", "2.7 h", "1,444 MiB", "13.9 MB"),  # what it cost
)


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


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_RUN, tmp_path / "run"))


def page_of(run: Path, *missing: str) -> str:
    path = run.parent / "pages" / "small.html"
    write_page(path, "small", {stage: run / stage for stage in HEADLINES if stage not in missing})
    return path.read_text(encoding="utf-8")


def edit_manifest(run: Path, stage: str, change: Any) -> None:
    manifest = read_json(run / stage / "manifest.json")
    change(manifest)
    write_json(run / stage / "manifest.json", manifest)


def test_every_number_of_the_manifests_is_shown(run: Path) -> None:
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page_of(run), flags=re.DOTALL)
    assert [number for number in NUMBERS if number not in text] == []


def test_the_page_is_one_small_file_that_fetches_nothing(run: Path) -> None:
    page = page_of(run)
    assert "http" not in page
    assert "@import" not in page
    assert len(page.encode()) < 2_000_000
    for tag, attributes in elements(page):
        assert tag not in ("script", "link", "img", "iframe")
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert re.findall(r"url\((?!#)", page) == []


def test_no_two_elements_share_an_id(run: Path) -> None:
    identifiers = [attributes["id"] for _, attributes in elements(page_of(run)) if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_the_same_run_gives_the_same_bytes(run: Path) -> None:
    assert page_of(run) == page_of(run)


def test_charts_keep_their_text_and_follow_light_and_dark(run: Path) -> None:
    charts = re.findall(r"<svg.*?</svg>", page_of(run), flags=re.DOTALL)
    assert len(charts) == 2
    assert all(label in charts[0] for label in (">training<", ">held out<", ">unigram entropy<", ">mlm loss (nats)<"))
    assert ">learning rate<" in charts[1]
    for chart in charts:
        assert "var(--train)" in chart
        assert re.findall(r"#0[0-9]0[0-9]0[0-9]", chart) == []


def test_the_public_edition_quotes_no_sentence_of_the_corpus_and_shows_every_number(run: Path) -> None:
    assert '<span class="inner">##은</span>' in page_of(run)
    page = public_page("small", {stage: run / stage for stage in HEADLINES})
    assert "##은" not in page
    assert [number for number in NUMBERS if number not in page] == []


@pytest.mark.parametrize("missing", HEADLINES)
def test_a_stage_that_has_not_run_is_shown_as_missing(run: Path, missing: str) -> None:
    page = page_of(run, missing)
    assert page.count("missing: not run yet") == 1
    assert elements(page)


def test_a_run_that_has_only_begun_still_has_a_page(run: Path) -> None:
    assert page_of(run, *HEADLINES).count("missing: not run yet") == len(HEADLINES)


def test_a_hostile_source_name_is_escaped(run: Path) -> None:
    hostile = "<script>alert('x')</script>"

    def rename(manifest: dict[str, Any]) -> None:
        sources = manifest["summary"]["sources"]
        sources[hostile] = sources.pop("wiki") | {"license": '"><img src=x>'}
        manifest["inputs"] = {f"00000 {hostile}: wiki.jsonl": "a1" * 32}

    edit_manifest(run, "corpora", rename)
    page = page_of(run)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_scores_on_the_sample_come_with_a_warning(run: Path) -> None:
    warning = "they say nothing about the model"
    assert warning not in page_of(run)
    edit_manifest(run, "klue_eval", lambda manifest: manifest["summary"].update(sample=True))
    assert warning in page_of(run)


def test_a_model_no_better_than_piece_frequencies_is_told_so(run: Path) -> None:
    assert "2.63 nats below the unigram entropy" in page_of(run)
    edit_manifest(run, "pretrain", lambda manifest: manifest["summary"]["held_out"][-1].update(mlm=7.5))
    assert "learned no more than how often each piece occurs" in page_of(run)


def test_a_page_of_many_inputs_names_the_first_and_counts_the_rest(run: Path) -> None:
    edit_manifest(
        run,
        "corpora",
        lambda manifest: manifest.update(inputs={f"{n:05d} wiki: {n}.txt": "a1" * 32 for n in range(1_041)}),
    )
    page = page_of(run)
    assert "00039 wiki" in page
    assert "00040 wiki" not in page
    assert "and 1,002 more." in page


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (13_919_008, "13.9 MB"), (62_000_000_000, "62.0 GB")],
)
def test_sizes_read_well(count: int, shown: str) -> None:
    assert shown_bytes(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.44, "9.4 s"), (119, "119 s"), (754, "13 min"), (9_876, "2.7 h")]
)
def test_times_read_well(seconds: float, shown: str) -> None:
    assert shown_seconds(seconds) == shown
