"""Loaded by its path in a fresh process: does plain transformers fill masks with what was published? Imports nothing of ours."""

from __future__ import annotations

from typing import Any

Problem = tuple[str, dict[str, Any]]
"""A message, and the values of its placeholders."""

SENTENCE = "대한민국의 수도는 {}이다"


def problem(name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> Problem | None:
    """None where masks are filled, otherwise what failed. Raises whatever transformers raises."""
    problem = _problem_of_logits(tokenizer, model)
    if problem or type(model).__name__ == "XLNetLMHeadModel":  # transformers has no pipeline that fills masks with it
        return problem
    return _problem_of_pipeline(name, revision, tokenizer, trust)


def _problem_of_logits(tokenizer: Any, model: Any) -> Problem | None:
    import torch

    batch = tokenizer(SENTENCE.format(tokenizer.mask_token), return_tensors="pt")
    if int((batch["input_ids"] == tokenizer.mask_token_id).sum()) != 1:
        return "the tokenizer splits {mask}", {"mask": tokenizer.mask_token}
    with torch.no_grad():
        logits = model(**batch).logits
    if logits.shape[-1] < len(tokenizer):  # a checkpoint may have more rows than pieces
        return "the model scores {scored} pieces, the tokenizer has {count}", {
            "scored": logits.shape[-1],
            "count": len(tokenizer),
        }
    if not bool(torch.isfinite(logits).all()):
        return "the model's output for a masked sentence is not finite", {}
    return None


def _problem_of_pipeline(name: str, revision: str | None, tokenizer: Any, trust: bool) -> Problem | None:
    from transformers import pipeline

    fill = pipeline("fill-mask", model=name, revision=revision, trust_remote_code=trust)
    answers = fill(SENTENCE.format(tokenizer.mask_token))
    if not answers or not all(0 <= answer["score"] <= 1 for answer in answers):
        return 'pipeline("fill-mask") answers {answers}', {"answers": answers}
    return None
