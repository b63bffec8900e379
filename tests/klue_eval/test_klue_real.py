"""The released files: read whole, and scored as `klue_eval` promises. Needs KOBERT_DATA."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from klue_eval.data import labelled_rows
from klue_eval.metrics import METRICS
from klue_eval.metrics.sts import SIMILAR
from klue_eval.task import Row
from klue_eval.tasks import TASKS

pytestmark = pytest.mark.real

FILES = {
    "sts": ("klue-sts-v1.1", "klue-sts-v1.1_dev.json", 519),
    "nli": ("klue-nli-v1.1", "klue-nli-v1.1_dev.json", 3000),
    "ner": ("klue-ner-v1.1", "klue-ner-v1.1_dev.tsv", 5000),
    "re": ("klue-re-v1.1-partial", "klue-re-v1.1_dev_4of5.json", 6212),
    "dp": ("klue-dp-v1.1", "klue-dp-v1.1_dev.tsv", 2000),
    "mrc": ("klue-mrc-v1.1-partial", "klue-mrc-v1.1_odqa_validation_partial.json", 240),
    "wos": ("wos-v1.1-partial", "wos-v1.1_labelled_partial.json", 102),
}
"""Task -> archive, file in it, labelled rows."""


@pytest.fixture(scope="module")
def rows(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    folder = tmp_path_factory.mktemp("klue")
    for archive, name, _ in FILES.values():
        packed = (real_data / "klue" / f"{archive}.tar.zst").read_bytes()
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)) as stream:
            content = stream.read()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            member = next(entry for entry in tar.getmembers() if entry.name.endswith(name))
            extracted = tar.extractfile(member)
            assert extracted
            (folder / name).write_bytes(extracted.read())
    return {task: labelled_rows(task, folder / name).rows for task, (_, name, _) in FILES.items()}


def gold(task: str, rows: dict[str, list[Row]]) -> list[Any]:
    return [TASKS[task].gold(row) for row in rows[task]]


@pytest.mark.parametrize("task", FILES)
def test_perfect_predictions_of_the_released_rows_score_100(task: str, rows: dict[str, list[Row]]) -> None:
    assert len(rows[task]) == FILES[task][2]
    for arithmetic in (METRICS[task].official, METRICS[task].corrected):
        assert arithmetic(gold(task, rows), rows[task]) == pytest.approx(dict.fromkeys(METRICS[task].names, 100.0))


def test_all_o_scores_almost_seven_in_official_character_f1(rows: dict[str, list[Row]]) -> None:
    nothing = [["O"] * len(row["characters"]) for row in rows["ner"]]
    official = METRICS["ner"].official(nothing, rows["ner"])
    assert official == pytest.approx({"entity_f1": 0.0, "character_f1": 6.77}, abs=0.005)
    assert METRICS["ner"].corrected(nothing, rows["ner"]) == {"entity_f1": 0.0, "character_f1": 0.0}
    assert sum(character != " " for row in rows["ner"] for character in row["characters"]) == 225_550


def test_one_wrong_head_caps_the_official_las(rows: dict[str, list[Row]]) -> None:
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
