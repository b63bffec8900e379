"""The page over the small run that the tests of the hub stage use: hand-written, every number its own."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from finished_run import PIECES
from page_checks import ANALYSIS, elements, in_english

from kobert_pipeline.ground.amounts import shown_bytes, shown_seconds
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.report.numbers import shown_count, shown_metric, shown_share
from kobert_pipeline.report.page import public_page, write_page
from kobert_pipeline.report.picture import STAGES
from tokenizer.load import assemble, save

SMALL_RUN = Path(__file__).parents[1] / "hub" / "small_run"
NUMBERS = (
    *("1,508", "1,405", "10,422", "1,201", "1,117", "9,013", "307", "288", "1,409"),  # documents and sentences
    *("duplicate 31", "not_korean 1", "too_short 52", "too_short 19"),
    *("4,096", "2.12", "0.052 %", "0.876", "15,428", "1,777"),  # tokenizer
    *("234,567", "9,900", "1,334", "12,345", "522", "71"),  # token store
    *("3,479,041", "2,345,678", "640", "8.317", "4.159", "6.789", "8.3171", "4.1593", "0.3000"),  # pretraining
    *("71.23 ± 0.43", "72.11", "61.50 ± 0.90", "62.25", "80.01", "55.13 ± 1.25", "57.75", "48.04", "49.50"),  # KLUE
    *("45,678", "9,107", "11,668", "519", "5e-05 × 4"),
    *("11 s", "13 min", "2.7 h", "1,444 MiB", "13.9 MB"),  # what it cost
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL_RUN, tmp_path / "run"))


def page_of(run: Path, *missing: str) -> str:
    path = run.parent / "pages" / "small.html"
    write_page(path, "small", {stage: run / stage for stage in STAGES if stage not in missing})
    return path.read_text(encoding="utf-8")


def edit_manifest(run: Path, stage: str, change: Any) -> None:
    manifest = read_json(run / stage / "manifest.json")
    change(manifest)
    write_json(run / stage / "manifest.json", manifest)


def test_every_number_of_the_manifests_is_shown(run: Path) -> None:
    text = re.sub(r"<style>.*?</style>|<script.*?</script>|<svg.*?</svg>", "", page_of(run), flags=re.DOTALL)
    assert [number for number in NUMBERS if number not in text] == []


def test_the_page_is_one_small_file_that_fetches_nothing(run: Path) -> None:
    page = page_of(run)
    assert "://" not in page
    assert "@import" not in page
    assert len(page.encode()) < 2_000_000
    for tag, attributes in elements(page):
        assert tag not in ("img", "iframe")
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    assert re.findall(r"url\((?!#)", page) == []


def test_the_page_allows_its_own_script_and_no_other(run: Path) -> None:
    page = page_of(run)
    policy = next(attributes["content"] for _, attributes in elements(page) if attributes.get("http-equiv"))
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_no_two_elements_share_an_id(run: Path) -> None:
    identifiers = [attributes["id"] for _, attributes in elements(page_of(run)) if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_the_same_run_gives_the_same_bytes(run: Path) -> None:
    assert page_of(run) == page_of(run)


def test_every_curve_has_its_chart_and_its_key(run: Path) -> None:
    page = page_of(run)
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", in_english(page))
    assert titles == ["Masked language model loss, nats", "Masked tokens predicted right", "Learning rate"]
    assert all(f"</i>{name}</span>" in in_english(page) for name in ("training", "validation", "unigram entropy"))


def test_the_pipeline_is_a_picture_for_wide_pages_and_for_narrow_ones(run: Path) -> None:
    for picture in re.findall(r'<svg[^>]*class="picture.*?</svg>', page_of(run), flags=re.DOTALL):
        for text in (">Corpus<", ">1,405<", ">documents<", ">234,567<", ">3.5 M<", ">13.9 MB · 13 min<", ">files<"):
            assert text in picture, text


def test_dropped_documents_and_groups_of_duplicates_are_shown(run: Path) -> None:
    quote_the_corpus(run)
    page = page_of(run)
    assert "<blockquote>달무리가 진 밤<cite>wiki, 문서 7</cite></blockquote>" in page
    assert "<code>문서 3</code> (1)" in page


def test_mistakes_on_klue_are_shown(run: Path) -> None:
    write_json(run / "klue_eval" / "analysis.json", {"results": [ANALYSIS]})
    page = in_english(page_of(run))
    assert "NLI, official" in page
    assert '<td class="right" style="--share:0.7500">3</td>' in page
    assert "<blockquote>hypothesis: 춥다.<br>premise: 눈이 온다.<cite>gold 가, predicted 나</cite></blockquote>" in page


def test_accuracy_by_part_of_speech_is_shown_where_it_was_measured(run: Path) -> None:
    assert "by part of speech" not in page_of(run)
    measured = {"mlm_accuracy_noun": 0.125, "mlm_accuracy_particle": 0.75}
    edit_manifest(run, "pretrain", lambda manifest: manifest["summary"]["validation"][-1].update(measured))
    page = page_of(run)
    assert "by part of speech" in page
    assert "75.0 %" in page


def test_the_speed_is_drawn_where_the_live_log_is_at_hand(run: Path) -> None:
    log = run / "pretrain" / "run" / "speed.csv"
    log.parent.mkdir(parents=True)
    log.write_text(
        "step,tokens_per_second,mfu,memory_mib,gradient_norm\n19,5000,0.2,900,inf\n319,6000,0.25,910,1.5\n",
        encoding="utf-8",
    )
    page = in_english(page_of(run))
    for title in ("Tokens per second", "Gradient norm, before clipping", "Memory, MiB"):
        assert f"<figcaption>{title}</figcaption>" in page
    assert "Infinity" not in page


def test_the_public_edition_quotes_nothing_and_shows_every_number(run: Path) -> None:
    quote_the_corpus(run)
    write_json(run / "klue_eval" / "analysis.json", {"results": [ANALYSIS]})
    page = public_page("small", {stage: run / stage for stage in STAGES})
    for quoted in ("달무리", "문서 7", "문서 3", "높은 산이다", "눈이 온다", "<blockquote>", str(run)):
        assert quoted not in page, quoted
    assert [number for number in NUMBERS if number not in page] == []


def quote_the_corpus(run: Path) -> None:
    """Adds what the corpus stage keeps of documents, and a tokenizer whose golden file quotes one."""
    dropped = {"source": "wiki", "reason": "too_short", "doc_id": "문서 7", "text": "달무리가 진 밤"}
    (run / "corpora" / "dropped.jsonl").write_text(canonical_json(dropped) + "\n", encoding="utf-8")
    repeated = {"source": "wiki", "doc_id": "문서 4", "repeats": "문서 3"}
    (run / "corpora" / "near_duplicates.jsonl").write_text(canonical_json(repeated) + "\n", encoding="utf-8")
    save(assemble(PIECES), PIECES, (), run / "tokenizer", ["높은 산이다. 그 산은 높고 푸르다."])


@pytest.mark.parametrize("missing", STAGES)
def test_a_stage_that_has_not_run_is_shown_as_missing(run: Path, missing: str) -> None:
    page = page_of(run, missing)
    assert page.count(">not run yet<") == 2
    assert elements(page)


def test_a_run_that_has_only_begun_still_has_a_page(run: Path) -> None:
    assert page_of(run, *STAGES).count(">not run yet<") == 2 * len(STAGES)


def test_a_hostile_source_name_is_escaped(run: Path) -> None:
    hostile = "<script>alert('x')</script>"

    def rename(manifest: dict[str, Any]) -> None:
        sources = manifest["summary"]["sources"]
        sources[hostile] = sources.pop("wiki") | {"license": '"><img src=x>'}
        manifest["inputs"] = {f"00000 {hostile}: wiki.jsonl": "a1" * 32}

    edit_manifest(run, "corpora", rename)
    page = page_of(run)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_a_hostile_vocabulary_cannot_leave_its_element(run: Path) -> None:
    pieces = [*PIECES, "</script><script>alert(1)</script>"]
    save(assemble(pieces), pieces, (), run / "tokenizer", [])
    page = page_of(run)
    assert "<script>alert" not in page
    assert "\\u003c/script>" in page


def test_the_page_says_first_what_came_of_the_run(run: Path) -> None:
    head = page_of(run).split("<nav>")[0]
    for text in (
        "<small>8.32 →</small> 4.16",
        "2.63 nats",
        "30.0 %",
        "YNAT macro F1, dev, official",
        ">71.2<",
        ">55.1<",
    ):
        assert text in head, text
    edit_manifest(run, "klue_eval", lambda manifest: manifest["summary"].update(sample=True))
    assert "YNAT" not in page_of(run).split("<nav>")[0]


def test_scores_on_the_sample_come_with_a_warning(run: Path) -> None:
    warning = "they say nothing about the model"
    assert warning not in page_of(run)
    edit_manifest(run, "klue_eval", lambda manifest: manifest["summary"].update(sample=True))
    assert warning in page_of(run)


def test_a_page_says_whether_the_model_is_better_than_chance(run: Path) -> None:
    assert "better than chance: 2.63 nats below unigram entropy" in page_of(run)
    edit_manifest(run, "pretrain", lambda manifest: manifest["summary"]["validation"][-1].update(mlm=7.5))
    assert "not better than chance (unigram entropy, 6.789 nats). Train longer" in page_of(run)


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
    ("seconds", "shown"), [(0.04, "< 0.1 s"), (9.44, "9.4 s"), (119, "119 s"), (754, "13 min"), (9_876, "2.7 h")]
)
def test_times_read_well(seconds: float, shown: str) -> None:
    assert shown_seconds(seconds) == shown


def test_shares_counts_and_metrics_read_well() -> None:
    assert [shown_share(share) for share in (0.0, 0.0004, 0.0768, 1.0)] == ["0.0 %", "< 0.1 %", "7.7 %", "100.0 %"]
    assert [shown_count(count) for count in (12, 45_926, 18_273_645, 1.2e9)] == ["12", "45,926", "18.3 M", "1.2 G"]
    assert [shown_metric(name) for name in ("macro_f1", "uas", "exact_match")] == ["macro F1", "UAS", "exact match"]
