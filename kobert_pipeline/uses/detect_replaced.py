"""Detecting replaced tokens: a discriminator says of each token of a text how likely it is not the original one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.positions import positions
from kobert_pipeline.uses.use import (
    Answer,
    Columns,
    Command,
    Example,
    Network,
    Result,
    Tokenizer,
    Use,
    Words,
    loading_code,
)

AUTO_CLASS, ELECTRA_CLASS = "AutoModelForTokenClassification", "AutoModelForPreTraining"
"""ELECTRA's own class has one score for a token; those of other models have two, for original and replaced."""
OF_CLASS = {AUTO_CLASS: "softmax(dim=-1)[..., 1]", ELECTRA_CLASS: "sigmoid()"}
"""From logits to the probability of being replaced."""
REPLACED_LABELS = ("original", "replaced")
"""Labels of a model with two scores for a token."""
SHOWN = 5
"""The tokens shown for a text: those that are most likely replaced."""
EXAMPLES = (
    Example("news", "정부는 내년도 ", "학교", "안을 국회에 제출했다."),
    Example("news", "대통령은 오늘 아침 ", "바다", " 회의를 주재했다."),
    Example("encyclopedia", "대한민국의 수도는 ", "겨울", "이다."),
    Example("encyclopedia", "한국 전쟁은 1950년에 ", "음악", "되었다."),
    Example("petition", "피해자가 더 이상 ", "학교", "지 않도록 법을 고쳐 주세요."),
    Example("review", "배우들의 ", "국회", "가 정말 훌륭했다."),
    Example("review", "마지막 장면에서 결국 ", "경제", "고 말았다."),
    Example("everyday", "아침에 일어나서 ", "정부", "을 한 잔 마셨다."),
    Example("everyday", "날씨가 너무 ", "사람", "서 밖에 나가기 싫다."),
    Example("law", "이 법은 공포한 날부터 ", "영화", "한다."),
)
"""In each a word stands where it does not belong; it is what the model should find."""
SNIPPET = """
batch = tokenizer("대한민국의 수도는 겨울이다.", return_tensors="pt")
with torch.no_grad():
    replaced = model(**batch).logits[0].PROBABILITIES
for token, probability in zip(tokenizer.convert_ids_to_tokens(batch["input_ids"][0]), replaced):
    print(f"{token}\\t{probability:.3f}")"""


def detect(tokenizer: Tokenizer, network: Network, texts: Sequence[str]) -> list[Result]:
    """The tokens of each text that are most likely replaced, with probabilities.

    Raises InputError for a text without tokens and for one that is longer than the model takes.
    """
    return [_detect_in(tokenizer, network, text) for text in texts]


def _detect_in(tokenizer: Tokenizer, network: Network, text: str) -> Result:
    import torch

    batch = tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    ordinary = batch.pop("special_tokens_mask")[0] == 0
    if not ordinary.any():
        raise InputError(
            "{text!r}: no tokens. Give a text in which the model should find what was replaced.", text=text
        )
    limit = positions(network.config)
    if len(ordinary) > limit:
        raise InputError(
            "{text!r}…: {count} tokens; the model takes {limit}. Shorten the text.",
            text=text[:40],
            count=len(ordinary),
            limit=limit,
        )
    with torch.no_grad():
        logits = network(**batch).logits[0].float()[ordinary]
    probabilities = logits.sigmoid() if logits.ndim == 1 else logits.softmax(dim=-1)[:, 1]
    best = probabilities.topk(min(SHOWN, len(probabilities)))
    pieces = tokenizer.convert_ids_to_tokens(batch["input_ids"][0][ordinary][best.indices])
    return Result(text, [[Answer(piece, value) for piece, value in zip(pieces, best.values.tolist(), strict=True)]])


def prompt(tokenizer: Tokenizer, example: Example) -> str:
    return f"{example.before}{example.expected}{example.after}"


def card_snippet(repo: str, trust: bool, auto_class: str) -> str:
    return f"{loading_code(auto_class, repo, trust, 'torch')}\n{SNIPPET.replace('PROBABILITIES', OF_CLASS[auto_class])}"


USE = Use(
    name="detect_replaced",
    title="Detect replaced tokens",
    kind="discriminator",
    auto_class=AUTO_CLASS,
    pipeline_tag="feature-extraction",
    command=Command(
        "detect",
        "Find what does not belong in a text: the five tokens that are most likely replaced, with probabilities.",
        'Texts: "대한민국의 수도는 겨울이다."',
    ),
    columns=Columns("text", "token", "replaced"),
    try_it=detect,
    prompt=prompt,
    asks_for=lambda tokenizer: "A text in which something may be replaced",
    examples=EXAMPLES,
    section="Where the model finds a replaced token",
    section_of_two="Where both models find a replaced token",
    about_examples="These sentences were written for this page. The underlined word does not belong there; the five tokens that the "
    "model thinks are most likely replaced are listed with their probabilities. If the underlined word is one of them, it is bold.",
    intended=Words(
        "For fine-tuning on Korean text: classification, tagging, similarity. It judges tokens; it neither fills masks nor generates text.",
        "한국어 텍스트의 미세조정(분류, 태깅, 유사도)에 씁니다. 토큰이 바뀌었는지 판별하며, 빈칸을 채우거나 텍스트를 생성하지는 않습니다.",
    ),
    card_snippet=card_snippet,
    encodes=True,
    fits=lambda network: (
        hasattr(network, "discriminator_predictions") or tuple(network.config.id2label.values()) == REPLACED_LABELS
    ),
    classes=MappingProxyType({"electra": ELECTRA_CLASS}),
    check_back=Path(__file__).with_name("check_detect_replaced.py"),
)
