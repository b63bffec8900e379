"""The released files are read completely, and scored as `klue_eval` promises. Needs KOBERT_DATA."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

from klue_eval.analysis import source_of
from klue_eval.data import ONLY, Rows, read_split
from klue_eval.metrics import METRICS
from klue_eval.metrics.sts_metrics import SIMILAR
from klue_eval.task_data import HELD_OUT, read_task
from klue_eval.tasks import KNOWN, TASKS, find_task
from klue_eval.values import Row
from kobert_pipeline.ground.errors import InputError

pytestmark = pytest.mark.real

ROWS = {
    "ynat": {"train": (36_547, 9_131), "dev": (9_107, 0)},
    "sts": {"train": (11_668, 0), "dev": (519, 0)},
    "nli": {"train": (24_998, 0), "dev": (3_000, 0)},
    "ner": {ONLY: (5_000, 0)},
    "re": {"train": (17_226, 0), "dev": (6_212, 0)},
    "dp": {ONLY: (2_000, 0)},
    "mrc": {ONLY: (240, 0)},
    "wos": {ONLY: (102, 0)},
}
"""Task -> split -> number of rows with a label and without one, as in the data's README."""


BEYOND = {
    "kobest_boolq": (3_665, 1_404), "kobest_copa": (3_076, 1_000), "kobest_wic": (3_318, 1_260),
    "kobest_hellaswag": (2_029, 500), "kobest_sentineg": (3_649, 397), "xnli": (2_490, 5_010),
}  # fmt: skip
"""Rows of train and of the scored split of data sets that are not KLUE's."""


@pytest.mark.parametrize("task", BEYOND)
def test_data_beyond_klue_is_read_whole(task: str, real_data: Path) -> None:
    archive = "kornli_xnli" if task == "xnli" else "kobest_v1"
    found = read_task(task, str(real_data / "extra" / f"{archive}.tar.zst"))
    assert (len(found.train), len(found.dev), found.unlabelled) == (*BEYOND[task], 0)
    assert KNOWN[task].sizes == dict(zip(("train", "dev"), BEYOND[task], strict=True))


def test_rated_reviews_are_divided_by_film(real_data: Path) -> None:
    """438,737 of 639,409 lines have a label: the others are rated 5 to 8, empty, or in one of 159 films with unmatched lines."""
    found = read_task("movie_reviews", str(real_data / "raw" / "movie_reviews_nsmc_raw.jsonl.zst"), HELD_OUT)
    assert (len(found.train), len(found.dev), found.unlabelled) == (353_936, 84_801, 200_672)
    assert Counter(row["label"] for row in found.dev) == {"positive": 63_279, "negative": 21_522}


@pytest.fixture(scope="module")
def splits(real_data: Path) -> dict[str, dict[str, Rows]]:
    """Every file in the folder of archives, found like by `kobert eval --data`."""
    data = str(real_data / "klue")
    return {task: {split: read_split(task, data, split) for split in known} for task, known in ROWS.items()}


@pytest.fixture(scope="module")
def rows(splits: dict[str, dict[str, Rows]]) -> dict[str, list[Row]]:
    """Dev, or the one labelled file."""
    return {task: (found.get("dev") or found[ONLY]).rows for task, found in splits.items()}


def gold(task: str, rows: dict[str, list[Row]]) -> list[Any]:
    return [TASKS[task].gold(row) for row in rows[task]]


@pytest.mark.parametrize("task", ROWS)
def test_every_released_file_is_found_and_read_whole(task: str, splits: dict[str, dict[str, Rows]]) -> None:
    assert {split: (len(found.rows), found.unlabelled) for split, found in splits[task].items()} == ROWS[task]


@pytest.mark.parametrize("task", [task for task, known in ROWS.items() if ONLY in known])
def test_a_task_with_one_labelled_file_says_what_to_do_with_it(task: str, real_data: Path) -> None:
    with pytest.raises(InputError, match=rf"no train file of {task}; .* there is only .*`--held-out {task}`"):
        read_split(task, str(real_data / "klue"), "train")
    data = read_task(task, str(real_data / "klue"), HELD_OUT)
    total = ROWS[task][ONLY][0]
    assert (len(data.train), len(data.dev)) == (total - round(total / 5), round(total / 5))


def test_a_dialogue_has_a_state_for_every_turn_of_the_user(rows: dict[str, list[Row]]) -> None:
    assert sum(len(states) for states in gold("wos", rows)) == 832


@pytest.mark.parametrize("task", ROWS)
def test_perfect_predictions_of_the_released_rows_score_100(task: str, rows: dict[str, list[Row]]) -> None:
    for arithmetic in (METRICS[task].official, METRICS[task].corrected):
        assert arithmetic(gold(task, rows), rows[task]) == pytest.approx(dict.fromkeys(METRICS[task].names, 100.0))


def test_rows_of_ner_dp_re_and_mrc_name_their_source(rows: dict[str, list[Row]]) -> None:
    sources = {task: {source_of(row) for row in rows[task]} for task in ("ner", "dp", "re", "mrc")}
    assert sources == {
        "ner": {"wikitree", "nsmc"},
        "dp": {"wikitree", "airbnb"},
        "re": {"wikitree", "wikipedia", "policy_briefing"},
        "mrc": {"wikipedia"},
    }


def test_all_o_scores_almost_seven_in_official_character_f1(rows: dict[str, list[Row]]) -> None:
    nothing = [["O"] * len(row["characters"]) for row in rows["ner"]]
    official = METRICS["ner"].official(nothing, rows["ner"])
    assert official == pytest.approx({"entity_f1": 0.0, "character_f1": 6.77}, abs=0.005)
    assert METRICS["ner"].corrected(nothing, rows["ner"]) == {"entity_f1": 0.0, "character_f1": 0.0}
    assert sum(character != " " for row in rows["ner"] for character in row["characters"]) == 225_550


def test_one_wrong_head_limits_the_official_las(rows: dict[str, list[Row]]) -> None:
    predictions = gold("dp", rows)
    (head, relation), *rest = predictions[0]
    predictions[0] = [(0 if head else 2, relation), *rest]
    official, corrected = (
        METRICS["dp"].official(predictions, rows["dp"]),
        METRICS["dp"].corrected(predictions, rows["dp"]),
    )
    assert official["las"] == pytest.approx(94.1, abs=0.05)
    assert corrected["las"] > 99.99


def test_the_threshold_on_the_real_label_is_the_released_binary_label(rows: dict[str, list[Row]]) -> None:
    labels = [row["labels"] for row in rows["sts"]]
    assert all((label["real-label"] >= SIMILAR) == bool(label["binary-label"]) for label in labels)


def test_quotation_marks_of_released_answers_officially_survive(rows: dict[str, list[Row]]) -> None:
    bare = [answer.strip("《》‘’“”〈〉") for answer in gold("mrc", rows)]
    assert bare != gold("mrc", rows)
    official, corrected = METRICS["mrc"].official(bare, rows["mrc"]), METRICS["mrc"].corrected(bare, rows["mrc"])
    assert official["exact_match"] < corrected["exact_match"] == 100


def test_the_released_test_set_of_kornli_is_read_whole(real_data: Path) -> None:
    found = read_split("kornli", str(real_data / "extra"), "dev")
    assert Counter(row["label"] for row in found.rows) == dict.fromkeys(find_task("kornli").labels, 1_670)
    assert found.unlabelled == 0


def test_the_examples_on_the_hubs_card_of_klue_are_rows(real_data: Path) -> None:
    """As `hub:klue` returns them, with the name of RE's label instead of its number."""
    with (
        zstandard.open(real_data / "formats" / "format_fragments.tar.zst", "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        member = next(member for member in archive if member.name.endswith("klue_card_examples.json"))
        file = archive.extractfile(member)
        assert file
        records = json.load(file)
    records["re"]["label"] = TASKS["re"].labels[records["re"]["label"]]
    rows = {name: TASKS[name].read(record) for name, record in records.items()}
    found = {name: TASKS[name].gold(row) for name, row in rows.items() if row is not None}
    assert found["re"][0] == "no_relation"
    assert found["mrc"] == "한 달가량"
    assert found["wos"][0] == ["관광-종류-쇼핑", "관광-지역-서울 서쪽"]
