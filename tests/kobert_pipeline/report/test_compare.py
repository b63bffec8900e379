"""Two runs on one page: the hand-written small run, and the same with other settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from page_checks import elements
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.report.compare import costs, result_rows, write_comparison
from kobert_pipeline.report.differences import Both, differences, flat, shared, shown
from kobert_pipeline.report.picture import STAGES, stage_boxes

SMALL_RUN = Path(__file__).parents[1] / "hub" / "small_run"
Runs = tuple[dict[str, Path], dict[str, Path]]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """The second has another pretraining and its own scores."""
    other = shutil.copytree(SMALL_RUN, tmp_path / "other")
    manifest = read_json(other / "pretrain" / "manifest.json")
    manifest["config"] |= {"learning_rate": 0.0005}
    manifest["config"]["architecture"]["layers"] = 6
    manifest["fingerprint"] = "ab" * 32
    manifest["summary"]["validation"][-1]["mlm"] = 3.9
    write_json(other / "pretrain" / "manifest.json", manifest)
    first = {stage: SMALL_RUN / stage for stage in STAGES}
    second = first | {stage: other / stage for stage in ("pretrain", "klue_eval")}
    return first, second


def both_of(runs: Runs) -> Both:
    return ArtifactSet.read(runs[0]), ArtifactSet.read(runs[1])


def page_of(runs: Runs, folder: Path) -> str:
    path = folder / "pages" / "both.html"
    write_comparison(path, ("first", "두번째"), runs)
    return path.read_text(encoding="utf-8")


def test_settings_that_differ_are_listed_and_the_rest_is_not(runs: Runs) -> None:
    found = differences(both_of(runs))
    assert [(row.stage, row.what, row.values) for row in found] == [
        ("pretrain", "architecture.layers", ("4", "6")),
        ("pretrain", "learning_rate", ("0.002", "0.0005")),
    ]


def test_stages_of_one_fingerprint_are_shared(runs: Runs) -> None:
    found = shared(both_of(runs))
    assert found == ["corpora", "tokenizer", "dataset", "klue_eval", "hub"]


def test_the_better_figure_is_marked_only_where_both_mean_the_same(runs: Runs) -> None:
    rows = {row.words: row for row in result_rows(both_of(runs))}
    loss = rows["masked language model loss, nats"]
    assert (loss.values, loss.better) == (("4.1593", "3.9000"), 1)
    assert rows["steps"].better is None
    del runs[1]["dataset"]
    rows = {row.words: row for row in result_rows(both_of(runs))}
    assert rows["masked language model loss, nats"].better is None


def test_the_longest_stage_fills_the_bar(runs: Runs) -> None:
    both = both_of(runs)
    rows = costs((stage_boxes(both[0]), stage_boxes(both[1])), shared(both))
    assert max(share for row in rows for share in row.shares) == 1
    assert {row.title: row.shared for row in rows}["Pretraining"] is False


def test_the_page_of_two_runs_names_both_everywhere(runs: Runs, tmp_path: Path) -> None:
    page = page_of(runs, tmp_path)
    assert elements(page)
    assert page.count("두번째") > 5
    for text in ("architecture.layers", "0.0005", "71.23 ± 0.43", "first, validation", "13 min"):
        assert text in page, text


@pytest.mark.parametrize("missing", STAGES)
def test_what_a_run_has_not_done_is_left_out(runs: Runs, tmp_path: Path, missing: str) -> None:
    del runs[1][missing]
    assert elements(page_of(runs, tmp_path))


def test_two_runs_that_have_only_begun_still_have_a_page(tmp_path: Path) -> None:
    assert "Neither run has finished a stage." in page_of(({}, {}), tmp_path)


def test_settings_are_known_by_their_path() -> None:
    assert flat({"a": {"b": 1}, "c": [{"d": 2}], "e": [1, 2], "f": {}}) == {"a.b": 1, "c[0].d": 2, "e": [1, 2], "f": {}}
    assert (shown(5e-05), shown(None), shown("값" * 99)) == ("5e-05", "none", "값" * 80 + " …")


def test_the_command_says_where_the_page_of_two_runs_lies(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["report", "quickstart", "quickstart", "--artifacts", str(tmp_path)])
    assert Path(result.output.strip()) == tmp_path / "reports" / "quickstart-and-quickstart.html"
    assert elements(Path(result.output.strip()).read_text(encoding="utf-8"))
