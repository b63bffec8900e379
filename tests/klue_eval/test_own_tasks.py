"""A labelled task of the user's own: how its file is read and divided, what is refused, and the model that is kept."""

from __future__ import annotations

import json
import logging
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, tuples
from scipy.stats import pearsonr, spearmanr
from typer.testing import CliRunner

from klue_eval.build import evaluate_model, rescore
from klue_eval.comparisons import comparisons_of
from klue_eval.config import EvaluationConfig
from klue_eval.export import _answer_on_scale
from klue_eval.own.own_data import OwnData, read_own
from klue_eval.own.own_split import divide
from klue_eval.own.own_task import MOST_EPOCHS, OwnTaskConfig, epochs_for
from klue_eval.task_data import read_all, read_own_task, task_of
from klue_eval.token_reader import Reader
from klue_eval.values import Answer
from kobert_pipeline.cli import app
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import read_json

GOOD, BAD = ("정말 재미있게 봤다", "배우가 훌륭하다"), ("지루해서 잠들었다", "돈이 아깝다")
TABLE = "text,label\n" + "".join(f"{GOOD[i % 2]} {i},좋음\n{BAD[i % 2]} {i},나쁨\n" for i in range(10))
PAIRS = "text\ttext_b\tlabel\n" + "".join(f"{GOOD[i % 2]} {i}\t{BAD[i % 2]}\t{i / 4}\n" for i in range(20))
CONLL = "".join(f"민서가 B-PS\n서울 B-LC\n대학에 I-LC\n왔다{i} O\n\n" for i in range(10))


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def read(folder: Path, name: str, content: str | bytes, kind: Any = "auto") -> OwnData:
    return read_own("mine", OwnTaskConfig(file=write(folder, name, content), kind=kind))


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind", "labels"),
    [
        ("a.csv", TABLE, "classification", ("나쁨", "좋음")),
        ("a.csv", "\ufeff" + TABLE.replace("\n", "\r\n"), "classification", ("나쁨", "좋음")),
        ("a.tsv", PAIRS, "regression", ()),
        ("a.csv", TABLE.replace("좋음", "1").replace("나쁨", "0.0"), "classification", ("0.0", "1")),
        ("a.csv", TABLE.replace("좋음", "1e400").replace("나쁨", "0.5"), "classification", ("0.5", "1e400")),
        ("a.jsonl", "".join(json.dumps({"text": f"글\u2028{i}", "label": i % 2}) + "\n" for i in range(12)), "classification", ("0", "1")),
        ("a.json", json.dumps([{"text": f"글 {i}", "label": i / 8} for i in range(12)]), "regression", ()),
        ("a.conll", CONLL, "tagging", ("O", "B-LC", "I-LC", "B-PS", "I-PS")),
        ("a.tsv", CONLL.replace(" ", "\t"), "tagging", ("O", "B-LC", "I-LC", "B-PS", "I-PS")),
        ("a.txt", "-DOCSTART- -X- O O\n\n" + CONLL.replace(" ", " NN "), "tagging", ("O", "B-LC", "I-LC", "B-PS", "I-PS")),
        ("a.bio", "# 문장 1\n" + CONLL.replace("민서가", "#"), "tagging", ("O", "B-LC", "I-LC", "B-PS", "I-PS")),
    ],
)  # fmt: skip
def test_the_file_says_what_kind_of_task_it_is(
    name: str, content: str, kind: str, labels: tuple[str, ...], tmp_path: Path
) -> None:
    found = read(tmp_path, name, content)
    assert (found.own.kind, found.own.labels) == (kind, labels)
    assert (len(found.train), len(found.dev)) == {20: (16, 4), 12: (10, 2), 10: (8, 2)}[
        len(found.train) + len(found.dev)
    ]
    assert found.why


def test_the_user_can_say_what_kind_of_task_it_is(tmp_path: Path) -> None:
    whole = "text,label\n" + "".join(f"글 {i},{i % 5}\n" for i in range(20))
    assert read(tmp_path, "a.csv", whole).own.kind == "classification"
    assert read(tmp_path, "a.csv", whole, "regression").own.kind == "regression"
    fractions = "text,label\n" + "".join(f"글 {i},{i % 2 + 0.5}\n" for i in range(20))
    assert read(tmp_path, "a.csv", fractions).own.kind == "regression"
    assert read(tmp_path, "a.csv", fractions, "classification").own.labels == ("0.5", "1.5")


def test_files_and_columns_that_are_divided_already_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for name in ("train", "dev", "test"):
        write(tmp_path / "data", f"reviews_{name}.csv", TABLE.replace("봤다", f"봤다 {name}"))
    found = read_own("mine", OwnTaskConfig(file=str(tmp_path / "data")))
    assert (len(found.train), len(found.dev)) == (20, 20)
    assert found.division == "reviews_train.csv trained on, reviews_dev.csv scored"
    assert "reviews_test.csv is not read" in caplog.text
    assert "15 of 20 scored rows have a text that is also trained on" in caplog.text or found.repeated == 15
    (head, *rows) = TABLE.splitlines()
    marked = [f"{row},{('train', 'validation', 'test')[number // 8]}" for number, row in enumerate(rows)]
    found = read(tmp_path, "a.csv", "\n".join([f"{head},split", *marked]))
    assert (len(found.train), len(found.dev), found.division) == (8, 8, "by the column `split`")
    assert "4 rows of test are not read" in caplog.text


def test_what_is_not_read_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    head, *rows = TABLE.splitlines()
    content = "\n".join([f"id,{head}", *(f"{number},{row}" for number, row in enumerate(rows)), "98,글,", "99,글, "])
    found = read(tmp_path, "a.csv", content)
    assert found.unlabelled == 2
    assert "2 rows without a label are skipped" in caplog.text
    assert "columns that are not read: id" in caplog.text


# --- what is refused --------------------------------------------------------------------------------------------------

ONE_TOKEN = "민서\tB-PS\n"
REFUSED: list[tuple[str, str | bytes, str, str]] = [
    ("a.csv", TABLE.replace("label", "lable"), "auto", "no column `label`; its columns are `text`, `lable`. Rename it if `lable` is meant"),
    ("a.csv", TABLE.replace("text", "본문"), "auto", "no column `text`; its columns are `본문`, `label`"),
    ("a.csv", TABLE.replace("text,label", "text,label,label").replace("음\n", "음,\n").replace("쁨\n", "쁨,\n"), "auto", "two columns are called `label`"),
    ("a.csv", "", "auto", "no column `text`"),
    ("a.csv", "text,label\n", "auto", "no row below the header"),
    ("a.csv", "text,label\n가,\n나,\n", "auto", "no row has a label"),
    ("a.csv", TABLE.replace("나쁨", "좋음"), "auto", "only one label to train on, `좋음`"),
    ("a.csv", TABLE + ",좋음\n  ,나쁨\n", "auto", "row 21: `text` is empty (2 such rows)"),
    ("a.tsv", PAIRS + "글\t\t1.5\n", "auto", "row 21: `text_b` is empty"),
    ("a.csv", TABLE + "셋,넷,좋음\n", "auto", "row 21: 3 values for 2 columns"),
    ("a.csv", TABLE + '"닫히지 않은 글,좋음\n', "auto", "line 22: unexpected end of data"),
    ("a.csv", TABLE.encode("cp949"), "auto", "line 2: not UTF-8. It looks like CP949. Convert it: iconv -f CP949"),
    ("a.csv", TABLE.encode("utf-16"), "auto", "not UTF-8. It looks like UTF-16LE"),
    ("a.conll", CONLL.encode("cp949"), "auto", "not UTF-8. It looks like CP949"),
    ("a.csv", TABLE.replace("text", "t\0"), "auto", "has NUL characters"),
    ("a.csv", TABLE, "regression", "row 1: the label `좋음` is not a number"),
    ("a.csv", TABLE.replace("좋음", "nan").replace("나쁨", "1.5"), "regression", "the label `nan` is not a number"),
    ("a.csv", "text,label\n" + "".join(f"글 {i},1.5\n" for i in range(9)), "auto", "every label to train on is 1.5"),
    ("a.csv", "text,label\n" + "".join(f"글 {i},{i}\n" for i in range(50)), "auto", "50 different labels in 50 rows; most labels have a single row. If they"),
    ("a.csv", "text,label\n가,좋음\n나,나쁨\n", "auto", "2 rows are too few to score some of them"),
    ("a.csv", TABLE, "tagging", "tagging is read from CoNLL"),
    ("a.xlsx", b"PK", "auto", "unknown format; known: .csv, .tsv"),
    ("a.json", "{", "auto", "not readable as JSON"),
    ("a.json", '{"text": "글"}', "auto", "must be a list of objects"),
    ("a.jsonl", '{"text": "글", "label": 1}\n{"text": "글"}\n', "auto", "row 2: the key `label` is not in every row"),
    ("a.jsonl", '{"text": ["글"], "label": 1}\n', "auto", "row 1: `text` is ['글']; it must be a text"),
    ("a.conll", CONLL, "classification", "is read as CoNLL, so its kind is tagging"),
    ("a.conll", CONLL.replace("I-LC", "I-PS"), "auto", "line 3: `I-PS` follows `B-LC`; an entity begins with `B-PS`"),
    ("a.conll", CONLL.replace("B-PS", "I-PS"), "auto", "line 1: `I-PS` follows `O`"),
    ("a.conll", CONLL.replace("B-PS", "PS"), "auto", "line 1: `PS` is not a tag of BIO"),
    ("a.conll", CONLL.replace("B-PS", "S-PS"), "auto", "line 1: `S-PS` is not a tag of BIO"),
    ("a.conll", CONLL.replace("B-PS", "PS-B"), "auto", "line 1: `PS-B` is not a tag of BIO"),
    ("a.conll", CONLL + "왔다\n", "auto", "line 51: 1 columns instead of 2"),
    ("a.conll", CONLL + "왔다 NN O\n가다 NN O\n", "auto", "line 51: 3 columns instead of 2 (2 such lines)"),
    ("a.conll", "민서\n왔다\n", "auto", "line 1: one column"),
    ("a.conll", "\n\n", "auto", "no sentence"),
    ("a.tsv", ONE_TOKEN + "\tO\n\n" + ONE_TOKEN, "tagging", "line 2: a tag without a token"),
    ("a.conll", "왔다 O\n\n갔다 O\n\n" * 5, "auto", "no entity to train on"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "kind", "message"), REFUSED, ids=[case[3][:40] for case in REFUSED])
def test_bad_input_is_one_clear_line(name: str, content: str | bytes, kind: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, name, content, kind)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("ending", ["csv", "conll"])
def test_a_label_that_is_only_scored_is_refused(ending: str, tmp_path: Path) -> None:
    content = TABLE if ending == "csv" else CONLL
    write(tmp_path / "data", f"train.{ending}", content)
    write(tmp_path / "data", f"dev.{ending}", content.replace("나쁨", "보통").replace("LC", "DT"))
    with pytest.raises(
        InputError, match=r"dev.*: 10 scored (rows|sentences) have a label .* to train on has: `(보통|DT)`"
    ):
        read_own("mine", OwnTaskConfig(file=str(tmp_path / "data")))


def test_folders_and_settings_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "data", "train.csv", TABLE)
    for file, message in (
        (tmp_path / "data", "no dev or test file"),
        (tmp_path / "none.csv", "no such file or folder"),
    ):
        with pytest.raises(InputError, match=message):
            read_own("mine", OwnTaskConfig(file=str(file)))
    for settings, message in (
        ({"own_tasks": {"ynat": {"file": "a.csv"}}}, "ynat is a task that exists already"),
        ({"own_tasks": {"a b": {"file": "a.csv"}}}, "a name has letters, digits"),
        ({"own_tasks": {"mine": {"file": "a.csv", "kind": "regresion"}}}, "kind"),
        ({"own_tasks": {"mine": {}}}, "own_tasks.mine.file: missing"),
        ({"tasks": []}, "no task to evaluate"),
        ({"own_tasks": {"mine": {"file": "a.csv"}}, "settings": {"mine": {"epoch": 1}}}, "did you mean `epochs`"),
    ):
        with pytest.raises(RecipeError, match=message):
            EvaluationConfig.parse(settings)
    with pytest.raises(RecipeError, match="KOBERT_NO_SUCH"):
        read_own("mine", OwnTaskConfig(file="${KOBERT_NO_SUCH}/a.csv"))


# --- how it is divided ------------------------------------------------------------------------------------------------


@given(
    lists(tuples(sampled_from("가나다라마바사아자차"), sampled_from(["좋음", "나쁨", "보통"])), min_size=1, max_size=60)
)
def test_equal_texts_stay_together_and_no_label_is_only_scored(rows: list[tuple[str, str]]) -> None:
    train, dev = divide(rows, [text for text, _ in rows], [frozenset({label}) for _, label in rows])
    assert Counter(train + dev) == Counter(rows)
    assert not {text for text, _ in train} & {text for text, _ in dev}
    assert {label for _, label in dev} <= {label for _, label in train}


def test_the_division_depends_on_the_texts_alone() -> None:
    rows = [(f"글 {number}", "가나다"[number % 3]) for number in range(300)]
    parts = [
        divide(order, [text for text, _ in order], [frozenset({label}) for _, label in order])
        for order in (rows, rows[::-1])
    ]
    assert set(parts[0][1]) == set(parts[1][1])
    assert Counter(label for _, label in parts[0][1]) == {"가": 20, "나": 20, "다": 20}


def test_small_files_are_read_more_often() -> None:
    assert [epochs_for(rows) for rows in (1, 100, 1_000, 2_400, 100_000)] == [MOST_EPOCHS, MOST_EPOCHS, 10, 4, 4]


# --- tagging ----------------------------------------------------------------------------------------------------------


def test_tags_are_learned_at_the_first_token_and_come_back(tokenizer: Any, tmp_path: Path) -> None:
    rows = read_own_task("mine", OwnTaskConfig(file=write(tmp_path, "a.conll", CONLL)))
    task, row = task_of("mine", rows), rows.train[0]
    example = task.encode(row, Reader(tokenizer, 32), task.defaults)[0]
    known = [label for label in example.target if label != -100]
    assert [task.labels[label] for label in known] == row["labels"] == ["B-PS", "B-LC", "I-LC", "O"]
    logits = np.eye(len(task.labels))[[max(number, 0) for number in example.target]]
    assert task.decode([Answer(example, {"logits": logits})], row) == row["labels"]


def test_a_token_of_the_model_that_has_two_of_the_file_spreads_its_tag(
    wordpiece: Callable[..., Any], tmp_path: Path
) -> None:
    characters = "서\tB-LC\n울\tI-LC\n \tO\n민\tB-PS\n서\tI-PS\n\n"
    others = "".join(f"{number}\tB-LC\n\n" for number in range(5))
    found = read(tmp_path, "a.tsv", others + characters, "tagging")
    task = found.own.task
    row = next(row for row in (*found.train, *found.dev) if len(row["tokens"]) == 5)
    example = task.encode(row, Reader(wordpiece(["서울", "민서"]), 16), task.defaults)[0]
    assert [task.labels[label] for label in example.target if label != -100] == ["B-LC", "B-PS"]
    logits = np.eye(len(task.labels))[[max(number, 0) for number in example.target]]
    assert task.decode([Answer(example, {"logits": logits})], row) == ["B-LC", "I-LC", "O", "B-PS", "I-PS"]


# --- scores, and the model that is kept -------------------------------------------------------------------------------


def test_metrics_equal_the_libraries(tmp_path: Path) -> None:
    found = read(tmp_path, "a.tsv", PAIRS)
    rows = [*found.train, *found.dev]
    guesses = [0.3 * row["label"] ** 2 - number % 3 for number, row in enumerate(rows)]
    labels = [row["label"] for row in rows]
    scores = found.own.task.metrics.official(guesses, rows)
    assert scores == pytest.approx(
        {"pearson": 100 * pearsonr(guesses, labels)[0], "spearman": 100 * spearmanr(guesses, labels)[0]}
    )


def test_settings_without_own_tasks_keep_their_fingerprint() -> None:
    assert "own_tasks" not in EvaluationConfig().content()
    assert EvaluationConfig.parse({"own_tasks": {"mine": {"file": "a.csv"}}}).content()["own_tasks"] == {
        "mine": {"kind": "auto"}
    }


def config_of(folder: Path, **settings: Any) -> EvaluationConfig:
    files = {"views": ("a.csv", TABLE), "pairs": ("a.tsv", PAIRS), "names": ("a.conll", CONLL)}
    own = {name: {"file": write(folder, file, content)} for name, (file, content) in files.items()}
    base = {
        "tasks": [], "own_tasks": own, "settings": {name: {"epochs": 1} for name in own}, "precision": "32-true",
        "protocols": {"quick": {"seeds": 1, "evaluations_per_epoch": 0}},
    }  # fmt: skip
    return EvaluationConfig.parse(base | settings)


def test_a_comparison_can_go_to_another_process(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    comparison = comparisons_of(config, read_all(config), 42)[0]
    assert pickle.loads(pickle.dumps(comparison)).task.labels == ("나쁨", "좋음")


def test_every_kind_is_scored_and_its_model_loads_in_plain_transformers(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import pipeline

    config, root = config_of(tmp_path), tmp_path / "artifacts"
    folder = evaluate_model(str(tiny_bert), config, root, 42)
    results = {entry["task"]: entry for entry in read_json(folder / "scores.json")["results"]}
    assert {name: entry["split"] for name, entry in results.items()} == dict.fromkeys(
        ("views", "pairs", "names"), "own"
    )
    assert set(read_json(folder / "scores.json")["baseline"]["quick"]) == {"views", "pairs"}
    table = (folder / "table.md").read_text()
    assert table.startswith("# Own tasks")
    assert "**pairs**: regression (every label is a number and not all are whole (0.25 in row 2))" in table
    data, runs = read_all(config), {name: root / "klue_runs" / entry["runs"][0] for name, entry in results.items()}
    saved = {
        name: [json.loads(line)["prediction"] for line in (run / "predictions.jsonl").read_text().splitlines()]
        for name, run in runs.items()
    }
    views = pipeline("text-classification", model=str(runs["views"] / "model"))
    assert [answer["label"] for answer in views([row["text"] for row in data["views"].dev])] == saved["views"]
    pairs = pipeline("text-classification", model=str(runs["pairs"] / "model"))
    asked = [{"text": row["text"], "text_pair": row["text_b"]} for row in data["pairs"].dev]
    assert [pairs(one)["score"] for one in asked] == pytest.approx(saved["pairs"], abs=1e-4)
    names = pipeline("token-classification", model=str(runs["names"] / "model"), ignore_labels=[])
    first = {word["start"]: word["entity"] for word in names(" ".join(data["names"].dev[0]["tokens"]))}
    assert [first[start] for start in (0, 4, 7, 11)] == saved["names"][0]
    again = rescore(folder, "package:klue_eval/sample", data)
    assert {entry["task"] for entry in again} == {"views", "pairs", "names"}
    with pytest.raises(InputError, match=r"its predictions are of the own task .*--task FILE"):
        rescore(folder, "package:klue_eval/sample")


@pytest.mark.parametrize("training", ["probe", "features"])
def test_a_frozen_encoder_is_scored_and_not_kept(training: str, tiny_bert: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, protocols={"frozen": {"seeds": 1, "evaluations_per_epoch": 0, "training": training}})
    folder = evaluate_model(str(tiny_bert), config, tmp_path / "artifacts", 42)
    assert [entry["split"] for entry in read_json(folder / "scores.json")["results"]] == ["own"] * 3
    assert not list((tmp_path / "artifacts").glob("klue_runs/*/model"))


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "electra", "albert", "deberta", "deberta-v2", "modernbert", "distilbert", "xlnet"]
)
def test_every_family_answers_on_the_scale_of_the_labels(kind: str) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    small = {
        "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
        "embedding_size": 16, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "d_model": 16, "n_layer": 1, "n_head": 2,
        "d_inner": 16, "pad_token_id": 0,
    }  # fmt: skip
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(kind, num_labels=1, **small)).eval()
    ids = torch.tensor([[2, 5, 6, 3]])
    with torch.no_grad():
        before = model(input_ids=ids).logits.item()
        _answer_on_scale(model, 60.0, 12.0)
        assert model(input_ids=ids).logits.item() == pytest.approx(before * 12.0 + 60.0, rel=1e-4)


@pytest.mark.system
def test_kobert_eval_scores_a_file_writes_a_page_and_the_model(tiny_bert: Path, tmp_path: Path) -> None:
    file = write(tmp_path, "영화 평.csv", TABLE.replace("봤다 3", "봤다 전화 010-1234-5678"))
    arguments = ["eval", str(tiny_bert), "--task", file, "--seeds", "1", "--epochs", "1"]
    where = ["--artifacts", str(tmp_path / "artifacts"), "--out", str(tmp_path / "classifier")]
    shown = CliRunner().invoke(app, [*arguments, *where])
    assert shown.exit_code == 0, shown.output
    assert read_json(tmp_path / "classifier" / "config.json")["id2label"] == {"0": "나쁨", "1": "좋음"}
    page = Path(next(line for line in shown.output.splitlines() if line.startswith("Report:")).split()[1]).read_text()
    assert "영화-평" in page
    assert "5678" not in page
    assert str(tmp_path) not in page
    for extra in (["--kind", "tagging"], ["--out", "x"], ["--epochs", "2"]):
        refused = CliRunner().invoke(app, ["eval", str(tiny_bert), *extra])
        assert "Name its file: --task FILE" in str(refused.exception)
