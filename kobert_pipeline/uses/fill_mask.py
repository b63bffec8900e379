"""Filling masks: a masked language model names the likeliest pieces for each mask of a sentence."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.training.positions import longest_input
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

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

AUTO_CLASS = "AutoModelForMaskedLM"
XLNET, XLNET_CLASS = "xlnet", "XLNetLMHeadModel"
GUESSES = 5
"""Pieces named for each mask."""
EXAMPLES = (
    Example("news", "정부는 내년도 예산안", "##을", " 국회에 제출했다."),
    Example("news", "", "서울", " 시장은 기자 회견에서 새 정책을 발표했다."),
    Example("encyclopedia", "대한민국의 수도", "##는", " 서울이다."),
    Example("encyclopedia", "", "한국", " 전쟁은 1950년에 시작되었다."),
    Example("petition", "피해자가 더 이상 나오", "##지", " 않도록 법을 고쳐 주세요."),
    Example("petition", "국민 ", "청원", " 게시판에 처음으로 글을 올립니다."),
    Example("review", "배우들의 연기", "##가", " 정말 훌륭했다."),
    Example("review", "마지막 장면에서 ", "결국", " 울고 말았다."),
    Example("everyday", "아침에 일어나서 물", "##을", " 한 잔 마셨다."),
    Example("everyday", "날씨가 ", "너무", " 추워서 밖에 나가기 싫다."),
    Example("law", "이 법은 공포한 날", "##부터", " 시행한다."),
    Example("law", "피고는 원고", "##에게", " 손해를 배상하여야 한다."),
)
"""What is expected is one piece: the first of a word, or (##) one that continues a word."""
SNIPPET = """
batch = tokenizer(f"대한민국의 수도는 {tokenizer.mask_token}이다.", return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits
position = batch["input_ids"][0].tolist().index(tokenizer.mask_token_id)
print(tokenizer.convert_ids_to_tokens(logits[0, position].topk(5).indices))"""
XLNET_SNIPPET = """
batch = tokenizer(f"대한민국의 수도는 {tokenizer.mask_token}이다.", return_tensors="pt")
length = batch["input_ids"].shape[1]
position = batch["input_ids"][0].tolist().index(tokenizer.mask_token_id)
gap = torch.eye(length)[position]  # no token sees it, and it is what the model predicts
with torch.no_grad():
    logits = model(**batch, perm_mask=gap.expand(1, length, -1), target_mapping=gap.view(1, 1, -1)).logits
print(tokenizer.convert_ids_to_tokens(logits[0, 0].topk(5).indices))"""


def fill(tokenizer: Tokenizer, network: Network, sentences: Sequence[str]) -> list[Result]:
    """The likeliest pieces for each mask of each sentence. Each mask is filled while the others stay masked.

    Raises InputError for a sentence without a mask and for one that is longer than the model takes.
    """
    return [_fill_one(tokenizer, network, sentence) for sentence in sentences]


def _fill_one(tokenizer: Tokenizer, network: Network, sentence: str) -> Result:
    import torch

    batch = tokenizer(sentence, return_tensors="pt")
    masked = batch["input_ids"][0] == tokenizer.mask_token_id
    if not masked.any():
        raise InputError(
            "{text!r}: no mask. Write {mask} where the model should guess.", text=sentence, mask=tokenizer.mask_token
        )
    limit = longest_input(network)
    if len(masked) > limit:
        raise InputError(
            "{text!r}…: {count} tokens; the model takes {limit}. Shorten the text.",
            text=sentence[:40],
            count=len(masked),
            limit=limit,
        )
    unknown = int((batch["input_ids"][0] == tokenizer.unk_token_id).sum()) if tokenizer.unk_token_id is not None else 0
    if unknown:
        logger.warning("%r: %s of %s tokens are [UNK], which the model cannot read", sentence, unknown, len(masked))
    with torch.no_grad():
        logits = _logits(network, batch, masked)[:, : len(tokenizer)]  # a model may have more rows than pieces
    probabilities = logits.float().softmax(dim=-1)
    best = probabilities.topk(min(GUESSES, probabilities.shape[-1]), dim=-1)
    rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Result(sentence, [[Answer(_text(tokenizer, piece), value) for piece, value in zip(*row, strict=True)] for row in rows])  # fmt: skip


def _logits(network: Network, batch: Any, masked: Tensor) -> Tensor:
    """(n, V) for the n tokens that are `masked` (L,). XLNet predicts them in its second stream; no token sees them."""
    import torch

    if network.config.model_type != XLNET:
        return network(**batch).logits[0, masked]  # type: ignore[no-any-return]
    unseen = masked.float().expand(1, len(masked), -1)
    return network(**batch, perm_mask=unseen, target_mapping=torch.eye(len(masked))[None, masked]).logits[0]  # type: ignore[no-any-return]


def _text(tokenizer: Tokenizer, piece: int) -> str:
    """The piece as it would be written; one that continues a word keeps its ##."""
    return tokenizer.decode([piece]).strip() or str(tokenizer.convert_ids_to_tokens(piece))


def prompt(tokenizer: Tokenizer, example: Example) -> str:
    return f"{example.before}{tokenizer.mask_token}{example.after}"


def card_snippet(repo: str, trust: bool, auto_class: str) -> str:
    return (
        f"{loading_code(auto_class, repo, trust, 'torch')}\n{XLNET_SNIPPET if auto_class == XLNET_CLASS else SNIPPET}"
    )


USE = Use(
    name="fill_mask",
    title="Fill masks",
    kind="masked language model",
    auto_class=AUTO_CLASS,
    pipeline_tag="fill-mask",
    command=Command(
        "fill",
        "Guess what belongs where a sentence is masked: the model's five likeliest pieces, with probabilities.",
        'With masks: "대한민국의 수도는 [MASK]이다."',
    ),
    columns=Columns("mask", "piece", "probability"),
    try_it=fill,
    prompt=prompt,
    asks_for=lambda tokenizer: f"A sentence with {tokenizer.mask_token}",
    examples=EXAMPLES,
    section="What the model writes for a mask",
    section_of_two="What both models write for a mask",
    about_examples="These sentences were written for this page. The underlined piece was masked; the five likeliest pieces "
    "are listed with their probabilities. The piece that was written is bold; ## continues a word.",
    intended=Words(
        "For filling masks, and for fine-tuning on Korean text: classification, tagging, similarity. It does not generate text.",
        "빈칸 채우기와 한국어 텍스트의 미세조정(분류, 태깅, 유사도)에 씁니다. 텍스트를 생성하지는 않습니다.",
    ),
    card_snippet=card_snippet,
    encodes=True,
    classes=MappingProxyType({XLNET: XLNET_CLASS}),
    check_back=Path(__file__).with_name("check_fill_mask.py"),
)
