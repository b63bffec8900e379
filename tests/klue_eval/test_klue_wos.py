"""WoS: dialogues in turns, states as gates and tokens, and the two scores of a state."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sets, tuples

from klue_eval.batches import batch_of, encode_rows
from klue_eval.data import SAMPLE, read_rows, read_split
from klue_eval.encoders import load_model, load_tokenizer
from klue_eval.heads import state
from klue_eval.heads.head import IGNORED
from klue_eval.heads.state import StateModel
from klue_eval.metrics import METRICS
from klue_eval.tasks import KNOWN
from klue_eval.tasks.wos import GATES, SLOTS, TASK, decode, encode, split_entry
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example
from kobert_pipeline.ground.errors import InputError

OFFICIAL, CORRECTED = METRICS["wos"].official, METRICS["wos"].corrected


def dialogue(*states: Sequence[str]) -> dict[str, Any]:
    turns = [
        turn
        for state in states
        for turn in (
            {"role": "user", "text": "안녕하세요", "state": list(state)},
            {"role": "sys", "text": "네", "state": []},
        )
    ]
    return {"guid": "wos-1", "domains": ["숙소"], "dialogue": turns}


states = lists(tuples(sets(integers(0, 5)), sets(integers(0, 5))), min_size=1, max_size=8)


@given(states)
@settings(max_examples=60)
def test_scores_equal_their_definitions(turns: list[tuple[set[int], set[int]]]) -> None:
    entries = [[[f"{SLOTS[number]}-값" for number in side] for side in turn] for turn in turns]
    predictions, row = [[turn[0] for turn in entries]], dialogue(*(turn[1] for turn in entries))
    official, corrected = OFFICIAL(predictions, [row]), CORRECTED(predictions, [row])
    assert official["joint_goal_accuracy"] == pytest.approx(100 * np.mean([said == gold for said, gold in turns]))
    each = [2 * len(said & gold) / (len(said) + len(gold)) if said or gold else 1.0 for said, gold in turns]
    assert official["slot_f1"] == pytest.approx(100 * np.mean(each))
    hits, both = sum(len(said & gold) for said, gold in turns), sum(len(said) + len(gold) for said, gold in turns)
    assert corrected["slot_f1"] == pytest.approx(100 * 2 * hits / both if both else 100)


def test_the_official_slot_f1_is_a_mean_over_turns() -> None:
    row = dialogue([], ["숙소-종류-호텔", "숙소-지역-서울 북쪽", "숙소-가격대-저렴"])
    predictions = [[[], ["숙소-종류-호텔"]]]
    assert OFFICIAL(predictions, [row])["slot_f1"] == pytest.approx((100 + 100 * 2 / 4) / 2)
    assert CORRECTED(predictions, [row])["slot_f1"] == pytest.approx(100 * 2 / 4)


def test_a_slot_without_a_value_is_not_an_entry() -> None:
    row = dialogue(["숙소-종류-호텔", "숙소-지역-none"])
    for arithmetic in (OFFICIAL, CORRECTED):
        assert set(arithmetic([[["숙소-종류-호텔", "숙소-이름-none"]]], [row]).values()) == {100.0}


def test_a_missing_turn_is_refused() -> None:
    with pytest.raises(ValueError, match="wos-1: 1 states for 2 user turns"):
        OFFICIAL([[[]]], [dialogue([], [])])


# --- encoding and decoding --------------------------------------------------------------------------------------------


def test_there_are_45_slots_and_each_is_named_once() -> None:
    assert len(SLOTS) == len(set(SLOTS)) == 45


def test_a_turn_reads_the_dialogue_so_far_and_only_its_end_if_it_is_long(tokenizer: Any) -> None:
    row = read_split("wos", SAMPLE, "train").rows[5]
    examples = encode(row, Reader(tokenizer, 512), TASK.defaults)
    assert len(examples) == 3
    said = [row["dialogue"][place]["text"] for place in (0, 1, 2)]
    parts = [[tokenizer.sep_token_id], [tokenizer.sep_token_id], *(ids(tokenizer, text) for text in said)]
    expected = [2, *parts[0], *parts[1], *parts[2], 3, *parts[3], 3, *parts[4], 3]
    assert list(examples[1].input_ids) == expected
    short = encode(row, Reader(tokenizer, 12), TASK.defaults)[1]
    assert list(short.input_ids) == [2, *expected[-11:]]
    assert short.truncated


def ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


@pytest.mark.parametrize("split", ["train", "dev"])
def test_gold_gates_and_tokens_give_the_gold_state(split: str, tokenizer: Any) -> None:
    rows = read_split("wos", SAMPLE, split).rows
    for row in rows:
        answers = []
        for example in encode(row, Reader(tokenizer, 192), TASK.defaults):
            gates, values = example.target
            width = max(len(value) for value in values)
            tokens = np.array([[*value, *[0] * (width - len(value))] for value in values])
            answers.append(Answer(example, {"gates": np.eye(len(GATES))[gates], "tokens": tokens}))
        assert set(OFFICIAL([decode(answers, row)], [row]).values()) == {100.0}


def test_a_hyphen_in_a_value_does_not_come_back(wordpiece: Callable[[Sequence[str]], Any]) -> None:
    reader = Reader(wordpiece(["가", "-", "나", ":"]), 64)
    gates = np.zeros((45, len(GATES)))
    gates[:, 0] = 1
    gates[SLOTS.index("숙소-이름"), 2] = gates[SLOTS.index("택시-출발 시간"), 2] = 2
    tokens = np.full((45, 4), 3)
    tokens[SLOTS.index("숙소-이름"), :3] = reader.ids("가-나")
    tokens[SLOTS.index("택시-출발 시간"), :3] = reader.ids("가:나")
    answer = Answer(Example([], [], memo=reader), {"gates": gates, "tokens": tokens})
    assert decode([answer], {}) == [["숙소-이름-가 - 나", "택시-출발 시간-가:나"]]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_value_may_contain_a_hyphen() -> None:
    assert split_entry("식당-이름-맛-집") == ("식당-이름", "맛-집")


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (1, {"role": "user"}, "turn 2 is 'user''s, out of order: it must be 'sys''s"),
        (0, {"state": ["숙소-층수-3"]}, "turn 1: '숙소-층수-3' does not name a slot of WoS"),
        (0, {"state": ["숙소-이름"]}, "'숙소-이름' is not a domain-slot-value"),
        (0, {"text": " "}, "`text` is ' '"),
        (2, {"state": "숙소"}, "turn 3: `state` is '숙소'"),
    ],
)
def test_a_bad_turn_is_named_by_file_and_row(tmp_path: Path, place: int, change: dict[str, Any], message: str) -> None:
    row = dialogue([], ["숙소-종류-호텔"])
    row["dialogue"][place].update(change)
    path = tmp_path / "wos_dev.json"
    path.write_text(json.dumps([dialogue([]), row]), encoding="utf-8")
    with pytest.raises(InputError, match=rf"wos_dev.json, row 2: {message}"):
        read_rows("wos", path)


def test_dialogues_without_states_are_skipped_and_counted(tmp_path: Path) -> None:
    hidden = dialogue([])
    hidden["dialogue"][0]["state"] = None
    path = tmp_path / "wos_dev.json"
    path.write_text(json.dumps([hidden, dialogue([])]), encoding="utf-8")
    assert len(read_rows("wos", path)) == 1


@pytest.fixture(scope="module")
def slots_of_all(talking_bert: Path) -> tuple[StateModel, dict[str, Any]]:
    """A model that has not learned, and a batch of the sample. Its gates differ: some point to a value, some do not."""
    reader, task = Reader(load_tokenizer(talking_bert), 128), KNOWN["wos"]
    torch.manual_seed(0)
    model = load_model(task, talking_bert, "pretrained", task.defaults, reader)
    assert isinstance(model, StateModel)
    encoded = encode_rows(task, read_split("wos", SAMPLE, "train").rows[:3], reader, task.defaults)
    batch = batch_of(encoded, np.arange(6), state.collate)
    gates = np.stack([values["gates"] for values in model.eval().predict(**batch)])
    pointer = GATES.index("ptr")
    behind = np.delete(gates, pointer, axis=-1).max(-1) - gates[:, :, pointer]
    with torch.no_grad():
        model.gate.bias[pointer] += float(np.median(behind))
    return model, batch


def in_full(model: StateModel, batch: dict[str, Any], teacher: torch.Tensor | None) -> tuple[list[Any], torch.Tensor]:
    """Every step of every slot: the choices, and the tokens [B, S, K] that were likeliest."""
    dialogue, hidden, word = model._begin(batch["inputs"], batch["labels"]["cls"])
    choices, tokens = [], []
    for place in range(model.settings.max_value if teacher is None else teacher.shape[2]):
        step = model._step(batch["inputs"], dialogue, hidden, word)
        everything = torch.ones(step.hidden.shape[:2], dtype=torch.bool)
        choices.append(model._choice(step, batch["inputs"]["input_ids"], everything))
        tokens.append(state._likeliest(choices[-1]).view(everything.shape))
        hidden, word = step.hidden, model._embed(tokens[-1] if teacher is None else teacher[:, :, place])
    return choices, torch.stack(tokens, dim=2)


def test_values_are_those_of_generating_every_slot_to_the_end(slots_of_all: Any) -> None:
    model, batch = slots_of_all
    with torch.no_grad():
        _, tokens = in_full(model, batch, None)
        found = model.predict(**batch)
    points = np.stack([values["gates"].argmax(-1) for values in found]) == GATES.index("ptr")
    assert 0.05 < points.mean() < 0.95, "both kinds of slots occur"
    specials = set(np.flatnonzero(model.ends.numpy()).tolist())
    for values, rows, pointed in zip(found, tokens.numpy(), points, strict=True):
        for value, row, points_to_it in zip(values["tokens"], rows, pointed, strict=True):
            if points_to_it:
                stop = next((place for place, token in enumerate(row.tolist()) if token in specials), len(row))
                assert value[: stop + 1].tolist() == row[: stop + 1].tolist()
            else:
                assert not value.any()


def test_the_loss_counts_the_tokens_of_values_alone(slots_of_all: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = slots_of_all
    labels = batch["labels"]["tokens"]
    known, teacher = labels.ne(IGNORED), labels.clamp_min(0)
    choices, _ = in_full(model, batch, teacher)
    logs = [state._log_probability(choice, teacher[:, :, place].flatten()) for place, choice in enumerate(choices)]
    values = -(torch.stack(logs, dim=1).view(-1, len(logs))[known.flatten(0, 1)]).mean()
    first = model._step(batch["inputs"], *model._begin(batch["inputs"], batch["labels"]["cls"]))
    gates = torch.nn.functional.cross_entropy(model._gates(first).flatten(0, 1), batch["labels"]["gates"].flatten())
    monkeypatch.setattr(torch, "rand", lambda *_: torch.tensor(0.0))
    assert model.loss(**batch).item() == pytest.approx((values + gates).item(), rel=1e-5)
