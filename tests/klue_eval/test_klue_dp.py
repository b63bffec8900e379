"""DP: reading trees, scoring them as scikit-learn does, and finding the tokens of an eojeol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples
from sklearn.metrics import f1_score

from klue_eval.data import SAMPLE, read_rows, read_split
from klue_eval.metrics import METRICS
from klue_eval.metrics.dp_metrics import COMMON, RELATIONS
from klue_eval.tasks.dp import TASK, decode, encode
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example
from kobert_pipeline.ground.errors import InputError

OFFICIAL, CORRECTED = METRICS["dp"].official, METRICS["dp"].corrected
arcs = tuples(integers(0, 6), sampled_from(RELATIONS))
sentences = lists(lists(tuples(arcs, arcs), min_size=1, max_size=8), min_size=1, max_size=5)


def rows_of(labels: Sequence[Sequence[tuple[int, str]]]) -> list[dict[str, Any]]:
    return [
        {"heads": [head for head, _ in sentence], "relations": [relation for _, relation in sentence]}
        for sentence in labels
    ]


@given(sentences)
@settings(max_examples=60)
def test_scores_equal_scikit_learn(pairs: list[list[tuple[tuple[int, str], tuple[int, str]]]]) -> None:
    predictions = [[pair[0] for pair in sentence] for sentence in pairs]
    labels = [[pair[1] for pair in sentence] for sentence in pairs]
    scores = OFFICIAL(predictions, rows_of(labels))
    flat = [[arc for sentence in side for arc in sentence] for side in (labels, predictions)]
    heads = [[head for head, _ in side] for side in flat]
    assert scores["uas"] == pytest.approx(100 * f1_score(*heads, average="macro"))
    ids = [[min(RELATIONS.index(relation), COMMON) for _, relation in side] for side in flat]
    ids[1] = [number if head == gold else -2 for number, gold, head in zip(ids[1], *heads, strict=True)]
    assert scores["las"] == pytest.approx(100 * f1_score(*ids, average="macro", zero_division=0))
    right = [gold == predicted for gold, predicted in zip(*flat, strict=True)]
    assert CORRECTED(predictions, rows_of(labels))["las"] == pytest.approx(100 * np.mean(right))


def test_one_wrong_head_officially_costs_a_whole_class() -> None:
    gold = [(2, relation) for relation in RELATIONS[:COMMON]] * 50 + [(0, "VP_CMP")]
    wrong = [(1, gold[0][1]), *gold[1:]]
    assert OFFICIAL([gold], rows_of([gold]))["las"] == 100
    official, corrected = (arithmetic([wrong], rows_of([gold])) for arithmetic in (OFFICIAL, CORRECTED))
    assert 94.0 < official["las"] < 100 * 16 / 17
    assert corrected["las"] == corrected["uas"] == pytest.approx(100 * 750 / 751)


def test_rare_relations_are_officially_one() -> None:
    rare, other = RELATIONS[COMMON], RELATIONS[-1]
    assert OFFICIAL([[(0, rare)]], rows_of([[(0, other)]]))["las"] == 100
    assert OFFICIAL([[(0, RELATIONS[COMMON - 1])]], rows_of([[(0, other)]]))["las"] == 0
    assert CORRECTED([[(0, rare)]], rows_of([[(0, other)]]))["las"] == 0


def test_the_official_uas_is_a_macro_f1_over_head_indices() -> None:
    gold = [[(2, "NP"), (2, "NP"), (2, "NP"), (0, "VP")]]
    predictions = [[(2, "NP"), (2, "NP"), (2, "NP"), (1, "VP")]]
    assert OFFICIAL(predictions, rows_of(gold))["uas"] == pytest.approx(100 / 3)
    assert CORRECTED(predictions, rows_of(gold))["uas"] == 75


@pytest.mark.parametrize(
    ("prediction", "message"), [([], "0 arcs for 1 eojeols"), ([(0, "SBJ")], "'SBJ' is not a relation")]
)
def test_a_prediction_of_another_form_is_refused(prediction: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OFFICIAL([prediction], rows_of([[(0, "VP")]]))


# --- tokens and eojeols -----------------------------------------------------------------------------------------------


def row_of(*words: str) -> dict[str, Any]:
    heads = [*range(2, len(words) + 1), 0]
    pos = ["NNG+JKS"] * len(words)
    return {"guid": "a", "words": list(words), "pos": pos, "heads": heads, "relations": ["NP"] * len(words)}


@pytest.fixture
def reader(wordpiece: Callable[[Sequence[str]], Any]) -> Reader:
    return Reader(wordpiece(["아이", "##가", "웃", "##는", "##다", "."]), 64)


def test_an_eojeol_is_read_at_its_first_and_last_token(reader: Reader) -> None:
    example = encode(row_of("아이가", "웃는다."), reader, TASK.defaults)[0]
    assert example.words == ([1, 3], [2, 6], [18, 18])
    assert example.target == ([2, 0], [0, 0])
    assert not example.truncated


def test_an_eojeol_without_a_token_is_read_at_the_token_before_and_counted(reader: Reader) -> None:
    example = encode(row_of("아이가", "\u3000", "웃는다."), reader, TASK.defaults)[0]
    assert example.words[:2] == ([1, 2, 3], [2, 2, 6])
    assert example.truncated


def test_eojeols_after_the_limit_are_counted(wordpiece: Callable[[Sequence[str]], Any]) -> None:
    short = Reader(wordpiece(["아이", "##가"]), 4)
    example = encode(row_of("아이가", "아이가"), short, TASK.defaults)[0]
    assert (example.words[:2], example.truncated) == (([1, 2], [2, 2]), True)


def test_heads_and_relations_are_the_likeliest_even_without_a_tree() -> None:
    arcs = np.array([[0, 0, 1], [0, 2, 0]])
    types = np.zeros((2, len(RELATIONS)))
    types[0, 3] = types[1, 2] = 1
    assert decode([Answer(Example([], []), {"arcs": arcs, "types": types})], {}) == [(2, "NP_SBJ"), (1, "VP")]


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\t새가\t새 가\tNNG+JKS\t2"], "line 2 has 5 columns instead of 6"),
        (["1\t새가\t새 가\tNNG+JKS\t9\tNP_SBJ"], "the head of eojeol 1 is 9"),
        (["1\t새가\t새 가\tNNG+JKS\t1\tNP_SBJ"], "the head of eojeol 1 is 1"),
        (["1\t새가\t새 가\tNNG+JKS\t0\tSBJ"], r"`relations\[0\]` is 'SBJ'; known: NP"),
        (["1\t새가\t새 가\tNNG+XX\t0\tNP_SBJ"], r"`pos\[0\]` is 'XX'; known: NNG"),
        (["2\t새가\t새 가\tNNG+JKS\t0\tNP_SBJ"], "the eojeols are not numbered 1 to 1"),
        (["1\t \t새 가\tNNG+JKS\t0\tNP_SBJ"], "eojeol 1 is empty"),
    ],
)
def test_a_bad_line_is_named_by_file_and_row(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "klue-dp_dev.tsv"
    path.write_text("\n".join(["## a\t새가", *lines, ""]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"klue-dp_dev.tsv, row 1: {message}"):
        read_rows("dp", path)


def test_the_hubs_names_and_the_files_give_one_row() -> None:
    row = read_split("dp", SAMPLE, "dev").rows[0]
    hub = {"guid": row["guid"], "word_form": row["words"], "lemma": row["lemmas"], "pos": row["pos"]}
    assert TASK.read({**hub, "head": row["heads"], "deprel": row["relations"], "index": [1, 2]}) == row
    assert row["lemmas"][1] == "울 ㄴ다 ."
