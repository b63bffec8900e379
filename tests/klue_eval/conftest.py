"""A tiny random BERT with a tiny tokenizer, and KLUE folders made of the sample's rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from klue_eval.data import SAMPLE, read_split
from klue_eval.tasks import TASKS
from klue_eval.tasks.wos import GATES, SLOTS, slot_words

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models gain nothing from a second thread, and lose much if another process needs it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def words_of(value: Any) -> Iterator[str]:
    """Yields every word of every text and label in a row. The characters of NER are joined to words."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from words_of("".join(inner) if name == "characters" else inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words_of(inner)


def word_pieces(pieces: Sequence[str]) -> Any:
    """A WordPiece tokenizer with these pieces and the special tokens, in BERT's layout."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = [*SPECIAL.values(), *pieces]
    core = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(known)}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=core, model_input_names=names, **SPECIAL)


def make_tokenizer() -> Any:
    """Has a piece for each character of the sample, so that no token crosses the end of an entity or an answer."""
    rows = [row for name in TASKS for split in ("train", "dev") for row in read_split(name, SAMPLE, split).rows]
    characters = sorted({character for word in words_of(rows) for character in word})
    return word_pieces([*characters, *(f"##{character}" for character in characters)])


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return make_tokenizer()


@pytest.fixture(scope="session")
def tiny_bert(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("models") / "bert", tokenizer)


@pytest.fixture(scope="session")
def talking_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that reads dialogues in whole words.

    A gate reads only the positions to which its slot attends (TRADE), so two slots that attend to one position get the
    same gate. In 64 dimensions, attention soon falls on a single position and has no gradient any more. Large embeddings
    separate the names of slots, and a small last layer keeps attention wide at the beginning.
    """
    rows = read_split("wos", SAMPLE, "train").rows
    tokenizer = word_pieces(words_of_dialogues(rows))
    return save_bert(tmp_path_factory.mktemp("models") / "bert", tokenizer, embeddings=10.0, last_layer=0.25)


def words_of_dialogues(rows: Sequence[Any]) -> list[str]:
    """Pieces: the values and the words of slots' names, their continuations inside an eojeol, and all other words."""
    values = {entry.split("-", 2)[2] for row in rows for turn in row["dialogue"] for entry in turn["state"]}
    known = {word for text in (*values, *GATES, *map(slot_words, SLOTS)) for word in re.findall(r"\w+|[^\w\s]", text)}
    pieces = set(known)
    for word in re.findall(r"\w+|[^\w\s]", " ".join(turn["text"] for row in rows for turn in row["dialogue"])):
        front = max((piece for piece in known if word.startswith(piece)), key=len, default=word)
        pieces |= {front, f"##{word.removeprefix(front)}"}
    return sorted(pieces - {"##"})


def save_bert(folder: Path, tokenizer: Any, embeddings: float = 1.0, last_layer: float = 1.0) -> Path:
    """`embeddings` and `last_layer`: factors for the embeddings and for the output of the last layer."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=192,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
    )
    model = BertForMaskedLM(config)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.mul_(embeddings)
        model.bert.encoder.layer[-1].output.LayerNorm.weight.mul_(last_layer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def bert_of() -> Callable[[Path, Any], Path]:
    """`bert_of(folder, tokenizer)` saves a tiny random BERT with it."""
    return save_bert


@pytest.fixture(scope="session")
def wordpiece() -> Callable[[Sequence[str]], Any]:
    """`wordpiece(["서울", "##에"])`"""
    return word_pieces


@pytest.fixture
def klue_folder(tmp_path: Path) -> Callable[..., Path]:
    """`klue_folder(ynat_train=rows, …)` writes the official JSON of each split."""

    def write(**splits: list[dict[str, Any]]) -> Path:
        folder = tmp_path / "klue"
        folder.mkdir(exist_ok=True)
        for name, rows in splits.items():
            (folder / f"klue-{name.replace('_', '-v1.1_')}.json").write_text(json.dumps(rows), encoding="utf-8")
        return folder

    return write
