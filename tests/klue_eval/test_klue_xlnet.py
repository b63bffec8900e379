"""XLNet: [CLS] comes last and is a segment of its own. Every head reads what transformers' own classes read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentencepiece_layouts import write_layout
from torch import nn
from transformers import (
    XLNetForQuestionAnsweringSimple,
    XLNetForSequenceClassification,
    XLNetForTokenClassification,
)

from klue_eval.batches import batch_of, encode_rows
from klue_eval.data import SAMPLE, read_split
from klue_eval.encoders import accepted_inputs, load_model, load_tokenizer
from klue_eval.heads import HEADS
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from klue_eval.values import Answer

WORDS = {"ynat": "title", "sts": "sentence1", "mrc": "context"}


@pytest.fixture(scope="module")
def xlnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentencepiece", reason="SentencePiece is not installed (the extra `sentencepiece`)")
    torch.manual_seed(0)
    texts = [row[key] for name, key in WORDS.items() for row in read_split(name, SAMPLE, "train").rows]
    return write_layout("xlnet", tmp_path_factory.mktemp("models") / "xlnet", texts).parent


def loaded(name: str, folder: Path) -> tuple[Any, Any, Reader]:
    """The model with weights large enough to tell inputs apart, its dev rows as it reads them, and the reader."""
    task = TASKS[name]
    torch.manual_seed(1)
    reader = Reader(load_tokenizer(folder, task.added_tokens), 128)
    model = load_model(task, folder, "random", task.defaults, reader).eval()
    for weight in model.encoder.parameters():
        nn.init.normal_(weight, std=0.2)
    known = accepted_inputs(model.encoder, ("input_ids", "token_type_ids"))
    assert known == ["input_ids", "token_type_ids"]
    return model, encode_rows(task, read_split(name, SAMPLE, "dev").rows, reader, task.defaults).only(known), reader


def padded_in_front(encoded: Any, numbers: Any) -> dict[str, torch.Tensor]:
    """The same examples as XLNet's tokenizer pads them: in front, with segment 3."""
    width = int(encoded.lengths[numbers].max())
    columns: dict[str, list[list[int]]] = {"input_ids": [], "token_type_ids": [], "attention_mask": []}
    for example in (encoded.examples[number] for number in numbers):
        front = width - len(example.input_ids)
        columns["input_ids"].append([5] * front + list(example.input_ids))
        columns["token_type_ids"].append([3] * front + list(example.token_type_ids))
        columns["attention_mask"].append([0] * front + [1] * len(example.input_ids))
    return {name: torch.tensor(rows) for name, rows in columns.items()}


def outputs(name: str, model: Any, inputs: dict[str, torch.Tensor]) -> np.ndarray:
    """What transformers' class for the task gives with the same weights, or its summary for WoS."""
    body = getattr(model.encoder, "body", model.encoder)
    if isinstance(body, XLNetForSequenceClassification):
        return body(**inputs).logits.numpy()
    if name == "wos":
        whole = XLNetForSequenceClassification(body.config)
        whole.sequence_summary.summary = model.summary
        return whole.eval().sequence_summary(body(**inputs).last_hidden_state).numpy()
    kind, head = {
        "mrc": (XLNetForQuestionAnsweringSimple, "qa_outputs"), "ner": (XLNetForTokenClassification, "classifier"),
    }[name]  # fmt: skip
    whole = kind(body.config)
    whole.transformer = body
    setattr(whole, head, model.classifier)
    given = whole.eval()(**inputs)
    logits = given.logits if name == "ner" else torch.stack([given.start_logits, given.end_logits], dim=-1)
    return logits.numpy()


@pytest.mark.parametrize("name", ["ynat", "sts", "nli", "re", "ner", "mrc", "wos"])
@torch.no_grad()
def test_a_head_reads_what_transformers_own_class_reads(name: str, xlnet: Path) -> None:
    model, encoded, _ = loaded(name, xlnet)
    numbers = np.argsort(encoded.lengths)[[0, len(encoded.lengths) // 2, -1]]
    batch = batch_of(encoded, numbers, HEADS[TASKS[name].head].collate)
    expected = outputs(name, model, padded_in_front(encoded, numbers))
    if name == "wos":
        _, state, _ = model._begin(batch["inputs"], batch["labels"]["cls"])
        assert state[:, 0].numpy() == pytest.approx(expected, abs=1e-5)
        return
    for row, values in zip(expected, model.predict(**batch), strict=True):
        found = np.stack([values["start"], values["end"]], -1) if name == "mrc" else values["logits"]
        assert found == pytest.approx(row[-len(found) :] if found.ndim == 2 else row, abs=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_cls_and_segments_are_those_of_its_tokenizer(name: str, xlnet: Path) -> None:
    _, encoded, reader = loaded(name, xlnet)
    tokenizer = load_tokenizer(xlnet)
    assert (reader.separator, reader.prefix) == ([tokenizer.sep_token_id], [])
    for example in encoded.examples:
        assert list(example.input_ids).index(tokenizer.cls_token_id) == example.cls == len(example.input_ids) - 1
        assert example.token_type_ids[-1] == 2
    if TASKS[name].texts is not None:
        texts = TASKS[name].texts(read_split(name, SAMPLE, "dev").rows[0])
        own = tokenizer(texts.text, texts.pair, return_token_type_ids=True)
        assert list(encoded.examples[0].input_ids) == own["input_ids"]
        assert list(encoded.examples[0].token_type_ids) == own["token_type_ids"]


@pytest.mark.parametrize("name", TASKS)
@torch.no_grad()
def test_padding_changes_no_answer(name: str, xlnet: Path) -> None:
    model, encoded, _ = loaded(name, xlnet)
    shortest, longest = np.argsort(encoded.lengths)[[0, -1]]
    collate = HEADS[TASKS[name].head].collate
    together, alone = (
        model.predict(**batch_of(encoded, np.array(numbers), collate))[0]
        for numbers in ([shortest, longest], [shortest])
    )
    for key in set(alone) - {"last"}:
        assert together[key][..., : alone[key].shape[-1]] == pytest.approx(alone[key], abs=1e-4)


def test_the_root_of_dp_and_no_answer_of_mrc_are_at_cls(xlnet: Path) -> None:
    _, encoded, _ = loaded("dp", xlnet)
    labels = HEADS["biaffine"].collate(encoded.examples)
    ends = [len(example.input_ids) - 1 for example in encoded.examples]
    assert labels["starts"][:, 0].tolist() == labels["ends"][:, 0].tolist() == ends
    assert labels["pos"][:, 0].tolist() == [0] * len(ends)
    _, encoded, _ = loaded("mrc", xlnet)
    rows = read_split("mrc", SAMPLE, "dev").rows
    without = [
        example for owner, example in zip(encoded.owners, encoded.examples, strict=True) if rows[owner]["is_impossible"]
    ]
    assert without
    assert all(example.target == (example.cls, example.cls) for example in without)
    sure = np.eye(len(without[0].input_ids))[without[0].cls]
    row = next(row for row in rows if row["is_impossible"])
    assert TASKS["mrc"].decode([Answer(without[0], {"start": sure, "end": sure})], row) == ""
