"""Other data sets with the same contract: released formats, metrics, and one evaluation of all of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples
from kobest_files import KOBEST, write_kobest
from scipy.stats import spearmanr
from seqeval.metrics import f1_score

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import find_split, read_split
from klue_eval.metrics.korquad_metrics import normalise
from klue_eval.task_data import HELD_OUT, read_task
from klue_eval.tasks import OTHERS, TASKS, find_task
from klue_eval.tasks.naver_ner import LABELS, decode, encode
from klue_eval.token_reader import Reader
from klue_eval.values import Answer
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json

REVIEWS = ("정말 재미있게 봤다", '"두 번 볼 영화" 라는 말', "지루해서 잠들었다", "배우가 아깝다")
PAIRS = (("구름이 많다", "하늘이 흐리다"), ("버스가 왔다", '기차가 "왔다"'), ("비가 온다", "눈이 온다"))


def lines(*rows: tuple[Any, ...]) -> str:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def question(number: int) -> dict[str, Any]:
    answer = {"text": "민서", "answer_start": 0}
    return {"id": f"q{number}", "question": "누가 왔나?", "answers": [answer]}


def korquad() -> str:
    paragraph = {"context": "민서가 어제 왔다.", "qas": [question(number) for number in range(3)]}
    return json.dumps({"version": "KorQuAD_v1.0_dev", "data": [{"title": "제목", "paragraphs": [paragraph]}]})


def film(number: int, reviews: list[str], ratings: list[int]) -> dict[str, Any]:
    return {"doc_id": f"film/{number}", "text": "\n".join(reviews), "meta": {"ratings": ratings}}


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Files with our own texts in the released formats, with the folders of the released archives."""
    reviews = [(number, text, number % 2) for number, text in enumerate(REVIEWS)]
    nli = [(*pair, label) for pair, label in zip(PAIRS, ("entailment", "neutral", "contradiction"), strict=True)]
    sts = [("main", "뉴스", 2012, number, 1.5 * number, *pair) for number, pair in enumerate(PAIRS)]
    paws = [(number, *pair, number % 2) for number, pair in enumerate(PAIRS)]
    contents = {
        "nsmc/ratings_{train,test}.txt": lines(("id", "document", "label"), *reviews, (9, "", 1)),
        "KorNLI/{multinli.train,snli_1.0_train,xnli.dev,xnli.test}.ko.tsv": lines(
            ("sentence1", "sentence2", "gold_label"), *nli
        ),
        "KorSTS/sts-{train,test}.tsv": lines(
            ("genre", "filename", "year", "id", "score", "sentence1", "sentence2"), *sts
        ),
        "x-final/ko/{translated_train,test_2k}.tsv": lines(
            ("id", "sentence1", "sentence2", "label"), *paws, (9, "NS", "비가 온다", 0)
        ),
        "korquad/KorQuAD_v1.0_{train,dev}.json": korquad(),
        "naver-ner/{train,test}.tsv": lines(("민서가 서울에 왔다", "PER-B LOC-B O"), ("한 국 대학", "ORG-B ORG-I -")),
    }
    for pattern, text in contents.items():
        before, _, rest = pattern.partition("{")
        names, _, after = rest.partition("}")
        for name in names.split(","):
            path = tmp_path / "data" / f"{before}{name}{after}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    write_kobest(tmp_path / "data")
    films = [film(number, ["정말 좋다", "그저 그렇다", "시간이 아깝다", " "], [10, 6, 2, 1]) for number in range(10)]
    films.append(film(10, ["두 줄로 쓴", "평", "좋다"], [9, 10]))
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in films)
    (tmp_path / "data" / "movie_reviews_nsmc_raw.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "data" / "x-final" / "en").mkdir()
    (tmp_path / "data" / "x-final" / "en" / "test_2k.tsv").touch()
    return tmp_path / "data"


ROWS = {
    "nsmc": (4, 1),
    "kornli": (3, 0),
    "kornli_snli": (3, 0),
    "korsts": (3, 0),
    "pawsx": (3, 1),
    "korquad": (3, 0),
    "naver_ner": (2, 0),
} | {
    "xnli": (3, 0),
    **dict.fromkeys(KOBEST, (4, 0)),
}


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "movie_reviews"])
@pytest.mark.parametrize("split", ["train", "dev"])
def test_the_released_files_are_found_and_read(name: str, split: str, released: Path) -> None:
    found = read_split(name, str(released), split)
    assert (len(found.rows), found.unlabelled) == ROWS[name]
    assert len({row["guid"] for row in found.rows}) == len(found.rows)


def test_rows_have_what_the_files_say(released: Path) -> None:
    first = {name: read_split(name, str(released), "dev").rows[1] for name in OTHERS}
    assert first["nsmc"] == {"guid": "1", "document": '"두 번 볼 영화" 라는 말', "label": "positive"}
    assert first["kornli"]["label"] == "neutral"
    assert (first["korsts"]["score"], first["korsts"]["source"]) == (1.5, "main")
    assert (first["pawsx"]["sentence2"], first["pawsx"]["label"]) == ('기차가 "왔다"', "paraphrase")
    assert (first["korquad"]["guid"], TASKS["mrc"].gold(first["korquad"])) == ("q1", "민서")
    assert first["naver_ner"]["labels"] == ["B-ORG", "I-ORG", "O"]


@pytest.mark.parametrize("packed", ["plain", "zst", "gz"])
def test_rated_reviews_are_divided_by_film_and_what_is_left_out_is_counted(packed: str, released: Path) -> None:
    """6 is neither good nor bad, a review is empty, and in one film nobody knows whose rating is whose."""
    file = released / "movie_reviews_nsmc_raw.jsonl"
    if packed != "plain":
        content = zstandard.compress(file.read_bytes()) if packed == "zst" else gzip.compress(file.read_bytes())
        Path(f"{file}.{packed}").write_bytes(content)
    found = read_task("movie_reviews", str(released if packed == "plain" else f"{file}.{packed}"), HELD_OUT)
    assert (len(found.train), len(found.dev), found.unlabelled) == (16, 4, 2 * 10 + 3)
    assert not {row["group"] for row in found.train} & {row["group"] for row in found.dev}
    assert {(row["review"], row["label"]) for row in found.train} == {
        ("정말 좋다", "positive"), ("시간이 아깝다", "negative"),
    }  # fmt: skip
    assert len({row["guid"] for row in found.train}) == 16
    with pytest.raises(InputError, match="movie_reviews has one labelled file; with `--held-out movie_reviews`"):
        read_task("movie_reviews", str(released))


@pytest.mark.parametrize("rating", [0, 11, "10", 9.5, True])
def test_a_rating_that_is_none_is_named(rating: Any, released: Path) -> None:
    (released / "movie_reviews_nsmc_raw.jsonl").write_text(json.dumps(film(0, ["좋다"], [rating])), encoding="utf-8")
    with pytest.raises(InputError, match=r"row 1: `rating` is .*; it must be a whole number from 1 to 10"):
        read_task("movie_reviews", str(released), HELD_OUT)


def test_a_file_that_is_missing_or_bad_is_named(released: Path) -> None:
    with pytest.raises(InputError, match=r"no file of nsmc; looked for ratings_test\{.*txt\}"):
        find_split("nsmc", released / "KorSTS", "dev")
    (released / "naver-ner" / "test.tsv").write_text("민서가 왔다\tPER-B\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"test.tsv, row 1: 1 labels for 2 eojeols \(task naver_ner\)"):
        read_split("naver_ner", str(released), "dev")
    (released / "naver-ner" / "test.tsv").write_text("민서가 왔다\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1: line 1 has 1 columns instead of 2"):
        read_split("naver_ner", str(released), "dev")


def test_all_of_them_are_evaluated_if_they_are_named(released: Path, tiny_bert: Path, tmp_path: Path) -> None:
    config = EvaluationConfig.parse(
        {
            "tasks": list(OTHERS),
            "data": str(released),
            "held_out": ["movie_reviews"],
            "protocols": {"quick": {"seeds": 1, "evaluations_per_epoch": 0}},
            "settings": {name: {"epochs": 1} for name in OTHERS},
            "precision": "32-true",
        }
    )
    folder = evaluate_model(str(tiny_bert), config, tmp_path / "artifacts", 42)
    results = read_json(folder / "scores.json")["results"]
    assert {entry["task"]: entry["split"] for entry in results} == {
        name: {"korquad": "dev", "movie_reviews": "held_out"}.get(name, "test") for name in OTHERS
    }
    table = (folder / "table.md").read_text()
    assert (
        "| NSMC accuracy (test) | Movie reviews macro F1 (held-out 20 %) | Movie reviews accuracy (held-out 20 %) | KorNLI accuracy (test) | KorNLI (SNLI) accuracy (test) | XNLI (ko) accuracy (test) | KorSTS Spearman rho (test) |"
        in table
    )
    assert "mean nothing" not in table
    assert read_task("nsmc", str(released)).split == "test"


def test_they_are_not_part_of_klue() -> None:
    assert not set(OTHERS) & set(TASKS)
    assert EvaluationConfig().tasks == tuple(TASKS)
    with pytest.raises(InputError, match="did you mean `nsmc`"):
        find_task("nsm")


# --- metrics ----------------------------------------------------------------------------------------------------------


@given(lists(tuples(integers(0, 6), integers(0, 6)), min_size=2, max_size=40))
@settings(max_examples=60)
def test_rho_equals_scipy(pairs: list[tuple[int, int]]) -> None:
    predictions, scores = [float(first) for first, _ in pairs], [float(second) for _, second in pairs]
    found = OTHERS["korsts"].metrics.official(predictions, [{"score": score} for score in scores])["spearman"]
    constant = len(set(predictions)) == 1 or len(set(scores)) == 1
    assert found == pytest.approx(0 if constant else 100 * spearmanr(predictions, scores)[0], abs=1e-6)


few_labels = sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])


@given(lists(lists(tuples(few_labels, few_labels), min_size=1, max_size=8), min_size=1, max_size=6))
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore")
def test_entity_f1_equals_seqeval(sentences: list[list[tuple[str, str]]]) -> None:
    predicted, actual = ([[pair[side] for pair in pairs] for pairs in sentences] for side in (0, 1))
    rows = [{"guid": "a", "labels": labels} for labels in actual]
    found = OTHERS["naver_ner"].metrics.official(predicted, rows)["entity_f1"]
    assert found == pytest.approx(100 * f1_score(actual, predicted, zero_division=0))


def test_korquad_counts_characters_and_takes_the_best_answer() -> None:
    rows = [{"guid": "q", "answers": [{"text": "《민서》의 집"}, {"text": "서울"}]}]
    score = OTHERS["korquad"].metrics.official
    assert normalise("《민서》의 집!") == "민서 의 집"
    assert score(["(민서) 의 집."], rows) == {"exact_match": 100.0, "f1": 100.0}
    assert score(["민서의"], rows) == {"exact_match": 0.0, "f1": pytest.approx(100 * 2 * 3 / (3 + 4))}
    assert score([""], rows) == {"exact_match": 0.0, "f1": 0.0}


def test_an_eojeol_is_read_at_its_first_token(tokenizer: Any) -> None:
    row = {"guid": "n", "words": ["구름이", "서울에", "많다"], "labels": ["B-PER", "B-LOC", "O"]}
    example = encode(row, Reader(tokenizer, 9), OTHERS["naver_ner"].defaults)[0]
    assert list(example.target) == [-100, LABELS.index("B-PER"), -100, -100, LABELS.index("B-LOC"), -100, -100, 0, -100]
    assert example.truncated
    logits = np.eye(len(LABELS))[[max(number, 0) for number in example.target]]
    assert decode([Answer(example, {"logits": logits})], row) == row["labels"]
    short = encode(row, Reader(tokenizer, 6), OTHERS["naver_ner"].defaults)[0]
    assert short.memo == [1, 4, None]
    assert decode([Answer(short, {"logits": logits})], row) == ["B-PER", "B-LOC", "O"]
