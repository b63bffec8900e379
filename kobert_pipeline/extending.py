"""`kobert extend`: a checkpoint that exists already, and its tokenizer, with pieces for the words of a domain.

Each new row of the embeddings begins as the mean of the rows of the pieces it replaces (Hewitt 2021 and others: the model
reads the new piece about as it read the old ones), so that training goes on instead of starting anew.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from tokenizer.build import sentences_of
from tokenizer.config import TokenizerConfig
from tokenizer.count import count
from tokenizer.extend import extended, replaced, useful_pieces, wordpiece_vocabulary
from tokenizer.report import measure

logger = logging.getLogger(__name__)

MEASURED_SENTENCES = 1_000


def extend(model: str, corpora: Path, out: Path, number: int, execution: ExecutionConfig = LOCAL) -> dict[str, Any]:
    """Writes `out`: the model and tokenizer of `model` (a folder or Hub id) with up to `number` pieces more.

    `corpora` is a finished corpus. Returns what was added and the pieces per eojeol before and after. Raises InputError when
    `out` exists, the tokenizer is not a WordPiece one, or the corpus adds nothing.
    """
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    if out.exists():
        raise InputError(f"{out} exists already. Name another folder, or remove it.")
    if cuts_at_use(model):
        raise InputError(
            f"{model}: its tokenizer cuts at morphemes at use (morpheme: inference) and cannot be extended."
        )
    loaded = AutoTokenizer.from_pretrained(model)
    old = loaded.backend_tokenizer
    wordpiece_vocabulary(old)
    pieces = useful_pieces(old, _units(corpora, execution), number)
    new = extended(old, pieces)
    network = AutoModelForMaskedLM.from_pretrained(model)
    grow(network, [replaced(old, piece) for piece in pieces], size=new.get_vocab_size())
    network.save_pretrained(out)
    loaded.save_pretrained(out)
    write_text(out / "tokenizer.json", new.to_str(pretty=True))
    _write_vocabulary(out / "vocab.txt", new.get_vocab())
    sentences = [sentence for sentence, _ in zip(_sentences(corpora), range(MEASURED_SENTENCES), strict=False)]
    before, after = (measure(tokenizer, sentences)["pieces_per_eojeol"] for tokenizer in (old, new))
    logger.info(
        "extend: %s pieces more, e.g. %s; %.2f -> %.2f per eojeol",
        f"{len(pieces):,}",
        ", ".join(pieces[:5]),
        before,
        after,
    )
    return {"pieces": pieces, "pieces_per_eojeol": (before, after)}


def _units(corpora: Path, execution: ExecutionConfig) -> Counter[str]:
    shards = sorted((corpora / "shards").glob("*.parquet"))
    units: Counter[str] = Counter()
    with progress("extend: count morphemes", len(shards), "shards") as advance:
        for found in map_shards(partial(count, config=TokenizerConfig(surplus=1)), shards, execution):
            units.update(found.units)
            advance(1)
    return units


def _sentences(corpora: Path) -> Any:
    return (sentence for shard in sorted((corpora / "shards").glob("*.parquet")) for sentence in sentences_of(shard))


def _write_vocabulary(path: Path, vocabulary: dict[str, int]) -> None:
    """For old tools: one piece a line, the line's number its id."""
    write_text(path, "\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n")


def grow(network: Any, parts: Sequence[Sequence[int]], size: int) -> None:
    """Gives a masked language model `size` rows; the last ones begin as the means of the rows in `parts`, biases too.

    Rows between (a model may have more rows than its tokenizer has pieces) are left as transformers makes them.
    """
    import torch

    with torch.no_grad():
        network.resize_token_embeddings(max(size, network.config.vocab_size), mean_resizing=False)
        begin = size - len(parts)
        tables = [network.get_input_embeddings().weight]
        output = network.get_output_embeddings()
        if output is not None:
            tables += [output.weight, *([] if output.bias is None else [output.bias])]
        done = set()
        for table in tables:
            if table.data_ptr() in done:  # tied
                continue
            done.add(table.data_ptr())
            for number, ids in enumerate(parts):
                table[begin + number] = table[list(ids)].mean(0)
