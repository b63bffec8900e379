"""Follows one sentence through the real stages, on the bundled sample: what it becomes at each stop.

Shapes: L tokens of one example, n masked tokens.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpora.documents import Document
from corpora.sentences import sentence_spans
from corpora.steps import STEPS
from corpora.steps.pipeline import bound
from kobert_pipeline.dataset.plan import Examples, PlanContext
from kobert_pipeline.dataset.store import TRAIN, Block, Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.morphology.mecab import morphemes
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.models import build_models, objective_of
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run
from tokenizer.load import load_tokenizer

RAW = (
    "<p>도서관은 아침 9시에 문을 연다.&nbsp;책을 빌리려면 회원증이 필요하다. 문의는 010-1234-5678로 하면 된다.</p>\n"
    "<p>우리 동네 도서관은 주말마다 아이들에게 옛날이야기를 들려준다. 아이들은 웃고 ㅋㅋㅋㅋㅋㅋ 박수를 친다.</p>"
)
"""Written for the tour, with what raw text has: tags, entities, a telephone number, a long run of one letter."""
FOLLOWED = "우리 동네 도서관은 주말마다 아이들에게 옛날이야기를 들려준다."
SOURCES = ("encyclopedia.jsonl", "howto.txt", "news.jsonl")
"""Of the bundled sample: the tokenizer is learned from these and the tour's document."""
RECIPE = """
extends: quickstart
corpora:
  sources:
    - {{name: tour, path: {raw}, license: Apache-2.0}}
{sample}
tokenizer: {{vocab_size: 2800, ks_x_1001: false, surplus: 1, source_exponent: 1}}
pretrain:
  phases: [{{max_length: 64, batch_size: 8}}]
execution: {{workers: 1}}
"""


@dataclass(frozen=True)
class Guess:
    """A token that was selected, and what the untrained model makes of it."""

    position: int
    original: str
    shown: str
    """What the model reads there: [MASK], another token, or the same."""
    probability: float
    """Of the original."""


@dataclass(frozen=True)
class Example:
    """One example of a batch, as training sees it."""

    tokens: list[str]
    """(L,) before masking."""
    shown: list[str]
    """(L,) what the model reads."""
    ids: list[int]
    """(L,) of `shown`."""
    segments: list[int]
    """(L,) 0 or 1."""
    labels: list[int]
    """(L,) the id of the original where there is a loss, -100 elsewhere."""
    is_next: bool


@dataclass(frozen=True)
class Stored:
    """The sentence in the token store."""

    file: str
    rows: int
    """Sentences in the block."""
    row: int
    ids: list[int]
    eojeol_start: list[bool]
    paragraph_end: bool


@dataclass(frozen=True)
class Followed:
    raw: str
    cleaned: list[tuple[str, str]]
    """Step -> the text after it, for each step that changed something."""
    sentences: list[str]
    morphemes: list[tuple[str, str]]
    """Surface and part of speech."""
    vocabulary: list[str]
    """Pieces in the order of their ids."""
    pieces: list[str]
    stored: Stored
    example: Example
    guesses: list[Guess]
    losses: dict[str, float]
    """Term of the objective -> nats."""
    parameters: int
    sizes: dict[str, Any]


def follow() -> Followed:
    """Runs the first three stages in a folder that is removed again, then plans, masks and computes one example."""
    with tempfile.TemporaryDirectory(prefix="kobert-tour-") as place:
        recipe = _recipe(Path(place))
        folders = run(recipe, Path(place) / "artifacts", until="dataset")
        cleaned, sentences = _cleaned(recipe)
        tokenizer, store = load_tokenizer(folders["tokenizer"]), Store(folders["dataset"])
        pieces = tokenizer.encode(FOLLOWED, add_special_tokens=False)
        block = store.read(store.blocks(TRAIN)[0])
        stored = _stored(store, block, pieces.ids)
        vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
        parts = _computed(recipe, folders["tokenizer"], block, stored.row, vocabulary)
    return Followed(
        raw=RAW,
        cleaned=cleaned,
        sentences=sentences,
        morphemes=[(item.surface, item.tag) for item in morphemes(FOLLOWED)],
        vocabulary=vocabulary,
        pieces=pieces.tokens,
        stored=stored,
        **parts,
    )


def _recipe(place: Path) -> Recipe:
    raw = place / "raw.jsonl"
    raw.write_text(json.dumps({"doc_id": "tour", "text": RAW}, ensure_ascii=False) + "\n", encoding="utf-8")
    sample = "\n".join(
        f'    - {{name: {name.partition(".")[0]}, path: "package:corpora/sample/{name}", license: Apache-2.0}}'
        for name in SOURCES
    )
    file = place / "tour.yaml"
    file.write_text(RECIPE.format(raw=json.dumps(str(raw)), sample=sample), encoding="utf-8")
    return load_recipe(str(file))


# --- text ------------------------------------------------------------------------------------------------------------


def _cleaned(recipe: Recipe) -> tuple[list[tuple[str, str]], list[str]]:
    """The text after each step that changes it, and the sentences of the last."""
    document, found = Document("tour", "tour", RAW), []
    for name in recipe.corpora.active_steps:
        after = bound(STEPS[name].function, STEPS[name], recipe.corpora.options)(document)
        assert isinstance(after, Document), f"the tour's document was dropped: {after}"
        if after.text != document.text:
            found.append((name, after.text))
        document = after
    return found, list(_split(document.text))


def _split(text: str) -> Iterator[str]:
    for start, end in sentence_spans(text):
        yield text[start:end]


def _stored(store: Store, block: Block, ids: list[int]) -> Stored:
    """The row of the block that holds the sentence. It must be there: the tour's document is one of its own."""
    offsets = block.sentence_offsets
    row = next(row for row in range(len(offsets) - 1) if block.tokens[offsets[row] : offsets[row + 1]].tolist() == ids)
    part = slice(offsets[row], offsets[row + 1])
    return Stored(
        file=store.blocks(TRAIN)[0][0].relative_to(store.folder).as_posix(),
        rows=len(offsets) - 1,
        row=row,
        ids=block.tokens[part].tolist(),
        eojeol_start=block.annotations["eojeol_start"][part].tolist(),
        paragraph_end=bool(block.paragraph_end[row]),
    )


# --- numbers ---------------------------------------------------------------------------------------------------------


def _computed(recipe: Recipe, tokenizer: Path, block: Block, row: int, vocabulary: list[str]) -> dict[str, Any]:
    """The example, the guesses, the losses and the size of the model, for the example in which the sentence is."""
    import torch

    config = recipe.pretrain
    objective, info = objective_of(config), tokenizer_info(tokenizer)
    context = PlanContext(recipe.seed, epoch=0, block=0, phase=0, max_length=config.phases[0].max_length)
    examples = objective.plan(block, context, config.options)
    chosen = _containing(examples, *block.sentence_offsets[row : row + 2].tolist())
    batch = draw(objective, examples, np.array([chosen]), info, config.options, seed=recipe.seed, number=0, width=context.max_length)  # fmt: skip
    torch.manual_seed(recipe.seed)
    models = build_models(config, info, {}, info.vocab_size).eval()
    with torch.no_grad():
        terms = objective.loss(models, batch, torch.Generator().manual_seed(recipe.seed), config.options)
        masked = batch["labels"][0] != IGNORE_INDEX
        logits = models.student.logits("tokens", models.student.hidden(batch)[0][masked])
    right = logits.softmax(dim=-1).gather(1, batch["labels"][0][masked][:, None])[:, 0].tolist()
    example = _example(batch, vocabulary)
    places = masked.nonzero()[:, 0].tolist()
    return {
        "example": example,
        "guesses": [
            Guess(at, example.tokens[at], example.shown[at], value) for at, value in zip(places, right, strict=True)
        ],
        "losses": {name: float(term.sum / term.count) for name, term in terms.items() if term.weight},
        "parameters": sum(weight.numel() for weight in models.parameters()),
        "sizes": _sizes(config),
    }


def _containing(examples: Examples, first: int, end: int) -> int:
    """The first example that holds these tokens of the block."""
    return next(
        number
        for number in range(len(examples))
        if any(start <= first and end <= stop for start, stop in examples.ranges(number))
    )


def _example(batch: Any, vocabulary: list[str]) -> Example:
    ids, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    originals = [label if label != IGNORE_INDEX else token for token, label in zip(ids, labels, strict=True)]
    return Example(
        tokens=[vocabulary[token] for token in originals],
        shown=[vocabulary[token] for token in ids],
        ids=ids,
        segments=batch["token_type_ids"][0].tolist(),
        labels=labels,
        is_next=int(batch["next_sentence_label"][0]) == 0,
    )


def _sizes(config: PretrainConfig) -> dict[str, Any]:
    return {name: config.architecture[name] for name in ("layers", "hidden", "heads")}
