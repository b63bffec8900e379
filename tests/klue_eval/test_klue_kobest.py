"""KoBEST: the released files and the Hub's copy give the same rows, and the head for choices reads what transformers' class reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import lists, sampled_from, tuples
from kobest_files import KOBEST, write_kobest
from sentencepiece_layouts import write_layout
from sklearn.metrics import accuracy_score, f1_score
from transformers import AutoModelForMultipleChoice, GPT2Config, GPT2Model

from klue_eval.batches import batch_of, encode_rows
from klue_eval.config import EvaluationConfig, task_settings
from klue_eval.data import read_split
from klue_eval.encoders import accepted_inputs, load_model, load_tokenizer, require_tasks
from klue_eval.finetune import Trial, finetune
from klue_eval.heads import HEADS
from klue_eval.task_data import hash_data
from klue_eval.tasks import OTHERS
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError

CHOICES = [name for name in KOBEST if OTHERS[name].head == "multiple_choice"]
COMMIT = "0" * 40


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_kobest(tmp_path_factory.mktemp("kobest")))


# --- data -------------------------------------------------------------------------------------------------------------

SECOND = {
    "kobest_boolq": {"paragraph": '등대는 배에 길을 알려 주는 탑이다.', "question": "등대는 배를 돕는 시설인가?", "label": "True"},
    "kobest_copa": {"premise": "우산을 폈다.", "question": "원인", "alternative_1": "해가 떴다.", "alternative_2": "비가 내렸다.", "label": "alternative_2"},
    "kobest_wic": {"word": "눈", "context_1": "[눈]이 내려 길이 하얗다.", "context_2": "첫 [눈]이 왔다.", "label": "True"},
    "kobest_hellaswag": {
        "context": "아이가 연을 들고 달린다.", "ending_1": "연이 땅에 묻힌다.", "ending_2": '아이가 "와!" 하고 외친다.',
        "ending_3": "연이 하늘로 오른다.", "ending_4": "연을 접는다.", "label": "ending_3",
    },
    "kobest_sentineg": {"sentence": "색이 사진과 달라요", "label": "negative"},
}  # fmt: skip


@pytest.mark.parametrize("name", KOBEST)
def test_a_row_has_what_the_file_says_and_both_splits_the_same(name: str, released: str) -> None:
    train, test = (read_split(name, released, split).rows for split in ("train", "dev"))
    assert test[1] == {"guid": "test_00001", **SECOND[name]}
    assert [{**row, "guid": ""} for row in train] == [{**row, "guid": ""} for row in test]


@pytest.mark.parametrize("numbered", [True, False], ids=["class labels", "numbers"])
@pytest.mark.parametrize("name", KOBEST)
def test_the_hubs_copy_gives_the_rows_of_the_files(
    name: str, numbered: bool, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hub:klue`, the default, means KoBEST's own data set here. Labels are class labels, or plain numbers."""
    datasets = pytest.importorskip("datasets")
    rows, task = read_split(name, released, "dev").rows, OTHERS[name]
    records = [{key: value for key, value in row.items() if key != "guid"} | {"label": task.labels.index(row["label"])} for row in rows]  # fmt: skip
    table = datasets.Dataset.from_list(records)
    if numbered:
        table = table.cast_column("label", datasets.ClassLabel(names=list(task.labels)))
    calls = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: calls.append((args, options)) or table)
    monkeypatch.setattr("klue_eval.data.hub_copy.hub_commit", lambda data: COMMIT)
    assert read_split(name, "hub:klue", "dev").rows == rows
    assert read_split(name, f"hub:skt/kobest_v1@{COMMIT}", "dev").rows == rows
    wanted = (("hf://datasets/skt/kobest_v1", name.removeprefix("kobest_")), {"split": "test", "revision": COMMIT})
    assert calls == [wanted, wanted]


def test_tasks_of_two_data_sets_are_identified_by_both_commits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("klue_eval.task_data.hub_commit", lambda place: f"commit of {place}")
    config = EvaluationConfig.parse({"tasks": ["ynat", "kobest_copa"], "data": "hub:klue"})
    found = hash_data(config, tmp_path)
    assert (found["ynat_dev"], found["kobest_copa_dev"]) == ("commit of hub:klue", "commit of hub:skt/kobest_v1")


@pytest.mark.parametrize("other", KOBEST)
@pytest.mark.parametrize("name", KOBEST)
def test_the_file_of_another_task_is_refused_in_one_line_that_names_both_schemas(
    name: str, other: str, tmp_path: Path
) -> None:
    if name == other:
        return
    folder = write_kobest(tmp_path)
    (folder / KOBEST[name][0] / "test.tsv").write_text(f"{KOBEST[other][1]}\n{KOBEST[other][2]}", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"test\.tsv, row 1: has the columns .*; the copy on the Hub has .*\(task"
    ) as refused:
        read_split(name, str(folder), "dev")
    assert "\n" not in str(refused.value)
    assert all(column in str(refused.value) for column in (*KOBEST[other][1].split("\t"), *SECOND[name]))


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("kobest_boolq", "1\t글\t질문\tMaybe", "`Answer` is 'maybe'; known: false, true"),
        ("kobest_copa", "1\t컵을 떨어뜨렸다.\t이유\t가\t나\t1", "`question` is '이유'; known: 원인, 결과"),
        ("kobest_copa", "1\t컵을 떨어뜨렸다.\t결과\t가\t나\t0", "`Answer` is '0'; known: 1, 2"),
        ("kobest_hellaswag", "이야기\t가\t나\t다\t라\t4", "`label` is '4'; known: 0, 1, 2, 3"),
        ("kobest_hellaswag", "이야기\t가\t나\t다\t\t1", "`choice4` is ''; it must be a text"),
        ("kobest_sentineg", "1\t좋아요\t1\t남는 칸", "has more cells than the header"),
        ("kobest_copa", "1\t컵을 떨어뜨렸다.\t결과\t가", "has fewer cells than the header"),
        ("kobest_boolq", '1\t"글\t질문\tTrue\n2\t글"\t질문\tTrue', "a cell runs over several lines; a quotation mark"),
    ],
)
def test_a_wrong_row_is_named(name: str, row: str, message: str, tmp_path: Path) -> None:
    folder = write_kobest(tmp_path)
    (folder / KOBEST[name][0] / "train.tsv").write_text(f"{KOBEST[name][1]}\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"train.tsv, row 1: {message}"):
        read_split(name, str(folder), "train")


@pytest.mark.parametrize(("encoding", "line"), [("cp949", 2), ("utf-16-le", 1)])
def test_a_file_that_is_not_utf_8_is_named_with_the_way_to_convert_it(encoding: str, line: int, tmp_path: Path) -> None:
    path = write_kobest(tmp_path) / "COPA" / "test.tsv"
    path.write_text("\ufeff" * encoding.startswith("utf") + path.read_text(encoding="utf-8"), encoding=encoding)
    with pytest.raises(
        InputError, match=f"^test.tsv, line {line}: not UTF-8. It looks like {encoding[:3].upper()}"
    ) as refused:
        read_split("kobest_copa", str(tmp_path), "dev")
    assert "iconv -f" in str(refused.value)


# --- metrics ----------------------------------------------------------------------------------------------------------


@given(lists(tuples(*[sampled_from(OTHERS["kobest_hellaswag"].labels)] * 2), min_size=1, max_size=40))
@settings(max_examples=60)
def test_the_scores_equal_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    predictions, labels = [first for first, _ in pairs], [second for _, second in pairs]
    found = OTHERS["kobest_hellaswag"].metrics.official(predictions, [{"label": label} for label in labels])
    assert found["macro_f1"] == pytest.approx(100 * f1_score(labels, predictions, average="macro"))
    assert found["accuracy"] == pytest.approx(100 * accuracy_score(labels, predictions))


# --- the head ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["bert", "xlnet", "gpt2"])
def any_model(request: pytest.FixtureRequest, tiny_bert: Path, tiny_bytes: Any, tmp_path: Path) -> Path:
    """A family with a class for choices, one that reads the last position, and a decoder without such a class."""
    torch.manual_seed(0)
    if request.param == "bert":
        return tiny_bert
    if request.param == "xlnet":
        pytest.importorskip("sentencepiece", reason="SentencePiece is not installed (the extra `sentencepiece`)")
        return write_layout("xlnet", tmp_path / "xlnet", [rows for _, _, rows in KOBEST.values()]).parent
    from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer

    config = GPT2Config(vocab_size=640, n_embd=16, n_layer=1, n_head=2, pad_token_id=None)
    GPT2Model(config).save_pretrained(tmp_path / "gpt2")
    auto_tokenizer(tiny_bytes.tokenizer).save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"


@pytest.mark.parametrize("name", CHOICES)
@torch.no_grad()
def test_a_choice_is_scored_alike_alone_and_among_longer_rows(name: str, any_model: Path, released: str) -> None:
    task, rows = OTHERS[name], read_split(name, released, "dev").rows
    require_tasks(any_model, [name])
    reader = Reader(load_tokenizer(any_model), 64)
    model = load_model(task, any_model, "pretrained", task.defaults, reader).eval()
    known = accepted_inputs(model.encoder, ("input_ids", "token_type_ids"))
    encoded = encode_rows(task, rows, reader, task.defaults).only(known)
    together = model.predict(**batch_of(encoded, np.arange(len(rows)), HEADS[task.head].collate))
    for number, found in enumerate(together):
        alone = model.predict(**batch_of(encoded, np.array([number]), HEADS[task.head].collate))[0]["logits"]
        assert found["logits"] == pytest.approx(alone, abs=1e-5)
        assert len(alone) == len(task.labels)


@pytest.mark.parametrize("name", CHOICES)
@torch.no_grad()
def test_the_head_reads_what_transformers_class_reads(name: str, tiny_bert: Path, released: str) -> None:
    """The same weights, and the same texts as transformers' tokenizer lays them out: [B, C, L]."""
    task, rows = OTHERS[name], read_split(name, released, "dev").rows
    tokenizer = load_tokenizer(tiny_bert)
    reader = Reader(tokenizer, 64)
    model = load_model(task, tiny_bert, "pretrained", task.defaults, reader).eval()
    reference = AutoModelForMultipleChoice.from_pretrained(tiny_bert, attn_implementation="eager").eval()
    reference.load_state_dict(model.encoder.state_dict())
    pairs = [(task.show(row)["context"], row[label]) for row in rows for label in task.labels]
    columns = tokenizer(
        [first for first, _ in pairs], [second for _, second in pairs], padding=True, return_tensors="pt"
    )
    shape = (len(rows), len(task.labels), -1)
    expected = reference(**{key: column.view(shape) for key, column in columns.items()}).logits.numpy()
    encoded = encode_rows(task, rows, reader, task.defaults)
    found = model.predict(**batch_of(encoded, np.arange(len(rows)), HEADS[task.head].collate))
    assert np.stack([values["logits"] for values in found]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "training"), [("kobest_copa", "finetune"), ("kobest_hellaswag", "finetune"), ("kobest_hellaswag", "probe")]
)
def test_a_tiny_model_learns_the_choices(name: str, training: str, tiny_bert: Path, released: str) -> None:
    task, rows = OTHERS[name], read_split(name, released, "train").rows
    chosen = task_settings(
        name, {"learning_rate": 2e-3 if training == "finetune" else 3e-2, "epochs": 25, "batch_size": 2}
    )
    trial = Trial(task, chosen, "pretrained", 42, 0, "32-true", training=training)
    outcome = finetune(tiny_bert, trial, rows, rows)
    assert outcome.predictions == [task.gold(row) for row in rows]
    assert outcome.truncated == {"train": 0, "scored": 0}
