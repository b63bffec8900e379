"""`kobert serve`: a model to try in the browser, on this machine: its use, and the pieces of a text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.report.morpheme_colours import KINDS, SENTENCES, cut
from kobert_pipeline.training.quiet import quiet
from kobert_pipeline.uses import find_use
from kobert_pipeline.uses.results import rows
from kobert_pipeline.uses.use import Network, Tokenizer, Use

EXAMPLES = 6
"""Examples of the use that can be chosen."""
COLOURS = {
    "noun": "#7db0ff",
    "verb": "#6fce8f",
    "particle": "#f2a35a",
    "ending": "#c39bf5",
    "modifier": "#55cbd8",
    "other": "#8f99a8",
    "unknown": "#ff7b7b",
}
"""The colours of the page, by class of morpheme."""
HERE = "127.0.0.1"


def serve(model: str, port: int, title: str = "") -> None:
    """Blocks until Ctrl-C. Raises KobertError without Gradio, and InputError for a model that fits no use."""
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
        use, tokenizer, network = find_use(model)
    with gradio.Blocks(title=f"{title} · kobert-pipeline", analytics_enabled=False) as app:
        gradio.Markdown(f"# {title}")
        with gradio.Tab(use.title):
            _use_tab(gradio, app, use, tokenizer, network)
        with gradio.Tab("Pieces"):
            _pieces_tab(gradio, app, tokenizer)
    return app


def _use_tab(gradio: Any, app: Any, use: Use, tokenizer: Tokenizer, network: Network) -> None:
    prompts = [use.prompt(tokenizer, example) for example in use.examples[:EXAMPLES]]
    text = gradio.Textbox(prompts[0], label=use.asks_for(tokenizer), lines=2)
    wrong = gradio.Markdown()
    results = gradio.Dataframe(headers=list(use.columns), label=use.title)
    _on_change(
        gradio, app, text, lambda typed: answers(use, tokenizer, network, typed), [results, wrong], use.command.name
    )
    gradio.Examples(prompts, text)


def _pieces_tab(gradio: Any, app: Any, tokenizer: Tokenizer) -> None:
    sentence = gradio.Textbox(SENTENCES[1], label="A sentence", lines=2)
    pieces = gradio.HighlightedText(
        label="Its pieces, by morpheme", combine_adjacent=False, show_legend=True, color_map=_colours()
    )
    _on_change(gradio, app, sentence, lambda typed: coloured(tokenizer.backend_tokenizer, typed), pieces, "cut")


def _on_change(gradio: Any, app: Any, text: Any, answer: Callable[[str], Any], shows: Any, name: str) -> None:
    """Answers the text that is there at first and every change of it. Programs call it by `name`."""
    triggers = [text.change, app.load]
    gradio.on(triggers, answer, text, shows, api_name=name, show_progress="hidden", trigger_mode="always_last")


def answers(use: Use, tokenizer: Tokenizer, network: Network, text: str) -> tuple[list[list[str]], str]:
    """The rows of the result, and what is wrong with the text: one of the two is empty."""
    if not text.strip():
        return [], ""
    try:
        (result,) = use.try_it(tokenizer, network, [text])
    except InputError as error:
        return [], str(error)
    return rows(result), ""


def coloured(tokenizer: Any, text: str) -> list[tuple[str, str | None]]:
    """Pieces of one line, each with the class of its morpheme. A space between eojeols has none."""
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
