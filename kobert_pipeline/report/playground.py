"""`kobert serve`: a model to play with in the browser, on this machine: filling masks, and cutting text into pieces."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from kobert_pipeline.errors import InputError, KobertError
from kobert_pipeline.pretrained import positions
from kobert_pipeline.report.pieces import KINDS, SENTENCES, cut

GUESSES = 5
"""Shown of each mask."""
EXAMPLES = ("대한민국의 수도는 [MASK]이다.", "아침에 일어나서 [MASK]을 마셨다.")
"""`[MASK]` becomes what the model's tokenizer calls it."""

Guess = tuple[int, str, float]
"""Number of the mask, piece, probability."""


def serve(model: str, port: int) -> None:
    """Blocks until Ctrl-C. Raises KobertError without Gradio, InputError for what is no masked language model."""
    gradio = _gradio()
    tokenizer, network = load(model)
    mask = tokenizer.mask_token
    with gradio.Blocks(title=f"{model} · kobert-pipeline", analytics_enabled=False) as app:
        gradio.Markdown(f"# {model}")
        with gradio.Tab("Fill masks"):
            text = gradio.Textbox(EXAMPLES[0].replace("[MASK]", mask), label=f"A sentence with {mask}", lines=2)
            filled = gradio.Dataframe(headers=["mask", "piece", "probability"], label="Likeliest pieces")
            _on_change(gradio, app, text, lambda sentence: shown(guesses(tokenizer, network, sentence)), filled)
            gradio.Examples([example.replace("[MASK]", mask) for example in EXAMPLES], text)
        with gradio.Tab("Pieces"):
            sentence = gradio.Textbox(SENTENCES[1], label="A sentence", lines=2)
            pieces = gradio.HighlightedText(label="Its pieces, by morpheme", combine_adjacent=False, show_legend=True)
            _on_change(gradio, app, sentence, lambda typed: coloured(tokenizer.backend_tokenizer, typed), pieces)
    app.launch(server_name="127.0.0.1", server_port=port, share=False)


def _gradio() -> Any:
    try:
        import gradio
    except ImportError:
        raise KobertError("The playground needs Gradio: pip install 'gradio>=6,<7' (the extra `serve`).") from None
    return gradio


def _on_change(gradio: Any, app: Any, text: Any, answer: Callable[[str], Any], shows: Any) -> None:
    """Answers whatever is typed, and what stands there at first."""
    gradio.on([text.change, app.load], answer, text, shows)


def load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network of a folder or Hub id."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        network = AutoModelForMaskedLM.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{model}: no masked language model: {str(error).splitlines()[0]}") from None
    return tokenizer, network.eval()


def guesses(tokenizer: Any, network: Any, sentence: str) -> list[Guess]:
    """For each mask, in order, the likeliest pieces. Empty without a mask, and for a text longer than the model takes."""
    import torch

    batch = tokenizer(sentence, return_tensors="pt")
    masked = batch["input_ids"][0] == tokenizer.mask_token_id
    if not masked.any() or len(masked) > positions(network.config):
        return []
    with torch.no_grad():
        probabilities = network(**batch).logits[0, masked].float().softmax(dim=-1)
    best = probabilities.topk(GUESSES, dim=-1)
    return [
        (number, str(tokenizer.convert_ids_to_tokens(piece)), value)
        for number, row in enumerate(zip(best.indices.tolist(), best.values.tolist(), strict=True), 1)
        for piece, value in zip(*row, strict=True)
    ]


def shown(found: list[Guess]) -> list[list[str]]:
    return [[str(number), piece, f"{value:.1%}"] for number, piece, value in found]


def coloured(tokenizer: Any, text: str) -> list[tuple[str, str | None]]:
    """Pieces of one line, each with the class of its morpheme; a space between eojeols has none."""
    words = {kind: name for kind, name, _ in KINDS} | {"unknown": "[UNK]"}
    line = " ".join(unicodedata.normalize("NFC", text).split())
    found: list[tuple[str, str | None]] = []
    for eojeol in cut(tokenizer, line, own=True).eojeols:
        found += [(" ", None)] if found else []
        found += [(piece.piece, words[piece.kind]) for piece in eojeol]
    return found
