"""RE: marked entities, micro F1 and the area under the precision–recall curve as scikit-learn computes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples
from sklearn.metrics import auc, f1_score, precision_recall_curve

from klue_eval.data import SAMPLE, read_rows, read_split
from klue_eval.encoders import load_tokenizer
from klue_eval.metrics import METRICS
from klue_eval.metrics.relations_metrics import LABELS, NO_RELATION
from klue_eval.tasks.relations import TASK, decode, encode, mark
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example
from kobert_pipeline.ground.errors import InputError

OFFICIAL, CORRECTED = METRICS["re"].official, METRICS["re"].corrected
# Probabilities in tenths, so that ties, which are one point of the curve, are common.
predictions_and_labels = lists(
    tuples(sampled_from(LABELS), lists(integers(0, 10), min_size=30, max_size=30), sampled_from(LABELS)),
    min_size=1,
    max_size=30,
)


@given(predictions_and_labels)
@settings(max_examples=30)
@pytest.mark.filterwarnings("ignore:No positive class")
def test_official_scores_equal_scikit_learn(triples: list[tuple[str, list[int], str]]) -> None:
    scores = OFFICIAL(
        [(label, [value / 10 for value in values]) for label, values, _ in triples],
        [{"label": gold} for _, _, gold in triples],
    )
    gold, predicted = [triple[2] for triple in triples], [triple[0] for triple in triples]
    expected = f1_score(gold, predicted, labels=list(LABELS[1:]), average="micro", zero_division=0)
    assert scores["micro_f1"] == pytest.approx(100 * expected)
    probabilities = np.array([triple[1] for triple in triples]) / 10
    areas = []
    for index, name in enumerate(LABELS):
        precision, recall, _ = precision_recall_curve([label == name for label in gold], probabilities[:, index])
        areas.append(auc(recall, precision))
    assert scores["auprc"] == pytest.approx(100 * np.mean(areas))


def one_hot(label: str) -> tuple[str, list[float]]:
    return label, [float(name == label) for name in LABELS]


def test_no_relation_is_one_of_thirty_official_areas_and_not_part_of_f1() -> None:
    rows = [{"label": label} for label in LABELS]
    always = [(NO_RELATION, one_hot(label)[1]) for label in LABELS]
    assert OFFICIAL(always, rows) == {"micro_f1": 0.0, "auprc": 100.0}
    blind = [one_hot(label) if label != NO_RELATION else one_hot("per:title") for label in LABELS]
    scores = OFFICIAL(blind, rows), CORRECTED(blind, rows)
    assert scores[0]["micro_f1"] == pytest.approx(200 * 29 / (30 + 29))
    # One of the two rows predicted as a title is wrong. The one row without a relation is not separated from others.
    of_title, of_none = 100 * (1 + 1 / 2) / 2, 100 * (1 + 1 / 30) / 2
    assert scores[0]["auprc"] == pytest.approx((28 * 100 + of_title + of_none) / 30)
    assert scores[1]["auprc"] == pytest.approx((28 * 100 + of_title) / 29)


def test_a_class_that_no_row_has_is_officially_worth_fifty() -> None:
    rows = [{"label": label} for label in (NO_RELATION, "per:title")]
    perfect = [one_hot(row["label"]) for row in rows]
    assert OFFICIAL(perfect, rows)["auprc"] == pytest.approx((2 * 100 + 28 * 50) / 30)
    assert CORRECTED(perfect, rows)["auprc"] == 100


def test_a_prediction_without_thirty_probabilities_is_refused() -> None:
    with pytest.raises(ValueError, match="guid-7: 'per:title' with 2 probabilities"):
        OFFICIAL([("per:title", [0.5, 0.5])], [{"guid": "guid-7", "label": "per:title"}])


# --- encoding and decoding --------------------------------------------------------------------------------------------


def row_of(sentence: str, subject: str, object_: str, label: str = "per:title") -> dict[str, Any]:
    def entity(word: str) -> dict[str, Any]:
        start = sentence.index(word)
        return {"word": word, "start_idx": start, "end_idx": start + len(word) - 1, "type": "PER"}

    entities = {"subject_entity": entity(subject), "object_entity": entity(object_)}
    return {"guid": "re_1", "sentence": sentence, **entities, "label": label, "source": "sample"}


def test_markers_are_put_around_the_entities_in_either_order() -> None:
    assert mark(row_of("비틀즈가 노래한다", "비틀즈", "노래")) == "<subj>비틀즈</subj>가 <obj>노래</obj>한다"
    assert mark(row_of("비틀즈가 노래한다", "노래", "비틀즈")) == "<obj>비틀즈</obj>가 <subj>노래</subj>한다"


def test_what_a_marker_cuts_off_stays_a_token_inside_its_word(
    wordpiece: Callable[[Sequence[str]], Any], tmp_path: Path
) -> None:
    wordpiece(["김", "가", "##가", "시인", "이", "##이", "(", "다"]).save_pretrained(tmp_path)
    reader = Reader(load_tokenizer(tmp_path, TASK.added_tokens), 64)
    example = encode(row_of("김가 시인이", "김", "시인"), reader, TASK.defaults)[0]
    names = [reader.tokenizer.convert_ids_to_tokens(number) for number in example.input_ids]
    assert names == ["[CLS]", "<subj>", "김", "</subj>", "##가", "<obj>", "시인", "</obj>", "##이", "[SEP]"]
    # Neither a token after a space, nor one that is not Hangul, nor one whose piece has no inner form.
    example = encode(row_of("김 가 시인( 다", "김", "시인"), reader, TASK.defaults)[0]
    names = [reader.tokenizer.convert_ids_to_tokens(number) for number in example.input_ids]
    assert names[3:5] == ["</subj>", "가"]
    assert names[7:9] == ["</obj>", "("]
    example = encode(row_of("김다 시인", "김", "시인"), reader, TASK.defaults)[0]
    assert reader.tokenizer.convert_ids_to_tokens(example.input_ids[4]) == "[UNK]"


def test_the_probabilities_are_the_softmax_of_the_logits() -> None:
    logits = np.zeros(30, dtype=np.float32)
    logits[29] = np.log(29)
    label, probabilities = decode([Answer(Example([], []), {"logits": logits})], {})
    assert label == "per:title"
    assert probabilities[29] == pytest.approx(0.5)
    assert sum(probabilities) == pytest.approx(1)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 3}, "`label` is 3; known: no_relation"),
        ({"subject_entity": {"word": "김", "start_idx": 1, "end_idx": 1}}, "characters 1 to 1 are '가', not '김'"),
        ({"subject_entity": {"word": "김", "start_idx": 0, "end_idx": 99}}, "characters 0 to 99"),
        ({"subject_entity": {"word": "시인", "start_idx": 3, "end_idx": 4}}, "the two entities overlap"),
        ({"object_entity": None}, "`object_entity` is None"),
        ({"object_entity": {"word": "김"}}, "the field 'start_idx' is missing"),
    ],
)
def test_a_bad_record_is_named_by_file_and_row(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    good = row_of("김가 시인이", "김", "시인")
    path = tmp_path / "klue-re_dev.json"
    path.write_text(json.dumps([good, {**good, **change}]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"klue-re_dev.json, row 2: .*{message}"):
        read_rows("re", path)


def test_the_ends_of_an_entity_are_both_inside_it() -> None:
    for row in read_split("re", SAMPLE, "train").rows:
        entity = row["object_entity"]
        assert row["sentence"][entity["start_idx"] : entity["end_idx"] + 1] == entity["word"]
