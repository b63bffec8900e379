"""`kobert serve`: a model to play with in the browser, on this machine: filling masks, and cutting text into pieces."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.report.examples import MASKED
from kobert_pipeline.report.pieces import KINDS, SENTENCES, cut
from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.uses.fill_mask import fill_one, load

EXAMPLES = tuple(f"{before}[MASK]{after}" for _, before, _, after in MASKED[:6])
"""`[MASK]` becomes what the model's tokenizer calls it."""
COLOURS = {
    "noun": "#7db0ff",
    "verb": "#6fce8f",
    "particle": "#f2a35a",
    "ending": "#c39bf5",
    "modifier": "#55cbd8",
    "other": "#8f99a8",
    "unknown": "#ff7b7b",
}
"""Of the classes of morphemes, as on the page."""
HERE = "127.0.0.1"


def serve(model: str, port: int, title: str = "") -> None:
    """Blocks until Ctrl-C. Raises KobertError without Gradio, InputError for what is no masked language model."""
    gradio = _gradio()
    playground(gradio, model, title or model).launch(server_name=HERE, server_port=port, share=False)


def _gradio() -> Any:
    try:
        import gradio
    except ImportError:
        raise KobertError("The playground needs Gradio: pip install 'gradio>=6,<7' (the extra `serve`).") from None
    return gradio


def playground(gradio: Any, model: str, title: str) -> Any:
    """The application, to be launched."""
    with quiet():
        tokenizer, network = load(model)
    mask = tokenizer.mask_token
    with gradio.Blocks(title=f"{title} · kobert-pipeline", analytics_enabled=False) as app:
        gradio.Markdown(f"# {title}")
        with gradio.Tab("Fill masks"):
            text = gradio.Textbox(EXAMPLES[0].replace("[MASK]", mask), label=f"A sentence with {mask}", lines=2)
            wrong = gradio.Markdown()
            filled = gradio.Dataframe(headers=["mask", "piece", "probability"], label="Likeliest pieces")
            _on_change(gradio, app, text, lambda typed: guesses(tokenizer, network, typed), [filled, wrong], "fill")
            gradio.Examples([example.replace("[MASK]", mask) for example in EXAMPLES], text)
        with gradio.Tab("Pieces"):
            sentence = gradio.Textbox(SENTENCES[1], label="A sentence", lines=2)
            pieces = gradio.HighlightedText(
                label="Its pieces, by morpheme", combine_adjacent=False, show_legend=True, color_map=_colours()
            )
            _on_change(gradio, app, sentence, lambda typed: coloured(tokenizer.backend_tokenizer, typed), pieces, "cut")
    return app


def _on_change(gradio: Any, app: Any, text: Any, answer: Callable[[str], Any], shows: Any, name: str) -> None:
    """Answers whatever is typed, and what stands there at first. `name` is what programs call it by."""
    triggers = [text.change, app.load]
    gradio.on(triggers, answer, text, shows, api_name=name, show_progress="hidden", trigger_mode="always_last")


def guesses(tokenizer: Any, network: Any, sentence: str) -> tuple[list[list[str]], str]:
    """Mask, piece and probability of the likeliest pieces, and what is wrong with the sentence: one of the two is empty."""
    if not sentence.strip():
        return [], ""
    try:
        filled = fill_one(tokenizer, network, sentence)
    except InputError as error:
        return [], str(error)
    return [
        [str(number), guess.piece, f"{guess.probability:.1%}"]
        for number, found in enumerate(filled.masks, 1)
        for guess in found
    ], ""


def coloured(tokenizer: Any, text: str) -> list[tuple[str, str | None]]:
    """Pieces of one line, each with the class of its morpheme; a space between eojeols has none."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    found: list[tuple[str, str | None]] = []
    for eojeol in cut(tokenizer, line, own=True).eojeols:
        found += [(" ", None)] if found else []
        found += [(piece.piece, _names()[piece.kind]) for piece in eojeol]
    return found


def _names() -> dict[str, str]:
    return {kind: name for kind, name, _ in KINDS} | {"unknown": "[UNK]"}


def _colours() -> dict[str, str]:
    return {name: COLOURS[kind] for kind, name in _names().items()}
