"""Infilling: an encoder-decoder writes what belongs where a text is masked, of any length.

A model with sentinels (T5) writes the masked parts one after the other. One without (BART) writes the whole text again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.positions import longest_input
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

AUTO_CLASS = "AutoModelForSeq2SeqLM"
SENTINEL = "<extra_id_{}>"
TOKENS = 128
"""New tokens at most."""
OPTIONS = (
    Option("max_tokens", int, TOKENS, "New tokens at most.", minimum=1),
    Option("temperature", float, 0.0, "0 takes the likeliest token; otherwise below 1 likelier tokens become likelier.", minimum=0),
    Option("top_p", float, 1.0, "Draw from the likeliest tokens that together have this probability.", minimum=0, maximum=1),
    Option("top_k", int, 0, "Draw from so many likeliest tokens; 0: from all.", minimum=0),
    Option("beams", int, 1, "Beam search with so many beams, without drawing.", minimum=1),
    Option("seed", int, 0, "Equal seeds draw equal texts.", minimum=0),
)  # fmt: skip
EXAMPLES = (
    Example("news", "정부는 내년도 ", "", " 국회에 제출했다."),
    Example("news", "서울 시장은 기자 회견에서 ", "", " 발표했다."),
    Example("encyclopedia", "대한민국의 수도는 ", "", "이다."),
    Example("encyclopedia", "한국 전쟁은 ", "", "에 시작되었다."),
    Example("petition", "피해자가 더 이상 ", "", " 법을 고쳐 주세요."),
    Example("review", "배우들의 연기가 ", "", " 다시 보고 싶다."),
    Example("everyday", "아침에 일어나서 ", "", " 마셨다."),
    Example("law", "이 법은 공포한 날부터", ""),
)
SNIPPET = """
mask = "<extra_id_0>" if "<extra_id_0>" in tokenizer.get_vocab() else tokenizer.mask_token
batch = tokenizer(f"대한민국의 수도는{mask}이다.", return_tensors="pt")
ids = model.generate(**batch, max_new_tokens=32, do_sample=False)
print(tokenizer.decode(ids[0]))"""


def infill(tokenizer: Tokenizer, network: Network, texts: Sequence[str], **options: Any) -> list[Result]:
    """What the model writes for each mask of each text. Options are those of OPTIONS; equal ones give equal results.

    Raises InputError for a text without a mask, with more masks than sentinels, and longer than the model takes.
    """
    return [_infill_one(tokenizer, network, text, options) for text in texts]


def _infill_one(tokenizer: Tokenizer, network: Network, text: str, options: dict[str, Any]) -> Result:
    parts = re.split(rf" *{re.escape(tokenizer.mask_token)}", text)
    if len(parts) == 1:
        raise InputError(
            "{text!r}: no mask. Write {mask} where the model should write.",
            text=text,
            mask=tokenizer.mask_token,
        )
    if not has_sentinels(tokenizer):
        source = tokenizer.mask_token.join(parts)
        whole = tokenizer.decode(written_ids(tokenizer, network, source, **options), skip_special_tokens=True)
        return Result(text, between(parts, whole))
    numbers = _sentinels(tokenizer)
    if len(parts) > len(numbers):
        raise InputError(
            "{text!r}…: {count} masks; the model has sentinels for {limit}.",
            text=text[:40],
            count=len(parts) - 1,
            limit=len(numbers) - 1,
        )
    source = (
        mode_of(tokenizer, parts)
        + parts[0]
        + "".join(SENTINEL.format(place) + part for place, part in enumerate(parts[1:]))
    )
    spans = spans_of(written_ids(tokenizer, network, source, **options), numbers)
    found = [tokenizer.decode(spans.get(place, []), skip_special_tokens=True) for place in range(len(parts) - 1)]
    return Result(text, [[Answer(span.strip())] for span in found])


def mode_of(tokenizer: Tokenizer, parts: Sequence[str]) -> str:
    """The token that a model of UL2's mixture reads first: that of its sequential denoiser if only the end is missing, otherwise
    that of the regular one. Empty for other models."""
    mode = "[S]" if len(parts) == 2 and not parts[1] else "[R]"
    return mode if mode in tokenizer.all_special_tokens else ""


def has_sentinels(tokenizer: Tokenizer) -> bool:
    return SENTINEL.format(0) in tokenizer.get_vocab()


def _sentinels(tokenizer: Tokenizer) -> dict[int, int]:
    """Id of a sentinel -> its number."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    numbers: dict[int, int] = {}
    while (token := SENTINEL.format(len(numbers))) in vocabulary:
        numbers[vocabulary[token]] = len(numbers)
    return numbers


def spans_of(ids: Sequence[int], numbers: dict[int, int]) -> dict[int, list[int]]:
    """Number of a sentinel -> the ids that were written after it, up to the next one. The first of its name counts."""
    borders = [place for place, token in enumerate(ids) if token in numbers]
    found: dict[int, list[int]] = {}
    for border, end in pairwise([*borders, len(ids)]):
        found.setdefault(numbers[ids[border]], list(ids[border + 1 : end]))
    return found


def between(parts: Sequence[str], whole: str) -> list[list[Answer]]:
    """What stands between the parts of a text in the whole that was written; the whole if it does not have all parts."""
    matched = re.fullmatch("(.*?)".join(map(re.escape, parts)), whole, re.DOTALL)
    return [[Answer(span.strip())] for span in (matched.groups() if matched else (whole,))]


def written_ids(
    tokenizer: Tokenizer, network: Network, source: str, *, max_tokens: int = TOKENS, temperature: float = 0.0,
    top_p: float = 1.0, top_k: int = 0, beams: int = 1, seed: int = 0,
) -> list[int]:  # fmt: skip
    """The ids that the decoder writes after its start. Raises InputError for a source that is longer than the model takes."""
    import torch

    batch = tokenizer(source, return_tensors="pt")
    length, limit = batch["input_ids"].shape[1], min(longest_input(network), int(tokenizer.model_max_length))
    if length > limit:
        raise InputError(
            "{text!r}…: {count} tokens; the model takes {limit}. Shorten the text.",
            text=source[:40],
            count=length,
            limit=limit,
        )
    draws = temperature > 0 and beams == 1
    drawing = {"temperature": temperature, "top_p": top_p, "top_k": top_k} if draws else {}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        ids = network.generate(
            **batch, do_sample=draws, num_beams=beams, max_new_tokens=min(max_tokens, limit - 1), **drawing
        )
    written: list[int] = ids[0, 1:].tolist()
    return written


def prompt(tokenizer: Tokenizer, example: Example) -> str:
    return f"{example.before}{tokenizer.mask_token}{example.after}"


def card_snippet(repo: str, trust: bool, auto_class: str) -> str:
    return f"{loading_code(auto_class, repo, trust)}\n{SNIPPET}"


USE = Use(
    name="infill",
    title="Infill text",
    kind="sequence-to-sequence model",
    auto_class=AUTO_CLASS,
    pipeline_tag="text-generation",
    command=Command(
        "infill",
        "Write what belongs where a text is masked, one word or many: for encoder-decoders (BART, T5).",
        'With masks: "대한민국의 수도는 [MASK]이다." At the end of a text a mask is what follows it.',
    ),
    columns=Columns("mask", "what was written", "score"),
    try_it=infill,
    options=OPTIONS,
    prompt=prompt,
    asks_for=lambda tokenizer: f"A text with {tokenizer.mask_token}",
    examples=EXAMPLES,
    section="What the model writes for a mask",
    section_of_two="What both models write for a mask",
    about_examples="These texts were written for this page. A mask stands for any number of words; what is shown are the likeliest "
    "tokens, one after the other. A model without sentinels (BART) writes the whole text again: where it changes more than the mask, "
    "the whole text is shown.",
    intended=Words(
        "For infilling Korean text, and for fine-tuning on tasks in which a text is made from a text. What it writes is not checked and may be wrong.",
        "한국어 텍스트의 빈칸을 문장으로 채우거나, 텍스트에서 텍스트를 만드는 과제의 미세조정에 씁니다. 생성한 내용은 검증되지 않으므로 틀릴 수 있습니다.",
    ),
    card_snippet=card_snippet,
    check_back=Path(__file__).with_name("check_infill.py"),
    two_stacks=True,
)
