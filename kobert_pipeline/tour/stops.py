"""The stops of the tour, as text: what the sentence is there, and which file makes it so. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from kobert_pipeline.ground.messages import say
from kobert_pipeline.tour.follow import Example, Followed

SEGMENTS = "AB"


@dataclass(frozen=True)
class Stop:
    title: str
    files: tuple[str, ...]
    """Where to read on, from the root of the project."""
    lines: Callable[[Followed], Iterator[str]]


def raw(found: Followed) -> Iterator[str]:
    yield from found.raw.split("\n")


def steps(found: Followed) -> Iterator[str]:
    for name, text in found.cleaned:
        yield f"{name}:"
        yield from (f"  {line}" for line in text.split("\n") if line)


def sentences(found: Followed) -> Iterator[str]:
    for number, sentence in enumerate(found.sentences):
        yield f"{number}  {sentence}"


def found_morphemes(found: Followed) -> Iterator[str]:
    yield " ".join(f"{surface}/{tag}" for surface, tag in found.morphemes)


def vocabulary(found: Followed) -> Iterator[str]:
    pieces = found.vocabulary
    inner = sum(piece.startswith("##") for piece in pieces)
    yield say("{count:,} pieces; {inner:,} of them continue a word (##)", count=len(pieces), inner=inner)
    yield say("ids 0 to 4: {pieces}", pieces=" ".join(pieces[:5]))
    learned = [piece for piece in pieces if not piece.startswith("[unused")]
    yield say("the last five learned: {pieces}", pieces=" ".join(learned[-5:]))


def pieces(found: Followed) -> Iterator[str]:
    yield " ".join(found.pieces)
    yield say("{tokens} tokens for {eojeols} eojeols", tokens=len(found.pieces), eojeols=sum(found.stored.eojeol_start))


def stored(found: Followed) -> Iterator[str]:
    row = found.stored
    yield say("{file}: row {row} of {rows:,}", file=row.file, row=row.row, rows=row.rows)
    yield f"input_ids      {' '.join(map(str, row.ids))}"
    yield f"eojeol_start   {' '.join(str(int(start)) for start in row.eojeol_start)}"
    yield f"paragraph_end  {int(row.paragraph_end)}"


def pair(found: Followed) -> Iterator[str]:
    example = found.example
    for number in (0, 1):
        tokens = [token for token, segment in zip(example.tokens, example.segments, strict=True) if segment == number]
        yield say("segment {segment}: {tokens}", segment=SEGMENTS[number], tokens=" ".join(tokens))
    meaning = say("B follows A") if example.is_next else say("B is from another document")
    yield say(
        "{count} tokens, next_sentence_label {label}: {meaning}",
        count=len(example.tokens),
        label=int(not example.is_next),
        meaning=meaning,
    )


def masked(found: Followed) -> Iterator[str]:
    yield from table(found.example)


def table(example: Example) -> Iterator[str]:
    """One row for each token: place, segment, what the model reads with its id, and the label where there is a loss."""
    heads = [say("place"), say("segment"), say("reads"), "id", "label"]
    rows = [heads, *_rows(example)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(_padded, row, widths, (True, False, False, True, False))).rstrip()


def _rows(example: Example) -> Iterator[list[str]]:
    columns = zip(example.segments, example.shown, example.ids, example.labels, example.tokens, strict=True)
    for place, (segment, token, number, label, original) in enumerate(columns):
        target = f"{label:5d}  {original}" if label >= 0 else f"{label:5d}"
        yield [str(place), SEGMENTS[segment], token, str(number), target]


def _padded(text: str, width: int, right: bool) -> str:
    """Hangul takes two cells of a terminal."""
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def guesses(found: Followed) -> Iterator[str]:
    sizes = ", ".join(f"{name} {value}" for name, value in found.sizes.items())
    yield say("BERT with {count:,} parameters ({sizes}), not trained yet", count=found.parameters, sizes=sizes)
    for guess in found.guesses:
        yield say(
            "place {place:2d}  p({token}) = {probability:.6f}   -ln p = {loss:.2f} nats",
            place=guess.position,
            token=guess.original,
            probability=guess.probability,
            loss=-math.log(guess.probability),
        )


def loss(found: Followed) -> Iterator[str]:
    names = {"mlm": say("masked tokens, mean of {count}", count=len(found.guesses)), "nsp": say("next sentence")}
    for name, value in found.losses.items():
        yield f"{name}  {value:5.2f} nats  {names[name]}"
    yield say("sum  {value:5.2f} nats", value=sum(found.losses.values()))
    count = len(found.vocabulary)
    yield say(
        "a guess among {count:,} pieces costs ln {count} = {nats:.2f} nats, between two labels ln 2 = {two:.2f}",
        count=count,
        nats=math.log(count),
        two=math.log(2),
    )


STOPS: tuple[Stop, ...] = (
    Stop("Raw text", ("corpora/sources/jsonl.py",), raw),
    Stop("Cleaned, step by step", ("corpora/steps/__init__.py", "corpora/steps/pipeline.py"), steps),
    Stop("Sentences", ("corpora/sentences/fast_splitter.py",), sentences),
    Stop("Morphemes", ("kobert_pipeline/morphology/mecab.py",), found_morphemes),
    Stop("A vocabulary", ("tokenizer/train.py", "tokenizer/words.py"), vocabulary),
    Stop("Tokens", ("tokenizer/load.py", "tokenizer/normaliser.py"), pieces),
    Stop("The token store", ("kobert_pipeline/dataset/store.py", "kobert_pipeline/dataset/tokenise.py"), stored),
    Stop("An example", ("kobert_pipeline/dataset/segment_pairs.py", "kobert_pipeline/objectives/mlm_nsp.py"), pair),
    Stop("Masks", ("kobert_pipeline/masking/tokens.py", "kobert_pipeline/objectives/masked.py"), masked),
    Stop("The model", ("kobert_pipeline/architectures/bert.py", "kobert_pipeline/architectures/wrapped.py"), guesses),
    Stop("The loss", ("kobert_pipeline/objectives/mlm_nsp.py", "kobert_pipeline/pretrain/module.py"), loss),
)
