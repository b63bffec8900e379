"""NER: reading characters, scoring them as seqeval and scikit-learn do, and spreading tokens over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import lists, sampled_from, tuples
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import f1_score

from klue_eval.data import SAMPLE, read_rows, read_split
from klue_eval.metrics import METRICS
from klue_eval.metrics.ner_metrics import LABELS, entities
from klue_eval.tasks import TASKS
from klue_eval.tasks.ner import TASK, decode, decode_officially, encode
from klue_eval.token_reader import Reader
from klue_eval.values import Answer
from kobert_pipeline.ground.errors import InputError

OFFICIAL, CORRECTED = METRICS["ner"].official, METRICS["ner"].corrected
sentences = lists(
    lists(tuples(sampled_from(LABELS), sampled_from(LABELS)), min_size=1, max_size=12), min_size=1, max_size=6
)


def row_of(text: str, labels: Sequence[str] | None = None) -> dict[str, Any]:
    return {"guid": "a", "characters": list(text), "labels": list(labels or ["O"] * len(text))}


def sides(pairs: list[list[tuple[str, str]]]) -> tuple[list[list[str]], list[dict[str, Any]]]:
    predictions = [[pair[0] for pair in sentence] for sentence in pairs]
    return predictions, [row_of("가" * len(sentence), [pair[1] for pair in sentence]) for sentence in pairs]


@given(sentences)
@settings(max_examples=60)
def test_official_scores_equal_seqeval_and_scikit_learn_on_one_long_sequence(
    pairs: list[list[tuple[str, str]]],
) -> None:
    predictions, rows = sides(pairs)
    scores = OFFICIAL(predictions, rows)
    joined = [["O", *labels, "O"] for labels in predictions], [["O", *row["labels"], "O"] for row in rows]
    predicted, actual = ([label for labels in side for label in labels] for side in joined)
    if any(label.startswith("B-") for label in predicted + actual):
        expected = seqeval_f1([actual], [predicted], average="macro", mode="strict", scheme=IOB2)
        assert scores["entity_f1"] == pytest.approx(100 * expected)
    expected = f1_score(actual, predicted, labels=list(LABELS), average="macro", zero_division=1)
    assert scores["character_f1"] == pytest.approx(100 * expected)


@given(sentences)
@settings(max_examples=60)
def test_corrected_scores_equal_seqeval_and_scikit_learn_without_o(pairs: list[list[tuple[str, str]]]) -> None:
    predictions, rows = sides(pairs)
    scores = CORRECTED(predictions, rows)
    actual = [row["labels"] for row in rows]
    if any(label.startswith("B-") for labels in predictions + actual for label in labels):
        expected = seqeval_f1(actual, predictions, average="macro", mode="strict", scheme=IOB2)
        assert scores["entity_f1"] == pytest.approx(100 * expected)
    flat = [label for labels in actual for label in labels], [label for labels in predictions for label in labels]
    present = sorted((set(flat[0]) | set(flat[1])) - {"O"})
    if present:
        expected = f1_score(*flat, labels=present, average="macro", zero_division=0)
        assert scores["character_f1"] == pytest.approx(100 * expected)


def test_an_entity_begins_with_b_only() -> None:
    labels = ["I-PS", "B-PS", "I-PS", "I-LC", "B-LC", "B-LC", "I-LC"]
    assert list(entities(labels)) == [(1, 3, "PS"), (4, 5, "LC"), (5, 7, "LC")]


def test_o_is_the_easiest_of_thirteen_official_classes() -> None:
    row = row_of("김하늘은 간다", ["B-PS", "I-PS", "I-PS", "O", "O", "O", "O"])
    nothing = [["O"] * 7]
    hits, predicted, actual = 3 + 2, 6 + 2, 3 + 2
    of_o = 200 * hits / (predicted + actual)
    assert OFFICIAL(nothing, [row]) == pytest.approx({"entity_f1": 0, "character_f1": (of_o + 10 * 100) / 13})
    assert CORRECTED(nothing, [row]) == {"entity_f1": 0.0, "character_f1": 0.0}


def test_labels_of_spaces_never_count() -> None:
    row = row_of("한빛 호텔", ["B-OG", "I-OG", "I-OG", "I-OG", "I-OG"])
    for label in ("O", "B-PS", "I-OG"):
        prediction = ["B-OG", "I-OG", label, "I-OG", "I-OG"]
        for arithmetic in (OFFICIAL, CORRECTED):
            assert set(arithmetic([prediction], [row]).values()) == {100.0}


def test_the_labels_at_both_ends_count_officially() -> None:
    row = row_of("김", ["B-PS"])
    assert OFFICIAL([["O", "B-PS", "O"]], [row])["entity_f1"] == 100
    assert OFFICIAL([["B-LC", "B-PS", "O"]], [row])["entity_f1"] == 50
    # Sentences are one sequence: the entity at the end of the first continues into the second.
    runs_on = [["O", "B-PS", "I-PS"], ["I-PS", "B-PS", "O"]]
    assert OFFICIAL(runs_on, [row, row])["entity_f1"] == 50


def test_sentences_are_scored_officially_as_far_as_they_were_read() -> None:
    row = row_of("김이박", ["B-PS", "B-PS", "B-PS"])
    assert OFFICIAL([["O", "B-PS", None, None, "O"]], [row])["entity_f1"] == 100


@pytest.mark.parametrize(
    ("prediction", "message"), [(["O"] * 4, "4 labels for 1 characters"), (["B-XX"], "'B-XX' is not a label")]
)
def test_a_prediction_of_another_form_is_refused(prediction: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OFFICIAL([prediction], [row_of("김")])


# --- tokens and characters --------------------------------------------------------------------------------------------

PIECES = ("서울", "##에", "김", "##하늘", ",", "가")


def answer_of(reader: Reader, text: str, labels: Sequence[str], *, first: str = "O", last: str = "O") -> list[Answer]:
    """A model that predicts these labels for the tokens, and `first` and `last` at both ends."""
    example = encode(row_of(text), reader, TASK.defaults)[0]
    said = [first, *labels[: len(example.input_ids) - 2], "O"]
    logits = np.eye(len(LABELS), dtype=np.float32)[[LABELS.index(label) for label in said]]
    return [Answer(example, {"logits": logits, "last": np.eye(len(LABELS))[LABELS.index(last)]})]


@pytest.fixture
def reader(wordpiece: Callable[[Sequence[str]], Any]) -> Reader:
    return Reader(wordpiece(PIECES), 64)


def test_a_token_learns_its_first_characters_label(reader: Reader) -> None:
    row = row_of("서울에 김하늘", ["B-LC", "I-LC", "O", "O", "B-PS", "I-PS", "I-PS"])
    labels = [LABELS[index] if index >= 0 else "" for index in encode(row, reader, TASK.defaults)[0].target]
    assert labels == ["", "B-LC", "O", "B-PS", "I-PS", ""]


def test_a_tokens_label_is_spread_over_its_characters(reader: Reader) -> None:
    text = "서울에 김하늘"
    answers = answer_of(reader, text, ["B-LC", "O", "B-PS", "B-OG"])
    assert decode(answers, row_of(text)) == ["B-LC", "I-LC", "O", "O", "B-PS", "B-OG", "I-OG"]
    assert decode_officially(answers, row_of(text)) == ["O", "B-LC", "I-LC", "O", "O", "B-PS", "B-OG", "I-OG", "O"]


def test_after_an_unknown_eojeol_everything_is_officially_read_one_token_late(reader: Reader) -> None:
    text = "뷁뷁울, 김하늘"
    answers = answer_of(reader, text, ["B-LC", "O", "B-PS", "I-PS"])
    assert decode(answers, row_of(text)) == ["B-LC", "I-LC", "I-LC", "O", "O", "B-PS", "I-PS", "I-PS"]
    official = decode_officially(answers, row_of(text))
    assert official[1:-1] == ["B-LC", "I-LC", "I-LC", "O", "O", "O", "B-PS", "I-PS"]


def test_a_known_token_next_to_unk_officially_labels_only_one_character(reader: Reader) -> None:
    text = "서울,뷁 김"
    answers = answer_of(reader, text, ["B-LC", "O", "B-OG", "B-PS"])
    assert decode(answers, row_of(text)) == ["B-LC", "I-LC", "O", "B-OG", "O", "B-PS"]
    # Three labels for four characters, and the position of [UNK] is read once more.
    assert decode_officially(answers, row_of(text))[1:-1] == ["B-LC", "O", "B-OG", "B-OG", "O", None]


def test_the_last_label_is_officially_read_from_the_last_padded_position(reader: Reader) -> None:
    official = decode_officially(answer_of(reader, "김", ["O"], first="B-DT", last="I-QT"), row_of("김"))
    assert official == ["B-DT", "O", "I-QT"]


def test_characters_after_the_limit_are_o(wordpiece: Callable[[Sequence[str]], Any]) -> None:
    short = Reader(wordpiece(PIECES), 4)
    answers = answer_of(short, "김 김 김", ["B-PS", "B-PS", "B-PS"])
    assert answers[0].example.truncated
    assert decode(answers, row_of("김 김 김")) == ["B-PS", "O", "B-PS", "O", "O"]
    assert decode_officially(answers, row_of("김 김 김")) == ["O", "B-PS", "O", "B-PS", "O", None, "O"]


@pytest.mark.parametrize("row", read_split("ner", SAMPLE, "train").rows, ids=lambda row: row["guid"])
def test_gold_tokens_give_gold_characters(row: dict[str, Any], tokenizer: Any) -> None:
    example = encode(row, Reader(tokenizer, 192), TASK.defaults)[0]
    logits = np.eye(len(LABELS), dtype=np.float32)[[max(index, -1) for index in example.target]]
    answers = [Answer(example, {"logits": logits, "last": logits[-1]})]
    assert set(CORRECTED([decode(answers, row)], [row]).values()) == {100.0}
    assert set(OFFICIAL([decode_officially(answers, row)], [row]).values()) == {100.0}


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["가\tO", "나\tB-XX"], r"row 1: `labels\[1\]` is 'B-XX'; known: B-PS"),
        (["가\tO", "나"], r"row 1: line 3 has 1 columns instead of 2: '나'"),
        (["가\tO", "", "가나\tO"], r"row 2: `characters` must be single characters"),
        ([" \tO"], r"row 1: the sentence is empty"),
    ],
)
def test_a_bad_line_is_named_by_file_and_row(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "klue-ner_dev.tsv"
    path.write_text("\n".join(["## a\t가", *lines, ""]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"klue-ner_dev.tsv, {message}"):
        read_rows("ner", path)


def test_the_hubs_names_and_the_files_give_one_row() -> None:
    row = read_split("ner", SAMPLE, "dev").rows[0]
    hub = {"guid": row["guid"], "sentence": "…", "tokens": row["characters"], "ner_tags": row["labels"]}
    assert TASKS["ner"].read(hub) == row
    assert "".join(row["characters"]) == "이하늘 씨는 부산에서 3월부터 일한다."
    assert row["labels"][:3] == ["B-PS", "I-PS", "I-PS"]
