"""Generating text: a decoder goes on where a text ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.positions import longest_input
from kobert_pipeline.training.reading_order import sees_the_past_alone
from kobert_pipeline.uses.attributes import attribute_of
from kobert_pipeline.uses.steering import Attribute, steered_tokens
from kobert_pipeline.uses.use import (
    Answer,
    Columns,
    Command,
    Example,
    Network,
    Option,
    Result,
    Tokenizer,
    Use,
    Words,
    loading_code,
)

AUTO_CLASS = "AutoModelForCausalLM"
TOKENS, SHOWN = 128, 48
"""New tokens of the command, and of an example on a page."""
OPTIONS = (
    Option("max_tokens", int, TOKENS, "New tokens at most. A text that ends earlier is shorter.", minimum=1),
    Option("temperature", float, 0.8, "Below 1 likelier tokens become likelier; 0 always takes the likeliest.", minimum=0),
    Option("top_p", float, 0.95, "Draw from the likeliest tokens that together have this probability.", minimum=0, maximum=1),
    Option("top_k", int, 0, "Draw from so many likeliest tokens; 0: from all.", minimum=0),
    Option("beams", int, 1, "Beam search with so many beams, without drawing.", minimum=1),
    Option("seed", int, 0, "Equal seeds draw equal texts.", minimum=0),
    Option("toward", str, None, "Steer (PPLM) toward a file's words, one a line, or toward --label of a CSV with text, label."),
    Option("label", str, None, "The label of the CSV to steer toward."),
    Option("strength", float, 0.02, "How far --toward moves keys and values in a step. Small models need more than the paper's 0.02.", minimum=0),
)  # fmt: skip
EXAMPLES = (
    Example("news", "정부는 내년도 예산안을"),
    Example("news", "서울시는 오늘 기자 회견에서"),
    Example("encyclopedia", "대한민국의 수도는"),
    Example("encyclopedia", "한국 전쟁은 1950년에"),
    Example("petition", "피해자가 더 이상 나오지 않도록"),
    Example("review", "이 영화의 마지막 장면에서"),
    Example("everyday", "아침에 일어나서 물을 한 잔 마시고"),
    Example("law", "이 법은 공포한 날부터"),
)
SNIPPET = """
batch = tokenizer("대한민국의 수도는", return_tensors="pt")
ids = model.generate(**batch, max_new_tokens=64, do_sample=True, temperature=0.8, top_p=0.95)
print(tokenizer.decode(ids[0], skip_special_tokens=True))"""
INCOMPLETE = "\ufffd"
"""What the bytes of a part of a character are decoded to."""


def generate(tokenizer: Tokenizer, network: Network, texts: Sequence[str], **options: Any) -> list[Result]:
    """What the model writes after each text. Options are those of OPTIONS; equal ones give equal results.

    Raises InputError for a text that leaves no room to go on.
    """
    given = {"max_tokens": SHOWN} | options
    return [
        Result(text, [[Answer(continuation(tokenizer, network, text, lambda piece: None, **given))]]) for text in texts
    ]


def stream(tokenizer: Tokenizer, network: Network, text: str, write: Callable[[str], None], **options: Any) -> None:
    """Writes the text and, as it comes, what the model writes after it."""
    ids = _prompt(tokenizer, network, text)
    write(text)
    _continue(tokenizer, network, ids, write, **options)


def continuation(
    tokenizer: Tokenizer, network: Network, text: str, write: Callable[[str], None], **options: Any
) -> str:
    return _continue(tokenizer, network, _prompt(tokenizer, network, text), write, **options)


def _prompt(tokenizer: Tokenizer, network: Network, text: str) -> Any:
    """Ids (1, L). Raises InputError if nothing can be written after them."""
    import torch

    ids = torch.tensor([tokenizer(text)["input_ids"]], dtype=torch.long)
    limit = longest_text(tokenizer, network)
    if not ids.shape[1]:
        raise InputError("{text!r}: no tokens. Give the beginning of a text.", text=text)
    if ids.shape[1] >= limit:
        raise InputError(
            "{text!r}…: {count} tokens; the model takes {limit}, the new ones among them. Shorten the text.",
            text=text[:40],
            count=ids.shape[1],
            limit=limit,
        )
    return ids


def longest_text(tokenizer: Tokenizer, network: Network) -> int:
    """Tokens of a text with what is written after it: what the model takes, and was trained on."""
    return min(longest_input(network), int(tokenizer.model_max_length))


def _continue(
    tokenizer: Tokenizer, network: Network, ids: Any, write: Callable[[str], None], *, max_tokens: int = TOKENS,
    temperature: float = 0.8, top_p: float = 0.95, top_k: int = 0, beams: int = 1, seed: int = 0,
    toward: str | None = None, label: str | None = None, strength: float = 0.02,
) -> str:  # fmt: skip
    import torch

    if toward is not None or label is not None:
        room = min(max_tokens, longest_text(tokenizer, network) - ids.shape[1])
        attribute = _attribute(toward, label, beams, tokenizer, network)
        rule = _Drawing(temperature, top_p, top_k, seed)
        return _steer(tokenizer, network, ids, write, attribute, strength, rule, room)
    draws = temperature > 0 and beams == 1
    drawing = {"temperature": temperature, "top_p": top_p, "top_k": top_k} if draws else {}
    writer = _Writer(tokenizer, write)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        written = network.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=draws, num_beams=beams,
            max_new_tokens=min(max_tokens, longest_text(tokenizer, network) - ids.shape[1]),
            streamer=writer if beams == 1 else None, **drawing,
        )  # fmt: skip
    if beams > 1:
        writer.put(ids)
        writer.put(written[0, ids.shape[1] :])
        writer.end()
    return writer.text


def _attribute(toward: str | None, label: str | None, beams: int, tokenizer: Tokenizer, network: Network) -> Attribute:
    if toward is None:
        raise InputError(
            "--label {label} belongs to --toward FILE, a CSV with the columns text and label.", label=label
        )
    if beams > 1:
        raise InputError("--toward draws token by token, so --beams does not go with it. Leave one of them out.")
    return attribute_of(toward, label, tokenizer, network)


def _steer(
    tokenizer: Tokenizer, network: Network, ids: Any, write: Callable[[str], None], attribute: Attribute, strength: float,
    rule: _Drawing, room: int,
) -> str:  # fmt: skip
    import torch

    writer = _Writer(tokenizer, write)
    writer.put(ids)
    for token in islice(steered_tokens(network, ids, attribute, strength, rule.drawer()), room):
        if token == network.generation_config.eos_token_id:
            break
        writer.put(torch.tensor([token]))
    writer.end()
    return writer.text


class _Drawing(NamedTuple):
    """How a token is drawn from a distribution: see OPTIONS."""

    temperature: float
    top_p: float
    top_k: int
    seed: int

    def drawer(self) -> Callable[[Any], int]:
        """Log-probabilities (V,) -> a token."""
        import torch
        from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

        if not self.temperature:
            return lambda scores: int(scores.argmax())
        narrowing = [TemperatureLogitsWarper(self.temperature)]
        narrowing += [TopKLogitsWarper(self.top_k)] if self.top_k else []
        narrowing += [TopPLogitsWarper(self.top_p)] if self.top_p < 1 else []
        generator = torch.Generator().manual_seed(self.seed)

        def draw(scores: Any) -> int:
            for one in narrowing:
                scores = one(None, scores[None])[0]
            return int(torch.multinomial(scores.softmax(dim=-1).cpu(), 1, generator=generator))

        return draw


class _Writer:
    """transformers' protocol of a streamer: it gets the prompt, then new ids. Characters are written when they are whole."""

    def __init__(self, tokenizer: Tokenizer, write: Callable[[str], None]) -> None:
        self.tokenizer, self.write = tokenizer, write
        self.ids: list[int] | None = None
        self.text = ""

    def put(self, value: Any) -> None:
        if self.ids is None:
            self.ids = []
            return
        self.ids += value.flatten().tolist()
        self._show(self._decoded().rstrip(INCOMPLETE))

    def end(self) -> None:
        self._show(self._decoded())

    def _decoded(self) -> str:
        decoded: str = self.tokenizer.decode(self.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return decoded

    def _show(self, text: str) -> None:
        self.write(text[len(self.text) :])
        self.text = text


def card_snippet(repo: str, trust: bool, auto_class: str) -> str:
    return f"{loading_code(auto_class, repo, trust)}\n{SNIPPET}"


USE = Use(
    name="generate",
    title="Generate text",
    kind="decoder",
    auto_class=AUTO_CLASS,
    pipeline_tag="text-generation",
    command=Command(
        "generate",
        "Go on where a text ends: the model writes, token by token.",
        'Beginnings of texts: "대한민국의 수도는"',
    ),
    columns=Columns("text", "what follows", "score"),
    try_it=generate,
    options=OPTIONS,
    stream=stream,
    prompt=lambda tokenizer, example: example.before,
    asks_for=lambda tokenizer: "The beginning of a text",
    examples=EXAMPLES,
    section="What the model writes",
    section_of_two="What both models write",
    about_examples="The beginnings were written for this page. What follows was drawn from the model's distribution, at temperature "
    "0.8 among tokens that together have a probability of 0.95, always with the same seed, and is shown as it was drawn.",
    intended=Words(
        "For generating Korean text, and for fine-tuning. What it writes is not checked and may be wrong.",
        "한국어 텍스트 생성과 미세조정에 씁니다. 생성한 내용은 검증되지 않으므로 틀릴 수 있습니다.",
    ),
    card_snippet=card_snippet,
    check_back=Path(__file__).with_name("check_generate.py"),
    fits=lambda network: sees_the_past_alone(network.config),
)
