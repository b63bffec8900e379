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

from tokenizers import Tokenizer

from kobert_pipeline.architectures.architecture import unread_biases
from kobert_pipeline.ground.addresses import TOKENIZER, downloaded
from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, cuts_at_use, save_tokenizer
from kobert_pipeline.morphology.tokenizer_files import has_vocabulary
from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.uses import find_use
from tokenizer.build import sentences_of
from tokenizer.config import TokenizerConfig
from tokenizer.count import count
from tokenizer.domain_pieces import extended, first_new_id, replaced, useful_pieces, wordpiece_vocabulary
from tokenizer.load import open_tokenizer
from tokenizer.measure import measure

logger = logging.getLogger(__name__)

MEASURED_SENTENCES = 1_000


def extend(model: str, corpora: Path, out: Path, number: int, execution: ExecutionConfig = LOCAL) -> dict[str, Any]:
    """Writes `out`: the model and tokenizer of `model` (a folder or Hub id) with up to `number` more pieces.

    `corpora` is a finished corpus. Returns the added pieces, and the pieces per eojeol before and after. `out` appears
    only when it is complete. Raises InputError when `out` exists, the tokenizer is not WordPiece, or the corpus adds
    nothing.
    """
    if out.exists():
        raise InputError("{out} exists already. Name another folder, or remove it.", out=out)
    old, loaded = _tokenizers(model)
    network = _network(model)
    pieces = useful_pieces(old, _units(corpora, execution), number)
    new = extended(old, pieces)
    grow(network, [replaced(old, piece) for piece in pieces], begin=first_new_id(old))
    with quiet(), _complete_or_absent(out) as folder:
        network.save_pretrained(folder)
        _save(new, loaded, folder)
    sentences = list(islice(_sentences(corpora), MEASURED_SENTENCES))
    before, after = (measure(tokenizer, sentences)["pieces_per_eojeol"] for tokenizer in (old, new))
    logger.info(
        "extend: %s more pieces, e.g. %s; %.2f -> %.2f per eojeol", f"{len(pieces):,}", ", ".join(pieces[:5]), before, after
    )  # fmt: skip
    return {"pieces": pieces, "pieces_per_eojeol": (before, after)}


def _tokenizers(model: str) -> tuple[Tokenizer, Any]:
    """The tokenizer as `tokenizer.adopt` reads it, and as transformers does, which knows the roles of its tokens.

    transformers may ignore the normaliser of a tokenizer.json. Raises InputError for one that does not load or cannot be
    extended.
    """
    if cuts_at_use(model):
        raise InputError(
            "{model}: its tokenizer cuts at morphemes at use (morpheme: inference) and cannot be extended.", model=model
        )
    try:
        folder = downloaded(model, TOKENIZER)
        if not has_vocabulary(folder):
            raise InputError("it holds no tokenizer.json or vocab.txt. Save the tokenizer next to the model first")
        tokenizer, loaded = open_tokenizer(str(folder)), auto_tokenizer(model)
    except Exception as error:  # tokenizers raises bare Exception, and the Hub's client those of its HTTP library
        raise InputError(
            "{model}: its tokenizer does not load: {error}", model=model, error=_first_line(error)
        ) from None
    known = wordpiece_vocabulary(tokenizer)
    if not (folder / "tokenizer.json").is_file():  # added_tokens.json is next to vocab.txt, and transformers reads both
        added = sorted(loaded.added_tokens_decoder.items())
        tokenizer.add_tokens([token for _, token in added if token.content not in known])
    if wordpiece_vocabulary(tokenizer) != loaded.get_vocab():
        raise InputError(
            '{model}: transformers reads other tokens than its files hold, as {kind}. Write a tokenizer_config.json with {{"tokenizer_class": "PreTrainedTokenizerFast"}} and the special tokens, or save it again with the class that it was made with.',
            model=model,
            kind=type(loaded).__name__,
        )
    return tokenizer, loaded


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _network(model: str) -> Any:
    """The language model with every head of its checkpoint: the pooler and the pair head of BERT's pretraining, too.

    Logs the weights that have no place in it.
    """
    from transformers import AutoModelForPreTraining

    with quiet():
        _, _, network = find_use(model)
        try:
            whole, report = AutoModelForPreTraining.from_pretrained(model, output_loading_info=True)
        except (ValueError, RuntimeError):  # transformers names no such class, or its weights have other shapes
            whole, report = network, {"missing_keys": {"all"}}
        if not report["missing_keys"]:
            network = whole.eval()
        else:
            _, report = type(network).from_pretrained(model, output_loading_info=True)
    if dropped := sorted(report["unexpected_keys"]):
        logger.warning("extend: %s has no place for %d weights, which are left out, e.g. %s", type(network).__name__, len(dropped), dropped[0])  # fmt: skip
    return network


def _save(tokenizer: Tokenizer, loaded: Any, folder: Path) -> None:
    """The new tokenizer with the roles and settings of the old one. Ids with gaps cannot be written as vocab.txt."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=loaded.model_input_names,
        model_max_length=loaded.model_max_length,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=[str(token) for token in loaded.extra_special_tokens],
        **{role: str(token) for role, token in loaded.special_tokens_map.items() if isinstance(token, str)},
    )
    save_tokenizer(fast, folder)
    write_text(folder / "tokenizer.json", tokenizer.to_str(pretty=True))
    pieces = tokenizer.get_vocab(with_added_tokens=True)
    if sorted(pieces.values()) == list(range(len(pieces))):
        write_text(folder / "vocab.txt", "\n".join(sorted(pieces, key=pieces.__getitem__)) + "\n")


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


def grow(network: Any, parts: Sequence[Sequence[int]], begin: int) -> None:
    """Gives a language model a row from `begin` on for each of `parts`. The row and its bias begin as means of the rows in
    the part; rows that belong to a piece keep their values.

    A model that has more rows than its tokenizer has pieces gives these away before it grows.
    """
    import torch

    with torch.no_grad():
        rows = max(begin + len(parts), network.get_input_embeddings().num_embeddings)
        network.resize_token_embeddings(rows, mean_resizing=False)
        tables = [network.get_input_embeddings().weight]
        output = network.get_output_embeddings()
        if output is not None:
            tables += [output.weight, *([] if output.bias is None else [output.bias])]
        for table in {table.data_ptr(): table for table in tables}.values():  # once if they are tied
            for number, ids in enumerate(parts):
                table[begin + number] = table[list(ids)].mean(0)
        _part_biases(network)


def _part_biases(network: Any) -> None:
    """Resizing makes one of the two biases of an untied model, and saving would leave one out."""
    from torch import nn

    for unread, read in unread_biases(network).items():
        head, _, name = unread.rpartition(".")
        bias = network.get_parameter(read).detach().clone()
        setattr(network.get_submodule(head), name, nn.Parameter(bias))
