"""Loaded by its path in a fresh process: does plain transformers generate text with what was published? Imports nothing of ours."""

from __future__ import annotations

from typing import Any

Problem = tuple[str, dict[str, Any]]
"""A message, and the values of its placeholders."""

BEGINNING = "대한민국의 수도는"
NEW = 8
"""Tokens."""


def problem(name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> Problem | None:
    """None where text is generated, otherwise what failed. Raises whatever transformers raises."""
    return (
        _problem_of_text(tokenizer) or _problem_of_ids(tokenizer, model) or _problem_of_pipeline(name, revision, trust)
    )


def _problem_of_text(tokenizer: Any) -> Problem | None:
    """A model that writes needs its text back, and nothing after a beginning."""
    text = "띄어쓰기와  줄 바꿈\n그대로 café ㅋㅋ"
    ids = tokenizer(text)["input_ids"]
    if tokenizer.decode(ids, skip_special_tokens=True) != text:
        return "the tokenizer does not give a text back as it was", {}
    if ids[-1] in (tokenizer.eos_token_id, tokenizer.sep_token_id):
        return "the tokenizer ends every text, so that nothing follows it", {}
    return None


def _problem_of_ids(tokenizer: Any, model: Any) -> Problem | None:
    import torch

    batch = tokenizer(BEGINNING, return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits
        ids = model.generate(**batch, max_new_tokens=NEW, do_sample=False)[0, batch["input_ids"].shape[1] :]
    if not bool(torch.isfinite(logits).all()):
        return "the model's output for a text is not finite", {}
    if logits.shape[-1] < len(tokenizer):
        return "the model scores {scored} tokens, the tokenizer has {count}", {
            "scored": logits.shape[-1],
            "count": len(tokenizer),
        }
    if not len(ids):
        return "nothing was generated", {}
    if int(ids[0]) != int(logits[0, -1].argmax()):
        return "generation does not take the likeliest token", {}
    return None


def _problem_of_pipeline(name: str, revision: str | None, trust: bool) -> Problem | None:
    from transformers import pipeline

    write = pipeline("text-generation", model=name, revision=revision, trust_remote_code=trust)
    answers = write(BEGINNING, max_new_tokens=NEW, do_sample=False)
    if not answers or not answers[0]["generated_text"].startswith(BEGINNING):
        return 'pipeline("text-generation") answers {answers}', {"answers": answers}
    return None
