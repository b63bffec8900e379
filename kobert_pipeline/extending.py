"""`kobert extend`: adds pieces for the words of a domain to an existing checkpoint and its tokenizer.

Each new row of the embeddings begins as the mean of the rows of the pieces that it replaces (Hewitt 2021 and others).
The model then reads the new piece about as it read the old ones, so that training continues instead of starting again.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import cuts_at_use
from kobert_pipeline.uses import find_use
from tokenizer.build import sentences_of
from tokenizer.config import TokenizerConfig
from tokenizer.count import count
from tokenizer.domain_pieces import extended, replaced, useful_pieces, wordpiece_vocabulary
from tokenizer.measure import measure

logger = logging.getLogger(__name__)

MEASURED_SENTENCES = 1_000


def extend(model: str, corpora: Path, out: Path, number: int, execution: ExecutionConfig = LOCAL) -> dict[str, Any]:
    """Writes `out`: the model and tokenizer of `model` (a folder or Hub id) with up to `number` more pieces.

    `corpora` is a finished corpus. Returns the added pieces, and the pieces per eojeol before and after. `out` appears
    only when it is complete. Raises InputError when `out` exists, the tokenizer is not WordPiece, or the corpus adds
    nothing.
    """
    from transformers import AutoTokenizer

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
    _, _, network = find_use(model)
    grow(network, [replaced(old, piece) for piece in pieces], size=new.get_vocab_size())
    with _complete_or_absent(out) as folder:
        network.save_pretrained(folder)
        loaded.save_pretrained(folder)
        write_text(folder / "tokenizer.json", new.to_str(pretty=True))
        _write_vocabulary(folder / "vocab.txt", new.get_vocab())
    sentences = list(islice(_sentences(corpora), MEASURED_SENTENCES))
    before, after = (measure(tokenizer, sentences)["pieces_per_eojeol"] for tokenizer in (old, new))
    logger.info(
        "extend: %s more pieces, e.g. %s; %.2f -> %.2f per eojeol", f"{len(pieces):,}", ", ".join(pieces[:5]), before, after
    )  # fmt: skip
    return {"pieces": pieces, "pieces_per_eojeol": (before, after)}


@contextmanager
def _complete_or_absent(out: Path) -> Iterator[Path]:
    """Gives a folder next to `out` that takes the name `out` when the block ends without an error. A killed run leaves
    only the folder `<out>.partial`, which the next run replaces."""
    partial_folder = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    yield partial_folder
    partial_folder.rename(out)


def _units(corpora: Path, execution: ExecutionConfig) -> Counter[str]:
    shards = shards_of(corpora)
    units: Counter[str] = Counter()
    with progress("extend: count morphemes", len(shards), "shards") as advance:
        for counts in map_shards(partial(count, config=TokenizerConfig(surplus=1)), shards, execution):
            units.update(counts.units)
            advance(1)
    return units


def _sentences(corpora: Path) -> Iterator[str]:
    return (sentence for shard in shards_of(corpora) for sentence in sentences_of(shard))


def _write_vocabulary(path: Path, vocabulary: dict[str, int]) -> None:
    """Writes one piece per line in id order, for old tools."""
    write_text(path, "\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n")


def grow(network: Any, parts: Sequence[Sequence[int]], size: int) -> None:
    """Gives a language model `size` rows. The last rows, and their biases, begin as means of the rows in
    `parts`.

    Rows in between (a model may have more rows than its tokenizer has pieces) keep the values that transformers gives
    them.
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
