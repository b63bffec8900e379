"""Loaded by its path in a fresh process: does plain transformers judge tokens with what was published? Imports nothing of ours."""

from __future__ import annotations

from typing import Any

Problem = tuple[str, dict[str, Any]]
"""A message, and the values of its placeholders."""

SENTENCE = "대한민국의 수도는 겨울이다."


def problem(name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> Problem | None:
    """None where tokens are judged, otherwise what failed. Raises whatever transformers raises."""
    import torch

    batch = tokenizer(SENTENCE, return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits
    if logits.shape[:2] != batch["input_ids"].shape or logits.shape[2:] not in ((), (2,)):
        return "the model gives {scores} scores for {tokens} tokens", {
            "scores": tuple(logits.shape),
            "tokens": tuple(batch["input_ids"].shape),
        }
    if not bool(torch.isfinite(logits).all()):
        return "the model's scores for a sentence are not finite", {}
    return None
