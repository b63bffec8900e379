"""Loaded by its path in a fresh process: does plain transformers infill text with what was published? Imports nothing of ours."""

from __future__ import annotations

from typing import Any

Problem = tuple[str, dict[str, Any]]
"""A message, and the values of its placeholders."""

BEFORE, AFTER = "대한민국의 수도는", "이다."
SENTINEL = "<extra_id_0>"
NEW = 8
"""Tokens."""


def problem(name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> Problem | None:
    """None where text is infilled, otherwise what failed. Raises whatever transformers raises."""
    return _problem_of_text(tokenizer) or _problem_of_ids(tokenizer, model)


def _problem_of_text(tokenizer: Any) -> Problem | None:
    text = "띄어쓰기와  줄 바꿈\n그대로 café ㅋㅋ"
    if tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) != text:
        return "the tokenizer does not give a text back as it was", {}
    return None


def _problem_of_ids(tokenizer: Any, model: Any) -> Problem | None:
    import torch

    mask = SENTINEL if SENTINEL in tokenizer.get_vocab() else tokenizer.mask_token
    batch = tokenizer(BEFORE + mask + AFTER, return_tensors="pt")
    number = tokenizer.convert_tokens_to_ids(mask)
    if int((batch["input_ids"] == number).sum()) != 1:
        return "the tokenizer splits {mask}", {"mask": mask}
    start = torch.tensor([[model.config.decoder_start_token_id]])
    with torch.no_grad():
        logits = model(**batch, decoder_input_ids=start).logits
        ids = model.generate(**batch, max_new_tokens=NEW, do_sample=False)[0, 1:]
    if not bool(torch.isfinite(logits).all()):
        return "the model's output for a text is not finite", {}
    if logits.shape[-1] < len(tokenizer):
        return "the model scores {scored} tokens, the tokenizer has {count}", {
            "scored": logits.shape[-1],
            "count": len(tokenizer),
        }
    if int(ids[0]) != int(logits[0, -1].argmax()):
        return "generation does not take the likeliest token", {}
    return None
