"""The stops of the tour, as text: what the sentence is there, and which file makes it so. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len

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
    yield f"{len(pieces):,} pieces; {inner:,} of them continue a word (##)"
    yield f"ids 0 to 4: {' '.join(pieces[:5])}"
    learned = [piece for piece in pieces if not piece.startswith("[unused")]
    yield f"the last five learned: {' '.join(learned[-5:])}"


def pieces(found: Followed) -> Iterator[str]:
    yield " ".join(found.pieces)
    yield f"{len(found.pieces)} tokens for {sum(found.stored.eojeol_start)} eojeols"


def stored(found: Followed) -> Iterator[str]:
    row = found.stored
    yield f"{row.file}: row {row.row} of {row.rows:,}"
    yield f"input_ids      {' '.join(map(str, row.ids))}"
    yield f"eojeol_start   {' '.join(str(int(start)) for start in row.eojeol_start)}"
    yield f"paragraph_end  {int(row.paragraph_end)}"


def pair(found: Followed) -> Iterator[str]:
    example = found.example
    for number in (0, 1):
        tokens = [token for token, segment in zip(example.tokens, example.segments, strict=True) if segment == number]
        yield f"segment {SEGMENTS[number]}: {' '.join(tokens)}"
    yield f"{len(example.tokens)} tokens, next_sentence_label {int(not example.is_next)}: {'B follows A' if example.is_next else 'B is from another document'}"


def masked(found: Followed) -> Iterator[str]:
    yield from table(found.example)


def table(example: Example) -> Iterator[str]:
    """One row for each token: place, segment, what the model reads with its id, and the label where there is a loss."""
    width = max(map(cell_len, example.shown))
    yield f"place  segment  {'reads':{width}}  {'id':>5}  label"
    rows = zip(example.segments, example.shown, example.ids, example.labels, example.tokens, strict=True)
    for place, (segment, token, number, label, original) in enumerate(rows):
        padded = token + " " * (width - cell_len(token))
        target = f"{label:5d}  {original}" if label >= 0 else f"{label:5d}"
        yield f"{place:5d}  {SEGMENTS[segment]:7}  {padded}  {number:5d}  {target}".rstrip()


def guesses(found: Followed) -> Iterator[str]:
    sizes = ", ".join(f"{name} {value}" for name, value in found.sizes.items())
    yield f"BERT with {found.parameters:,} parameters ({sizes}), not trained yet"
    for guess in found.guesses:
        yield f"place {guess.position:2d}  p({guess.original}) = {guess.probability:.6f}   -ln p = {-math.log(guess.probability):.2f} nats"


def loss(found: Followed) -> Iterator[str]:
    names = {"mlm": f"masked tokens, mean of {len(found.guesses)}", "nsp": "next sentence"}
    for name, value in found.losses.items():
        yield f"{name}  {value:5.2f} nats  {names[name]}"
    yield f"sum  {sum(found.losses.values()):5.2f} nats"
    yield f"a guess among {len(found.vocabulary):,} pieces costs ln {len(found.vocabulary)} = {math.log(len(found.vocabulary)):.2f} nats, between two labels ln 2 = {math.log(2):.2f}"


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
