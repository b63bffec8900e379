"""Several runs in one table and on one page: what differs, seeds together, the verdict. The runs are the hand-written small run
with other settings and losses."""

from __future__ import annotations

import math
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from page_checks import elements

from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.report.kept_pages import identity, write_kept
from kobert_pipeline.report.many_runs import shown_rows, shown_scores, write_many
from kobert_pipeline.report.picture import STAGES
from kobert_pipeline.report.run_table import RunRow, differing, groups, own_settings, row_of, spread, verdict

SMALL_RUN = Path(__file__).parents[1] / "hub" / "small_run"
Run = Callable[..., dict[str, Path]]
NAME = "masked language model loss"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(loss, seed, learning_rate=…, stages=…)`: stage -> artifact."""
    made: list[Path] = []

    def make(
        loss: float, seed: int = 42, learning_rate: float = 0.002, store: str = "", upto: int = 6
    ) -> dict[str, Path]:
        folder = Path(shutil.copytree(SMALL_RUN, tmp_path / f"run{len(made)}"))
        made.append(folder)
        manifest = read_json(folder / "pretrain" / "manifest.json")
        manifest["config"] |= {"learning_rate": learning_rate}
        manifest["seed"], manifest["fingerprint"] = seed, f"{len(made):02d}" * 32
        manifest["summary"]["validation"][-1]["mlm"] = loss
        write_json(folder / "pretrain" / "manifest.json", manifest)
        dataset = read_json(folder / "dataset" / "manifest.json")
        dataset["fingerprint"] = (store or dataset["fingerprint"][:2]) * 32 if store else dataset["fingerprint"]
        write_json(folder / "dataset" / "manifest.json", dataset)
        return {stage: folder / stage for stage in list(STAGES)[:upto]}

    return make


def rows_of(**runs: dict[str, Path]) -> list[RunRow]:
    return [row_of(name.replace("_", ":"), ArtifactSet.read(folders)) for name, folders in runs.items()]


def test_settings_that_differ_are_found_and_named_shortly(run: Run) -> None:
    rows = rows_of(a=run(4.0), a_wide=run(3.9, 7, 0.001), begun={})
    keys = differing(rows)
    assert keys == ["pretrain.learning_rate", "seed"]
    assert [own_settings(row, keys) for row in rows] == [
        {"learning_rate": "0.002", "seed": "42"},
        {"learning_rate": "0.001", "seed": "7"},
        {},
    ]
    assert [(row.recipe, row.tag, row.stage) for row in rows] == [
        ("a", "", "hub"),
        ("a", "wide", "hub"),
        ("begun", "", ""),
    ]
    assert own_settings(rows[0], ["pretrain.x", "dataset.x", "seed"]) == {"seed": "42"}


def test_seeds_of_equal_settings_are_one_group(run: Run) -> None:
    losses = (4.0, 4.2, 4.7)
    rows = rows_of(
        **{f"a_{seed}": run(loss, seed, upto=6 - seed) for seed, loss in enumerate(losses)}, b=run(3.0, 0, 0.001)
    )
    first, second = groups(rows)
    assert (first.seeds, second.seeds) == (["0", "1", "2"], ["0"])
    assert first.loss is not None
    assert (first.loss.mean, first.loss.deviation) == (
        pytest.approx(statistics.fmean(losses)),
        pytest.approx(statistics.stdev(losses)),
    )
    assert spread(losses[:2]).deviation is None
    assert len(groups([*rows, rows[0]])) == 3


def test_seeds_that_two_machines_computed_in_other_precisions_are_no_group(run: Run) -> None:
    """Both recipes say `auto`; the table says what was used."""
    runs = {f"a_{used}": run(4.0, seed) for seed, used in enumerate(("bf16", "fp32"))}
    for name, folders in runs.items():
        manifest = read_json(folders["pretrain"] / "manifest.json")
        manifest["config"] |= {"precision": "auto"}
        manifest["summary"] |= {"precision": name.partition("_")[2]}
        write_json(folders["pretrain"] / "manifest.json", manifest)
    rows = rows_of(**runs)
    assert differing(rows) == ["pretrain.precision", "seed"]
    assert [own_settings(row, ["pretrain.precision"]) for row in rows] == [{"precision": "bf16"}, {"precision": "fp32"}]
    assert len(groups(rows)) == 2


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ({"a": [(4.0, 1)], "b": [(3.5, 1)]}, [f"b:1 is best: {NAME} 3.5000 nats, 0.5000 nats better than a:1.", "Run 3 seeds of each"]),
        ({"a": [(4.0, 1), (4.1, 2), (4.2, 3)], "b": [(3.0, 1), (3.1, 2), (3.2, 3)]}, ["b:1 is best", "3.1000 ± 0.1000 nats (mean of 3 seeds)", "more than twice"]),
        ({"a": [(4.0, 1), (4.1, 2), (4.2, 3)], "b": [(3.9, 1), (4.0, 2), (4.1, 3)]}, ["b:1 is best", "that may be chance"]),
        ({"a": [(4.0, 1)], "b": [(4.0, 1)]}, ["a:1 and b:1 have the same"]),
        ({"a": [(4.0, 1), (4.5, 2)]}, ["These runs differ only in the seed", "4.2500 nats in the mean, 0.5000 nats between"]),
    ],
)  # fmt: skip
def test_the_verdict_says_who_is_best_and_how_sure_that_is(
    losses: dict[str, list[tuple[float, int]]], says: list[str], run: Run
) -> None:
    rates = {"a": 0.002, "b": 0.001}
    rows = rows_of(
        **{f"{name}_{seed}": run(loss, seed, rates[name]) for name, pairs in losses.items() for loss, seed in pairs}
    )
    for text in says:
        assert text in verdict(rows)[0]


def test_losses_on_different_texts_are_not_compared(run: Run) -> None:
    rows = rows_of(a=run(4.0), b=run(3.0, store="cd"))
    assert "cannot be compared" in verdict(rows)[0]
    assert shown_rows(rows)[1].difference == ""
    assert verdict(rows_of(a=run(4.0), b={})) == []


def test_scores_of_the_sample_win_nothing(run: Run) -> None:
    folders = run(3.9, learning_rate=0.001)
    manifest = read_json(folders["klue_eval"] / "manifest.json")
    manifest["summary"]["sample"] = True
    write_json(folders["klue_eval"] / "manifest.json", manifest)
    assert verdict(rows_of(a=run(4.0), b=folders))[-1] == "Scores of the bundled sample mean nothing."


def test_the_difference_column_is_from_the_first_run(run: Run, tmp_path: Path) -> None:
    made = {"a": run(4.0), "b": run(3.75, 7, 0.001), "c": run(4.5, 8, 0.003, upto=4)}
    rows = rows_of(**made)
    assert [(row.difference, row.is_better) for row in shown_rows(rows)] == [
        ("", False),
        ("−0.2500 nats", True),
        ("+0.5000 nats", False),
    ]
    scores = shown_scores(rows)
    assert all(score.values[2] == "–" and score.differences[:2] == ["", "±0.00"] for score in scores)
    path = tmp_path / "pages" / "many.html"
    write_many(path, ["a", "이름:넓게", "c"], list(made.values()))
    page = path.read_text(encoding="utf-8")
    assert elements(page)
    assert page.count("이름:넓게") >= 4
    assert "−0.2500 nats" in page


def test_a_page_is_never_replaced_by_that_of_another_run(run: Run, tmp_path: Path) -> None:
    first, second = run(4.0), run(3.0)
    begun = ArtifactSet.read({"corpora": first["corpora"]})
    path = tmp_path / "a.html"
    head = '<meta name="kobert-artifacts" content="{}">'.format
    for page in (begun, ArtifactSet.read(first)):
        write_kept(path, head(identity(page)))
    assert [each.name for each in tmp_path.glob("*.html")] == ["a.html"]
    write_kept(path, head(identity(ArtifactSet.read(second))))
    kept = tmp_path / f"a@{ArtifactSet.read(first).by_stage['hub'].fingerprint[:8]}.html"
    assert head(identity(ArtifactSet.read(first))) == kept.read_text()
    assert not math.isnan(len(path.read_text()))
