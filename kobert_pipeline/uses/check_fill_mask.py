"""Loaded by its path in a fresh process: does plain transformers fill masks with what was published? Imports nothing of ours."""

from __future__ import annotations

from typing import Any

SENTENCE = "대한민국의 수도는 {}이다"


def problem(name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> str:
    """Empty where masks are filled, otherwise one line that says what failed. Raises whatever transformers raises."""
    problem = _problem_of_logits(tokenizer, model)
    if problem or type(model).__name__ == "XLNetLMHeadModel":  # transformers has no pipeline that fills masks with it
        return problem
    return _problem_of_pipeline(name, revision, tokenizer, trust)


def _problem_of_logits(tokenizer: Any, model: Any) -> str:
    import torch

    batch = tokenizer(SENTENCE.format(tokenizer.mask_token), return_tensors="pt")
    if int((batch["input_ids"] == tokenizer.mask_token_id).sum()) != 1:
        return f"the tokenizer splits {tokenizer.mask_token}"
    with torch.no_grad():
        logits = model(**batch).logits
    if logits.shape[-1] < len(tokenizer):  # a checkpoint may have more rows than pieces
        return f"the model scores {logits.shape[-1]} pieces, the tokenizer has {len(tokenizer)}"
    if not bool(torch.isfinite(logits).all()):
        return "the model's output for a masked sentence is not finite"
    return ""


def _problem_of_pipeline(name: str, revision: str | None, tokenizer: Any, trust: bool) -> str:
    from transformers import pipeline

    fill = pipeline("fill-mask", model=name, revision=revision, trust_remote_code=trust)
    answers = fill(SENTENCE.format(tokenizer.mask_token))
    if not answers or not all(0 <= answer["score"] <= 1 for answer in answers):
        return f'pipeline("fill-mask") answers {answers}'
    return ""
