"""NER: the characters of a sentence -> 13 labels in IOB2.

A token learns the label of its first character. Its prediction is spread over its characters: the first one gets it as
it is, the others with I- instead of B-.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klue_eval.layouts import columns
from klue_eval.metrics import METRICS
from klue_eval.metrics.ner_metrics import LABELS, SPACE, TYPES, Entity, entities
from klue_eval.task import KlueTask, Mistyping, TaskSettings, known_label, list_field
from klue_eval.token_reader import Reader, Token
from klue_eval.values import Answer, Example, Row
from kobert_pipeline.ground.errors import WrongValue


def read(record: Mapping[str, Any]) -> Row | None:
    """The TSV has `characters` and `labels`, the Hub's copy `tokens` and `ner_tags`. Spaces are characters."""
    characters = list_field(record, "characters", "tokens")
    if any(not isinstance(character, str) or len(character) != 1 for character in characters):
        raise WrongValue("`characters` must be single characters: {characters!r:.60}", characters=characters)
    if not "".join(characters).strip():
        raise WrongValue("the sentence is empty")
    labels = list_field(record, "labels", "ner_tags", length=len(characters))
    if all(label in (None, "") for label in labels):
        return None
    known = [known_label(label, f"labels[{place}]", LABELS) for place, label in enumerate(labels)]
    return {"guid": record["guid"], "characters": characters, "labels": known}


@dataclass(frozen=True)
class Memo:
    """The positions of the tokens in the sentence."""

    tokens: Sequence[Token]
    """The tokens that the model reads, without special tokens."""
    first: int
    """Position of the first of them in the example."""
    eojeols: Sequence[Sequence[Token]]
    """All tokens of the sentence, eojeol by eojeol."""
    unknown: int | None
    """Id of [UNK]."""
    max_length: int


def encode(row: Row, reader: Reader, settings: TaskSettings) -> list[Example]:
    """`target`: [L] indices of labels, -100 at special tokens."""
    tokens = reader.tokens("".join(row["characters"]))
    seen = tokens[: reader.room]
    labels = [LABELS.index(row["labels"][token.start]) for token in seen]
    target = [-100] * len(reader.prefix) + labels + [-100] * len(reader.suffix)
    memo = Memo(
        tokens=seen,
        first=len(reader.prefix),
        eojeols=list(_eojeols(row["characters"], tokens)),
        unknown=reader.unknown,
        max_length=reader.max_length,
    )
    return [reader.example([token.id for token in tokens], target=target, memo=memo)]


def decode(answers: Sequence[Answer], row: Row) -> list[str]:
    """Decodes by exact character offsets. Characters without a token are O: spaces, and text that was cut off."""
    memo: Memo = answers[0].example.memo
    predicted = _best(answers[0])[memo.first :]
    labels = ["O"] * len(row["characters"])
    taken = 0
    for token, label in zip(memo.tokens, predicted, strict=False):
        for place in range(max(token.start, taken), token.end):
            if row["characters"][place] != SPACE:
                labels[place] = label if place == token.start else inside(label)
        taken = max(taken, token.end)
    return labels


def decode_officially(answers: Sequence[Answer], row: Row) -> list[str | None]:
    """Decodes like KLUE's released code: two labels more than characters, and misaligned after an eojeol with [UNK].

    * The first label is the model's at [CLS]. The last is read from the last position of the padded batch, which is not
      [SEP] but padding, for which the model was not trained. There, batches are padded to 510; here, to their longest
      row, for which the last position is [SEP].
    * The characters of an eojeol with [UNK] are found by walking along it (`_unknown_eojeol`). The walk gives a longer
      known token one label instead of one for each character, and moves on by one token too few. Everything after it in
      the sentence is read from the wrong token and written to the wrong character.
    * None from the character on for which no label was left.
    """
    answer, memo = answers[0], answers[0].example.memo
    predicted = [*_best(answer)[: len(answer.example.input_ids)], LABELS[int(answer.values["last"].argmax())]]
    walked = _walk(memo, predicted, "".join(row["characters"]).split(SPACE))
    labels = ["O" if character == SPACE else next(walked, None) for character in row["characters"]]
    return [predicted[answer.example.cls], *labels, predicted[-1]]


def inside(label: str) -> str:
    """The label of the characters after a token's first one."""
    return label.replace("B-", "I-", 1)


def gold(row: Row) -> list[str]:
    return list(row["labels"])


def perturb(row: Row, mistype: Mistyping) -> Row:
    """Labels go with their characters. An inserted space is inside an entity if the character after it is.

    Raises ValueError if an entity would begin or end at another letter than before.
    """
    found = mistype("".join(row["characters"]))
    labels: list[str] = []
    for place in reversed(found.sources):
        after = labels[-1] if labels else "O"
        labels.append(row["labels"][place] if place is not None else after if after.startswith("I-") else "O")
    changed = row | {"characters": list(found.text), "labels": labels[::-1]}
    if _borders(changed) != _borders(row):
        raise WrongValue("would move the border of an entity; leave the row out, or do not perturb this task")
    return changed


def _borders(row: Row) -> tuple[int, list[Entity]]:
    """The number of letters, and the entities among them: spaces do not count, as in the scores."""
    labels = [label for character, label in zip(row["characters"], row["labels"], strict=True) if character != SPACE]
    return len(labels), list(entities(labels))


def _best(answer: Answer) -> list[str]:
    """[L] the likeliest label at each position of the example."""
    return [LABELS[index] for index in answer.values["logits"].argmax(-1)]


def _eojeols(characters: Sequence[str], tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each stretch between two spaces, in order. An eojeol may have none."""
    start = 0
    for eojeol in "".join(characters).split(SPACE):
        yield [token for token in tokens if start <= token.start < start + len(eojeol)]
        start += len(eojeol) + 1


def _walk(memo: Memo, predicted: Sequence[str], eojeols: Sequence[str]) -> Iterator[str]:
    """Labels of the characters that are not spaces, as KLUE's released code reads them."""
    place, last = memo.first, memo.max_length - 1
    for text, tokens in zip(eojeols, memo.eojeols, strict=True):
        if any(token.id == memo.unknown for token in tokens):
            labels, place = _unknown_eojeol(text, tokens, memo.unknown, predicted, place, last)
            yield from labels
            continue
        for token in tokens:
            if place >= last:
                return
            label = predicted[place]
            yield from (label if number == 0 else inside(label) for number in range(token.end - token.start))
            place += 1


def _unknown_eojeol(
    text: str, tokens: Sequence[Token], unknown: int | None, predicted: Sequence[str], place: int, last: int
) -> tuple[list[str], int]:
    """Labels of an eojeol with [UNK], and the position from which the walk continues.

    A known token gets one label and moves on by one. [UNK] and the characters that count as its rest do not move on.
    The known token after them does, but it is not counted itself: the next one reads the same position again.
    """
    labels: list[str] = []
    pending = False
    for kind in _aligned(text, tokens, unknown):
        if place >= last:
            break
        if kind == "rest":
            labels.append(inside(predicted[place]))
        elif kind == "unknown":
            labels.append(predicted[place])
            pending = True
        elif pending:
            place, pending = place + 1, False
            labels.append(predicted[place])
        else:
            labels.append(predicted[place])
            place += 1
    return labels, place


def _aligned(text: str, tokens: Sequence[Token], unknown: int | None) -> Iterator[str]:
    """`known`, `unknown` or `rest` (a further character of an [UNK]), one for each label that the eojeol gets.

    An [UNK] counts as one character. Its rest goes up to the first character of the next known token, or to the end of
    the eojeol.
    """
    here, number, rest = 0, 0, False
    while here < len(text):
        token, followers = tokens[number], tokens[number + 1 :]
        yield "rest" if rest else "unknown" if token.id == unknown else "known"
        here += 1 if token.id == unknown else token.end - token.start
        if not followers:
            rest = True
        elif token.id == unknown and followers[0].id != unknown:
            begin = followers[0].start - tokens[0].start
            rest = text[here : here + 1] != text[begin]
            number += not rest
        else:
            number, rest = number + 1, False


def show(row: Row) -> dict[str, str]:
    return {"sentence": "".join(row["characters"])}


WORDS = dict(zip(TYPES, ("인물", "장소", "기관", "날짜", "시간", "수량"), strict=True))
BETWEEN, NONE = " | ", "없음"


def as_text(row: Row) -> tuple[str, str]:
    """`인물: 이순신 | 장소: 서울`, in the order of the sentence."""
    sentence = "".join(row["characters"])
    named = [f"{WORDS[kind]}: {sentence[start:end]}" for start, end, kind in entities(row["labels"])]
    return sentence, BETWEEN.join(named) or NONE


def parse(text: str, row: Row) -> list[str]:
    """Each entity is the first place with its text after the entity before it. What the sentence does not have is left out."""
    sentence, labels, begin = "".join(row["characters"]), ["O"] * len(row["characters"]), 0
    types = {word: kind for kind, word in WORDS.items()}
    for part in text.split(BETWEEN.strip()):
        word, _, entity = part.strip().partition(": ")
        place = sentence.find(entity, begin) if entity and word in types else -1
        if place >= 0:
            begin = place + len(entity)
            labels[place:begin] = [f"B-{types[word]}", *[f"I-{types[word]}"] * (len(entity) - 1)]
    return labels


TASK = KlueTask(
    name="ner",
    version=1,
    title="NER",
    dataset="KLUE-NER v1.1: 21,008 train and 5,000 dev sentences, CC BY-SA 4.0",
    paper="Park et al. 2021, section 3.4",
    labels=LABELS,
    read=read,
    encode=encode,
    head="tagging",
    decode=decode,
    decode_officially=decode_officially,
    gold=gold,
    show=show,
    perturb=perturb,
    as_text=as_text,
    parse=parse,
    metrics=METRICS["ner"],
    primary_metric="character_f1",
    defaults=TaskSettings(epochs=3, warmup_share=0.0, max_length=510),
    sizes={"train": 21_008, "dev": 5_000},
    layouts={".tsv": columns(("characters", "labels"))},
)
