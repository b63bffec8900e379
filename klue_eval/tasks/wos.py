"""WoS, dialogue state tracking: after each turn of the user, the value of each of 45 slots.

The state is generated slot by slot (TRADE: Wu et al. 2019): a gate decides for none, dontcare, yes, no, or a generated
value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from klue_eval.metrics import METRICS
from klue_eval.metrics.wos_metrics import NONE, gold_states
from klue_eval.task import KlueTask, TaskSettings, list_field, text_field
from klue_eval.token_reader import Reader
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue

_DOMAINS: Mapping[str, Sequence[str]] = {
    "관광": ("경치 좋은", "교육적", "도보 가능", "문화 예술", "역사적", "이름", "종류", "주차 가능", "지역"),
    "숙소": (
        "가격대", "도보 가능", "수영장 유무", "스파 유무", "예약 기간", "예약 명수", "예약 요일", "이름", "인터넷 가능",
        "조식 가능", "종류", "주차 가능", "지역", "헬스장 유무", "흡연 가능",
    ),
    "식당": (
        "가격대", "도보 가능", "야외석 유무", "예약 명수", "예약 시간", "예약 요일", "이름", "인터넷 가능", "종류",
        "주류 판매", "주차 가능", "지역", "흡연 가능",
    ),
    "지하철": ("도착지", "출발 시간", "출발지"),
    "택시": ("도착 시간", "도착지", "종류", "출발 시간", "출발지"),
}  # fmt: skip
SLOTS = tuple(f"{domain}-{name}" for domain, names in _DOMAINS.items() for name in names)
"""With the names and in the order of the ontology."""
GATES = (NONE, "dontcare", "ptr", "yes", "no")
"""`ptr`: the value is generated."""
ROLES = ("user", "sys")


class WosSettings(TaskSettings):
    teacher_forcing: float = Field(0.5, ge=0, le=1)
    """Share of training batches in which the generator reads the gold tokens instead of those it wrote."""
    max_value: int = Field(10, ge=2)
    """Most tokens that are generated for a value, with the one that ends it."""


def read(record: Mapping[str, Any]) -> Row | None:
    turns = list_field(record, "dialogue")
    states = [turn["state"] for turn in turns if turn["role"] == "user"]
    if states and all(state is None for state in states):
        return None
    return {
        "guid": record["guid"],
        "domains": list_field(record, "domains"),
        "dialogue": [_turn(turn, place) for place, turn in enumerate(turns)],
    }


def _turn(turn: Mapping[str, Any], place: int) -> dict[str, Any]:
    """The user starts, and the two alternate."""
    if turn["role"] != ROLES[place % 2]:
        raise WrongValue(
            "turn {place} is {role!r}'s, out of order: it must be {expected!r}'s",
            place=place + 1,
            role=turn["role"],
            expected=ROLES[place % 2],
        )
    state = turn["state"] if turn["role"] == "user" else turn.get("state") or []
    if not isinstance(state, list):
        raise WrongValue(
            "turn {place}: `state` is {state!r}; it must be a list of domain-slot-value",
            place=place + 1,
            state=state,
        )
    for entry in state:
        if split_entry(entry)[0] not in SLOTS:
            raise WrongValue("turn {place}: {entry!r} does not name a slot of WoS", place=place + 1, entry=entry)
    return {"role": turn["role"], "text": text_field(turn, "text"), "state": state}


def split_entry(entry: str) -> tuple[str, str]:
    """`숙소-예약 요일-토요일` -> (`숙소-예약 요일`, `토요일`). A value may contain a hyphen. Raises ValueError."""
    parts = str(entry).split("-", 2)
    if len(parts) < 3 or not parts[2].strip():
        raise WrongValue("{entry!r} is not a domain-slot-value", entry=entry)
    return f"{parts[0]}-{parts[1]}", parts[2]


def encode(row: Row, reader: Reader, settings: WosSettings) -> list[Example]:
    """One example for each turn of the user: the dialogue so far, with [SEP] between turns. A long one loses its
    beginning.

    `target`: a gate for each of 45 slots, and the tokens of its value, which may be `none`, with the [SEP] that ends
    it.
    """
    history: list[int] = []
    examples = []
    for place, turn in enumerate(row["dialogue"]):
        if turn["role"] != "user":
            continue
        before = reader.ids(row["dialogue"][place - 1]["text"]) if place else []
        history = [*history, *reader.separator, *before, *reader.separator, *reader.ids(turn["text"])]
        cut = len(history) > reader.room
        target = _target(turn["state"], reader)
        examples.append(reader.example(history[-reader.room :], target=target, memo=reader, truncated=cut))
    return examples


def slot_words(slot: str) -> str:
    """The words from which the generator starts a slot: `숙소 예약 요일`."""
    return slot.replace("-", " ")


def _target(state: Sequence[str], reader: Reader) -> tuple[list[int], list[list[int]]]:
    values = dict(split_entry(entry) for entry in state)
    gates, tokens = [], []
    for slot in SLOTS:
        value = values.get(slot, NONE)
        gates.append(GATES.index(value) if value in GATES and value != "ptr" else GATES.index("ptr"))
        tokens.append([*reader.ids(value), *reader.separator])
    return gates, tokens


def decode(answers: Sequence[Answer], row: Row) -> list[list[str]]:
    """Decodes like KLUE's released code. A WordPiece tokenizer puts spaces around punctuation, and they are removed
    only around `:` and `,`, so that a value with a hyphen or a full stop is never right."""
    return [_state(answer) for answer in answers]


def _state(answer: Answer) -> list[str]:
    reader: Reader = answer.example.memo
    entries = []
    for slot, gate, tokens in zip(SLOTS, answer.values["gates"].argmax(-1), answer.values["tokens"], strict=True):
        value = GATES[gate]
        if value == "ptr":
            value = reader.text_of(tokens.tolist()).replace(" : ", ":").replace(" , ", ", ").replace("##", "")
        if value != NONE:
            entries.append(f"{slot}-{value}")
    return entries


def gold(row: Row) -> list[list[str]]:
    return gold_states(row)


ASKED = "asked"
"""The places of the turns whose states are written. All turns of the user, if a row does not name them."""
SPEAKERS = {"user": "사용자", "sys": "상담원"}
BETWEEN, BETWEEN_TURNS, EMPTY = "|", "/ 다음", "없음"


def parts(row: Row) -> list[Row]:
    """The dialogue up to each turn of the user: its state must not know what is said later."""
    return [row | {"dialogue": row["dialogue"][: place + 1], ASKED: [place]} for place in _asked(row)]


def _asked(row: Row) -> list[int]:
    users = [place for place, turn in enumerate(row["dialogue"]) if turn["role"] == "user"]
    asked: list[int] = row.get(ASKED, users)
    return asked


def as_text(row: Row) -> tuple[str, str]:
    """`사용자: … 상담원: …`, and the state: `숙소-지역: 서울 남쪽 | 숙소-종류: 호텔`, or `없음`."""
    source = " ".join(f"{SPEAKERS[turn['role']]}: {turn['text']}" for turn in row["dialogue"])
    states = (row["dialogue"][place]["state"] for place in _asked(row))
    return source, f" {BETWEEN_TURNS} ".join(_written(state) for state in states)


def _written(state: Sequence[str]) -> str:
    values = dict(split_entry(entry) for entry in state)
    return f" {BETWEEN} ".join(f"{slot}: {values[slot]}" for slot in SLOTS if slot in values) or EMPTY


def parse(text: str, row: Row) -> list[list[str]]:
    """Of a slot that is written twice, the first value counts. What names no slot is left out."""
    written = text.split(BETWEEN_TURNS)
    return [_parsed(written[turn] if turn < len(written) else "") for turn in range(len(_asked(row)))]


def _parsed(text: str) -> list[str]:
    values: dict[str, str] = {}
    for entry in text.split(BETWEEN):
        slot, _, value = (part.strip() for part in entry.partition(": "))
        if slot in SLOTS and value:
            values.setdefault(slot, value)
    return [f"{slot}-{values[slot]}" for slot in SLOTS if slot in values]


def show(row: Row) -> dict[str, str]:
    return {"dialogue": "\n".join(f"{turn['role']}: {turn['text']}" for turn in row["dialogue"])}


TASK = KlueTask(
    name="wos",
    version=2,
    title="WoS",
    dataset="WoS v1.1: 8,000 train and 1,000 dev dialogues, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.8",
    labels=SLOTS,
    read=read,
    encode=encode,
    head="state",
    decode=decode,
    gold=gold,
    show=show,
    as_text=as_text,
    parse=parse,
    parts=parts,
    longest_answer=512,
    metrics=METRICS["wos"],
    primary_metric="slot_f1",
    defaults=WosSettings(learning_rate=3e-5, batch_size=16, epochs=5, weight_decay=0.01, max_length=510),
    sizes={"train": 8_000, "dev": 1_000},
)
