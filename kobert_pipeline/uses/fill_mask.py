"""A masked language model in hand, and what it writes where a text is masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.training.positions import positions
from kobert_pipeline.training.quiet import quiet

GUESSES = 5


class Guess(NamedTuple):
    piece: str
    probability: float


class Filled(NamedTuple):
    sentence: str
    masks: list[list[Guess]]
    """For each mask, in order, the likeliest pieces, likeliest first."""


def fill(name: str, sentences: Sequence[str], guesses: int = GUESSES) -> list[Filled]:
    """The likeliest pieces for every mask of every sentence, by the model in the folder or of the Hub id `name`.

    Masks of one sentence are filled each by itself, the others staying masked. Raises InputError for a sentence without a
    mask or longer than the model takes, a model without a masked-language-model head, and a name that leads nowhere.
    """
    with quiet():
        tokenizer, network = load(name)
        return [fill_one(tokenizer, network, sentence, guesses) for sentence in sentences]


def load(name: str) -> tuple[Any, Any]:
    """Tokenizer and network of a folder or Hub id. Raises InputError for what is no masked language model."""
    from transformers import AutoModelForMaskedLM

    try:
        tokenizer = auto_tokenizer(name)
        network, report = AutoModelForMaskedLM.from_pretrained(name, trust_remote_code=False, output_loading_info=True)
    except OSError as error:
        raise InputError(
            f"{name}: neither a recipe (`kobert init` lists them), nor a folder, nor a model on the Hub: {str(error).splitlines()[0]}"
        ) from None
    except (ValueError, KeyError) as error:
        raise InputError(f"{name}: no masked language model: {str(error).splitlines()[0]}") from None
    if report["missing_keys"]:
        raise InputError(
            f"{name}: has no masked-language-model head: {min(report['missing_keys'])} is not among its weights."
        )
    return tokenizer, network.eval()


def fill_one(tokenizer: Any, network: Any, sentence: str, guesses: int = GUESSES) -> Filled:
    """As `fill` does, by a model in hand. Raises InputError for a sentence without a mask or too long."""
    import torch

    batch = tokenizer(sentence, return_tensors="pt")
    masked = batch["input_ids"][0] == tokenizer.mask_token_id
    if not masked.any():
        raise InputError(f"{sentence!r}: no mask. Write {tokenizer.mask_token} where the model shall guess.")
    limit = positions(network.config)
    if len(masked) > limit:
        raise InputError(f"{sentence[:40]!r}…: {len(masked)} pieces; the model takes {limit}. Shorten the text.")
    with torch.no_grad():
        probabilities = network(**batch).logits[0, masked].float().softmax(dim=-1)
    best = probabilities.topk(min(guesses, probabilities.shape[-1]), dim=-1)
    rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Filled(sentence, [[Guess(_text(tokenizer, piece), value) for piece, value in zip(*row, strict=True)] for row in rows])  # fmt: skip


def _text(tokenizer: Any, piece: int) -> str:
    """As it would be written; an inner piece of WordPiece keeps its ##."""
    return tokenizer.decode([piece]).strip() or str(tokenizer.convert_ids_to_tokens(piece))


# --- shown -----------------------------------------------------------------------------------------------------------


def lines(filled: Filled) -> list[str]:
    """For a file or a pipe: the sentence, then mask, probability and piece, separated by tabs."""
    return [
        filled.sentence,
        *(
            f"{number}\t{guess.probability:.4f}\t{guess.piece}"
            for number, guesses in enumerate(filled.masks, 1)
            for guess in guesses
        ),
    ]


def table(filled: Filled) -> Any:
    """For a terminal: a column of pieces and one of probabilities for each mask."""
    from rich.table import Table

    rows = Table(title=filled.sentence, title_justify="left")
    for number in range(1, len(filled.masks) + 1):
        rows.add_column(f"mask {number}" if len(filled.masks) > 1 else "piece", style="bold")
        rows.add_column("probability", justify="right")
    for guesses in zip(*filled.masks, strict=True):
        rows.add_row(*(cell for guess in guesses for cell in (guess.piece, f"{guess.probability:.1%}")))
    return rows
