"""Reading KLUE's files: every released format gives the same rows, and a bad record is named."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from klue_eval.config import EvaluationConfig, Protocol
from klue_eval.data import (
    ONLY,
    SAMPLE,
    drawing_order,
    find_split,
    held_out,
    labelled_rows,
    read_rows,
    read_split,
    resolve_folder,
)
from klue_eval.tasks import TASKS, find_task, sts
from kobert_pipeline.ground.errors import InputError, RecipeError

HEADLINE = {
    "guid": "ynat-v1_train_00000",
    "title": "유튜브 내달 2일까지 크리에이터 지원 공간 운영",
    "label": "생활문화",
}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("split", ["train", "dev"])
def test_the_sample_of_every_task_is_read(name: str, split: str) -> None:
    found = read_split(name, SAMPLE, split)
    assert len(found.rows) >= 4
    assert len({row["guid"] for row in found.rows}) == len(found.rows)
    assert found.unlabelled == 0


KEYS = {
    "ynat": "guid title label",
    "sts": "guid sentence1 sentence2 labels",
    "nli": "guid premise hypothesis gold_label",
    "ner": "guid characters labels",
    "re": "guid sentence subject_entity object_entity label source",
    "dp": "guid words lemmas pos heads relations",
    "mrc": "guid context question answers is_impossible title question_type news_category source",
    "wos": "guid domains dialogue",
}


@pytest.mark.parametrize("name", TASKS)
def test_a_row_has_the_keys_of_the_official_file(name: str) -> None:
    path = find_split(name, resolve_folder(SAMPLE), "dev")
    rows = read_rows(name, str(path))
    assert {frozenset(row) for row in rows} == {frozenset(KEYS[name].split())}


def test_csv_and_json_lines_give_the_rows_of_the_json(tmp_path: Path) -> None:
    rows = read_split("sts", SAMPLE, "train").rows
    (tmp_path / "sts.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with (tmp_path / "klue_sts_train.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sentence1", "sentence2", "label"])
        writer.writerows([row["sentence1"], row["sentence2"], row["labels"]["real-label"]] for row in rows)
    assert read_rows("sts", tmp_path / "sts.jsonl") == rows
    table = read_rows("sts", tmp_path / "klue_sts_train.csv")
    assert [row["guid"] for row in table[:2]] == ["klue_sts_train_00000", "klue_sts_train_00001"]
    assert [sts.texts(row) for row in table] == [sts.texts(row) for row in rows]


def test_rows_without_a_public_label_are_skipped_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "ynat_train.json", [HEADLINE, {**HEADLINE, "label": None}])
    found = labelled_rows("ynat", path)
    assert (found.rows, found.unlabelled) == ([HEADLINE], 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "연예"}, r"ynat_train.json, row 2: `label` is '연예'; known: 정치"),
        ({"label": 3}, r"row 2: `label` is 3"),
        ({"title": ""}, r"row 2: `title` is ''"),
        ({"title": 7}, r"row 2: `title` is 7"),
    ],
)
def test_an_invalid_record_is_named_by_file_and_row(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "ynat_train.json", [HEADLINE, {**HEADLINE, **change}])
    with pytest.raises(InputError, match=message):
        read_rows("ynat", path)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("ynat", "title"), ("sts", "sentence2"), ("nli", "premise"), ("ner", "characters"), ("ner", "labels"),
        ("re", "subject_entity"), ("dp", "words"), ("dp", "heads"), ("mrc", "context"), ("mrc", "answers"),
        ("wos", "dialogue"), ("wos", "domains"),
    ],
)  # fmt: skip
def test_a_missing_field_is_named_by_file_and_row(tmp_path: Path, task: str, name: str) -> None:
    row = read_split(task, SAMPLE, "dev").rows[0]
    path = write(tmp_path / "x.json", [row, {key: value for key, value in row.items() if key != name}])
    with pytest.raises(InputError, match=rf"x.json, row 2: the field '{name}' is missing \(task {task}\)"):
        read_rows(task, path)


@pytest.mark.parametrize(
    ("task", "name", "message"),
    [
        ("nli", "gold_label", r"`gold_label` is '연예'; known: entailment"),
        ("ner", "labels", r"`labels\[0\]` is '연예'; known: B-PS"),
        ("re", "label", r"`label` is '연예'; known: no_relation"),
        ("dp", "relations", r"`relations\[0\]` is '연예'; known: NP"),
        ("dp", "pos", r"`pos\[0\]` is '연예'; known: NNG"),
    ],
)
def test_a_label_outside_the_map_is_named_by_file_and_row(tmp_path: Path, task: str, name: str, message: str) -> None:
    row = read_split(task, SAMPLE, "dev").rows[0]
    label = "연예" if isinstance(row[name], str) else ["연예", *row[name][1:]]
    path = write(tmp_path / "x.json", [row, {**row, name: label}])
    with pytest.raises(InputError, match=rf"x.json, row 2: {message}"):
        read_rows(task, path)


def test_bad_rows_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    bad = {**HEADLINE, "label": "연예"}
    path = write(tmp_path / "ynat_train.json", [HEADLINE, bad, HEADLINE, bad, {"guid": "a"}])
    with pytest.raises(InputError, match=r"ynat_train.json, row 2: .*\(task ynat\); 2 more rows are wrong"):
        read_rows("ynat", path)


@pytest.mark.parametrize("value", ["high", 5.5, -0.1, "nan"])
def test_a_similarity_outside_the_scale_is_refused(tmp_path: Path, value: Any) -> None:
    row = {"sentence1": "가", "sentence2": "나", "label": value}
    with pytest.raises(InputError, match="row 1: `real-label` is"):
        read_rows("sts", write(tmp_path / "sts.json", [row]))


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "{"), ("a.json", '{"a": 1}'), ("a.parquet", ""), ("a.json", "[]")]
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=name):
        read_rows("ynat", tmp_path / name)


def test_splits_are_found_anywhere_below_the_folder_and_json_wins(tmp_path: Path) -> None:
    folder = tmp_path / "klue-sts-v1.1" / "csv"
    folder.mkdir(parents=True)
    for path in (folder / "klue_sts_train.csv", folder / "klue_sts_val.csv", folder.parent / "klue-sts-v1.1_dev.json"):
        path.touch()
    (folder.parent / "klue-sts-v1.1_dev_sample_10.json").touch()
    assert find_split("sts", tmp_path, "train").name == "klue_sts_train.csv"
    assert find_split("sts", tmp_path, "dev").name == "klue-sts-v1.1_dev.json"


def test_a_folder_without_files_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no train file of nli; looked for \*nli\*_train"):
        find_split("nli", tmp_path, "train")


def test_a_part_of_a_split_is_found_if_the_whole_is_missing(tmp_path: Path) -> None:
    for name in ("klue-re-v1.1_train_partial.json", "klue-re-v1.1_dev_4of5.json", "relation_list.json"):
        (tmp_path / name).touch()
    assert find_split("re", tmp_path, "train").name == "klue-re-v1.1_train_partial.json"
    assert find_split("re", tmp_path, "dev").name == "klue-re-v1.1_dev_4of5.json"
    (tmp_path / "klue-re-v1.1_dev.jsonl").touch()
    assert find_split("re", tmp_path, "dev").name == "klue-re-v1.1_dev.jsonl"


def test_the_one_labelled_file_of_a_task_is_its_dev_or_the_file_called_labelled(tmp_path: Path) -> None:
    for name in (
        "wos-v1.1_labelled_partial.json", "wos-v1.1_eval2000_unlabelled.json", "klue-ner-v1.1_dev.tsv",
        "klue-ner-v1.1_train_text_only.tsv", "klue-mrc-v1.1_odqa_validation_partial.json",
    ):  # fmt: skip
        (tmp_path / name).touch()
    assert find_split("wos", tmp_path, ONLY).name == "wos-v1.1_labelled_partial.json"
    assert find_split("ner", tmp_path, ONLY).name == "klue-ner-v1.1_dev.tsv"
    assert find_split("mrc", tmp_path, ONLY).name == "klue-mrc-v1.1_odqa_validation_partial.json"
    (tmp_path / "wos-v1.1_dev.json").touch()
    assert find_split("wos", tmp_path, ONLY).name == "wos-v1.1_dev.json"
    with pytest.raises(InputError, match=r"no labelled file of dp; looked for .*labelled"):
        find_split("dp", tmp_path, ONLY)


def test_a_missing_train_file_names_what_there_is_and_what_to_do_with_it(tmp_path: Path) -> None:
    for name in ("klue-ner-v1.1_dev.tsv", "klue-ner-v1.1_train_text_only.tsv", "klue-sts-v1.1_text.json"):
        (tmp_path / name).touch()
    found = r"only klue-ner-v1.1_dev.tsv, klue-ner-v1.1_train_text_only.tsv; with `--held-out ner`"
    with pytest.raises(InputError, match=found):
        find_split("ner", tmp_path, "train")
    with pytest.raises(InputError, match=r"For sts there is only klue-sts-v1.1_text.json$"):
        find_split("sts", tmp_path, "train")


def test_two_files_of_one_split_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("ynat-v1_dev.json", "ynat-v1.1_dev.json"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"several dev files of ynat: ynat-v1.1_dev.json, ynat-v1_dev.json"):
        find_split("ynat", tmp_path, "dev")


def test_a_variable_in_the_data_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLUE_FOLDER", str(tmp_path))
    assert resolve_folder("${KLUE_FOLDER}") == tmp_path
    with pytest.raises(InputError, match="no such folder"):
        resolve_folder("${KLUE_FOLDER}/absent")


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.zst", ".zip"])
def test_an_archive_and_a_folder_of_archives_are_read_as_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = [find_split("wos", resolve_folder(SAMPLE), split) for split in ("train", "dev")]
    archive = tmp_path / "released" / f"wos{ending}"
    archive.parent.mkdir()
    if ending == ".zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for file in files:
                opened.write(file, f"klue/{file.name}")
    else:
        with tarfile.open(tmp_path / "plain.tar", "w") as tar:
            for file in files:
                tar.add(file, f"klue/{file.name}")
        plain = (tmp_path / "plain.tar").read_bytes()
        archive.write_bytes(gzip.compress(plain) if ending == ".tar.gz" else zstandard.compress(plain))
    expected = read_split("wos", SAMPLE, "train").rows
    assert read_split("wos", str(archive), "train").rows == expected
    assert read_split("wos", str(archive.parent), "train").rows == expected
    assert len(list(tmp_path.glob("kobert-klue-*"))) == 1


def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "klue.tar.gz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"klue\.tar\.gz: no readable archive"):
        resolve_folder(str(tmp_path / "klue.tar.gz"))


COMMIT = "0" * 40


def test_the_hubs_numbers_become_the_strings_of_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    names = ["IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치"]
    features = datasets.Features({"guid": datasets.Value("string"), "title": datasets.Value("string"), "label": datasets.ClassLabel(names=names)})  # fmt: skip
    records = [{"guid": "a", "title": "구름 많은 하루", "label": 3}, {"guid": "b", "title": "주가 반등", "label": -1}]
    table = datasets.Dataset.from_list(records, features=features)
    calls = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: calls.append((args, options)) or table)
    found = read_split("ynat", f"hub:klue@{COMMIT}", "dev")
    assert calls == [(("hf://datasets/klue/klue", "ynat"), {"split": "validation", "revision": COMMIT})]
    assert (found.rows[0]["label"], found.unlabelled) == ("생활문화", 1)


def test_the_order_in_which_labels_are_numbered_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    rows = read_split("nli", SAMPLE, "dev").rows
    copies = []
    for names in (["entailment", "neutral", "contradiction"], ["contradiction", "entailment", "neutral"]):
        kinds = {name: datasets.Value("string") for name in ("guid", "premise", "hypothesis")}
        features = datasets.Features({**kinds, "gold_label": datasets.ClassLabel(names=names)})
        table = datasets.Dataset.from_list(
            [{**row, "gold_label": names.index(row["gold_label"])} for row in rows], features=features
        )
        monkeypatch.setattr(datasets, "load_dataset", lambda *args, table=table, **options: table)
        copies.append(read_split("nli", f"hub:klue@{COMMIT}", ONLY).rows)
    assert copies == [rows, rows]


def test_the_drawn_rows_do_not_depend_on_the_order_of_the_file() -> None:
    rows = read_split("ynat", SAMPLE, "train").rows
    assert drawing_order(rows) == drawing_order(rows[::-1]) != rows


def test_one_file_is_cut_in_two_by_guid() -> None:
    rows = read_split("ynat", SAMPLE, "train").rows
    train, held = held_out(rows)
    assert (len(train), len(held)) == (67, 17)
    assert sorted(row["guid"] for row in train + held) == sorted(row["guid"] for row in rows)
    assert {row["guid"] for row in held_out(rows[::-1])[1]} == {row["guid"] for row in held}
    assert held_out(rows, seed=7)[1] != held


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean `ynat`"):
        find_task("ynta")
    with pytest.raises(RecipeError, match="did you mean `nli`"):
        EvaluationConfig.parse({"tasks": ["nlii"]}, "klue_eval")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"sts": {"learning_rat": 1}},
            r"klue_eval.settings.sts.learning_rat: unknown key; did you mean `learning_rate`",
        ),
        ({"sts": {"epochs": 0}}, r"klue_eval.settings.sts.epochs"),
        ({"stss": {}}, r"did you mean `sts`"),
    ],
)
def test_settings_of_a_task_are_checked_when_the_recipe_is_read(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        EvaluationConfig.parse({"settings": settings}, "klue_eval")


def test_a_choice_needs_training_rows_to_be_made_on() -> None:
    with pytest.raises(RecipeError, match="selection_rows"):
        Protocol.parse({"learning_rates": [1e-4, 2e-4], "train_rows": 100})
    with pytest.raises(RecipeError, match="selection_rows"):
        Protocol.parse({"epochs": [4, 8], "selection_rows": 100})


def test_a_real_file_keeps_its_order(klue_folder: Callable[..., Path]) -> None:
    rows = read_split("nli", SAMPLE, "dev").rows
    assert read_split("nli", str(klue_folder(nli_dev=rows)), "dev").rows == rows
