"""Bits per character of a masked model that compare across tokenizers: the cost of each eojeol, given the rest of its sentence.

Masking one token at a time (Salazar et al. 2020) favours tokenizers that cut finely: a model guesses ##교 from 학 and ##에서. Here
the tokens of an eojeol that come after the masked one are masked too (Kauf and Ivanova 2023, section 3), so that by the chain rule
their bits add up to -log2 P(eojeol | rest of the sentence), however it is cut. What is left: the number of masks shows how many
tokens the eojeol has. Salazar's figure is given as well.

All stores measure the same sentences: those that none of the tokenizers cuts into fewer than two or more than LONGEST tokens, and
none has an [UNK] in, which would hide its characters. Characters are those of the text, spaces included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kobert_pipeline.dataset.annotations import EOJEOL_START
from kobert_pipeline.dataset.splits import by_split
from kobert_pipeline.dataset.store import VALIDATION, Store
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.masked import TOKENS
from kobert_pipeline.objectives.objective import Batch, Figure, Learners, Measure, TokenizerInfo
from kobert_pipeline.objectives.pseudo_perplexity import LONGEST, PSEUDO_PERPLEXITY
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

if TYPE_CHECKING:
    import torch

COMMON = "common_sentences.json"
GROUPS = 20
"""Sentence i is in group i modulo this many; what the groups' figures differ by gives the error of the whole."""
ROWS = 1_024
"""Of a batch."""
WORDS, SINGLE = "word_bits", "token_bits"


# --- the sentences that all stores measure ---------------------------------------------------------------------------


def write_common(corpora: Path, stores: Mapping[str, Path], number: int) -> None:
    """Writes the same `number` validation sentences into every store: file, row, characters of the text."""
    texts = validation_texts(corpora, next(iter(stores.values())))
    usable = {name: np.ones(len(sentences), dtype=bool) for name, sentences in texts.items()}
    for folder in stores.values():
        store, unknown = Store(folder), tokenizer_info(folder.parent / "tokenizer").unk_id
        for name, sentences in texts.items():
            found = _usable(store, name, unknown)
            if len(found) != len(sentences):
                raise InputError(f"{folder}: {name} lacks sentences of the corpus, so that rows do not match")
            usable[name] &= found
    rows = [(name, int(row)) for name, chosen in usable.items() for row in np.flatnonzero(chosen)]
    drawn = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[:number]]
    taken = {"of": sum(map(len, texts.values())), "usable": len(rows)}
    entries = [[name, row, len(texts[name][row])] for name, row in drawn]
    for folder in stores.values():
        write_json(folder / COMMON, taken | {"sentences": entries})


def validation_texts(corpora: Path, store: Path) -> dict[str, list[str]]:
    """The name of each file of the store -> the validation sentences of that shard."""
    corpus, share = Corpus(corpora), float(Store(store).config["validation_share"])
    sources = [source.name for source in corpus.summary.sources]
    found = {}
    for shard in corpus.shards():
        sentences = by_split(pq.read_table(shard), share, sources)[VALIDATION].sentences
        found[f"{shard.stem}.arrow"] = sentences.to_pylist()
    return found


def _usable(store: Store, name: str, unknown: int | None) -> np.ndarray:
    """(S,) bool: sentences of a file of the right length, without [UNK]."""
    offsets, tokens, _ = read_validation(store, name)
    sizes = np.diff(offsets)
    unknowns = np.diff(np.append(0, np.cumsum(tokens == unknown))[offsets]) if unknown is not None else sizes * 0
    usable: np.ndarray = (sizes >= 2) & (sizes <= LONGEST - 2) & (unknowns == 0)
    return usable


def read_validation(store: Store, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(S + 1,) offsets, (N,) tokens and where eojeols begin of one file."""
    with pa.memory_map(str(store.folder / VALIDATION / name)) as source:
        reader = pa.ipc.open_file(source)
        if not reader.num_record_batches:  # no document of this shard is in the validation split
            return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint16), np.zeros(0, dtype=bool)
        batch = reader.get_batch(0)
    ids, starts = batch.column("input_ids"), batch.column(EOJEOL_START)
    return (
        ids.offsets.to_numpy().astype(np.int64), ids.values.to_numpy(), starts.values.to_numpy(zero_copy_only=False),
    )  # fmt: skip


# --- masking and measuring -------------------------------------------------------------------------------------------


def masked_places(starts: np.ndarray, *, words: bool) -> np.ndarray:
    """(n, n) bool: what is masked in the row that asks for token i: token i, and with `words` what follows it in its eojeol."""
    places = np.arange(len(starts))
    if not words:
        return np.eye(len(starts), dtype=bool)
    word = np.cumsum(starts)
    masked: np.ndarray = (word[:, None] == word[None, :]) & (places[None, :] >= places[:, None])
    return masked


def copies(
    tokens: np.ndarray, starts: np.ndarray, info: TokenizerInfo, group: int, *, words: bool
) -> dict[str, np.ndarray]:
    """A sentence of n tokens in n rows of n + 2, each of which asks for one token."""
    count = len(tokens)
    row = np.concatenate([[info.cls_id], tokens, [info.sep_id]]).astype(np.int64)
    input_ids, labels = np.tile(row, (count, 1)), np.full((count, count + 2), IGNORE_INDEX, dtype=np.int64)
    input_ids[:, 1:-1][masked_places(starts, words=words)] = info.mask_id
    labels[np.arange(count), np.arange(count) + 1] = tokens
    return {"input_ids": input_ids, "labels": labels, "group": np.full(count, group, dtype=np.int64)}


def batches(store: Store, number: int, longest: int, info: TokenizerInfo, *, words: bool) -> list[Batch]:
    """Rows of one length each; the characters of each group are in the first batch. None where none are asked for, or the store is not one
    of those that measure the same sentences."""
    import torch

    if not number or not (store.folder / COMMON).exists():
        return []
    entries = read_json(store.folder / COMMON)["sentences"]
    files = {name: read_validation(store, name) for name in {entry[0] for entry in entries}}
    by_length: dict[int, list[dict[str, np.ndarray]]] = {}
    characters = np.zeros(GROUPS, dtype=np.int64)
    for place, (name, row, size) in enumerate(entries):
        offsets, tokens, starts = files[name]
        part, group = slice(*offsets[row : row + 2]), place % GROUPS
        characters[group] += size
        by_length.setdefault(len(tokens[part]), []).append(copies(tokens[part], starts[part], info, group, words=words))
    made: list[Batch] = []
    for _, sentences in sorted(by_length.items()):
        joined = {name: torch.from_numpy(np.concatenate([one[name] for one in sentences])) for name in sentences[0]}
        joined["token_type_ids"] = torch.zeros_like(joined["input_ids"])
        joined["attention_mask"] = torch.ones_like(joined["input_ids"], dtype=torch.bool)
        parts = [tensor.split(ROWS) for tensor in joined.values()]
        made += [dict(zip(joined, part, strict=True)) for part in zip(*parts, strict=True)]
    made[0]["characters"] = torch.from_numpy(characters)
    return made


def bits(models: Learners, measured: Sequence[Batch], device: torch.device) -> tuple[float, ...]:
    """Bits per character of all sentences, then of each group."""
    import torch
    from torch.nn import functional

    nats, characters = torch.zeros(GROUPS, dtype=torch.float64), measured[0]["characters"]
    with torch.no_grad():
        for given in measured:
            batch = {name: tensor.to(device) for name, tensor in given.items() if name != "characters"}
            asked = batch["labels"] != IGNORE_INDEX
            logits = models.student.logits(TOKENS, models.student.hidden(batch)[asked]).float()
            losses = functional.cross_entropy(logits, batch["labels"][asked], reduction="none")
            nats.index_add_(0, given["group"], losses.double().cpu())
    found = nats / np.log(2)
    return float(found.sum() / characters.sum()), *(found / characters.clamp(min=1)).tolist()


def measure(name: str, make: Callable[..., list[Batch]]) -> Measure:
    names = [name, *(f"{name}_{group:02}" for group in range(GROUPS))]
    return Measure(tuple(Figure(one, one, "bits", better=-1) for one in names), make, bits)


def measure_words() -> None:
    """Lets `mlm` measure both figures after its own. A process calls it before its runs; other stores are measured as always."""
    from kobert_pipeline.objectives import OBJECTIVES

    taken = (
        PSEUDO_PERPLEXITY,
        measure(WORDS, partial(batches, words=True)),
        measure(SINGLE, partial(batches, words=False)),
    )
    object.__setattr__(OBJECTIVES["mlm"], "measures", taken)


def bits_and_error(measures: Mapping[str, float], name: str = WORDS) -> tuple[float, float]:
    """The figure, and the standard error of its mean over groups."""
    groups = np.array([measures[f"{name}_{group:02}"] for group in range(GROUPS)])
    return measures[name], float(groups.std(ddof=1) / np.sqrt(GROUPS))


def difference(one: Mapping[str, Any], other: Mapping[str, Any], name: str = WORDS) -> tuple[float, float]:
    """one - other on the same sentences, and the standard error of that, which is smaller than either's."""
    apart = np.array([one[f"{name}_{group:02}"] - other[f"{name}_{group:02}"] for group in range(GROUPS)])
    return one[name] - other[name], float(apart.std(ddof=1) / np.sqrt(GROUPS))
