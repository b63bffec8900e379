"""Loads a tokenizer as `AutoTokenizer` does, but never runs code that is stored with the tokenizer, and reads Korean. Saves it so that
transformers 4 and 5 load it.

The one reading of a folder: `kobert eval`, `fill`, `extend` and `tokenizer.adopt` all load it here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import atomic_path, read_json, write_json
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.sentencepiece_tokenizer import read_model, sentencepiece_tokenizer
from kobert_pipeline.morphology.tokenizer_files import (
    CONFIG,
    in_jamo,
    read_part,
    reading,
    rebuilds,
    sentencepiece_model,
    tokenizer_class,
    tokenizer_files,
)

TOKENIZER_CONFIG = CONFIG
FAST = "PreTrainedTokenizerFast"
"""The class of a plain tokenizer.json under the name that transformers 4 and 5 have for it."""
ONLY_IN_5 = ("backend", "is_local", "local_files_only", "extra_special_tokens")
"""Keys of tokenizer_config.json that transformers 5 writes. The last one stops transformers 4; the others mean nothing to it."""

MECAB_KO = "MecabKoTokenizer"
"""The class that this file names for a tokenizer that cuts at morphemes at use (`morpheme: inference`)."""


def cuts_at_use(name: str | Path) -> bool:
    """Whether the tokenizer in a folder, or of a Hub id, cuts at morphemes at use: it then needs MeCab and whole
    sentences."""
    if not Path(name).is_dir():
        from transformers.models.auto.tokenization_auto import get_tokenizer_config

        return bool(get_tokenizer_config(str(name)).get("tokenizer_class") == MECAB_KO)
    return bool(read_part(name, CONFIG).get("tokenizer_class") == MECAB_KO)


def auto_tokenizer(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> Any:
    """Loads a tokenizer as `AutoTokenizer` does. One that cuts at morphemes at use is loaded by this project's copy of
    its code, so that the code in its folder is not run.

    Text is read as cased unless the folder says otherwise, and Hangul stays in syllables. Raises InputError, with what
    to do, for files that no class reads.
    """
    if cuts_at_use(name):
        from kobert_pipeline.morphology.tokenization_mecab_ko import MecabKoTokenizer

        return MecabKoTokenizer.from_pretrained(name, **settings)
    if trust_remote_code and "auto_map" in read_part(name, CONFIG):
        return _from_transformers(name, None, trust_remote_code=True, **settings)
    tokenizer = _read(name, trust_remote_code=trust_remote_code, **settings)
    _require_pieces(name, tokenizer)
    if tokenizer.is_fast:
        _keep_syllables(tokenizer.backend_tokenizer)
    return tokenizer


def _read(name: str | Path, **settings: Any) -> Any:
    folder, kind = Path(name), tokenizer_class(name)
    model = sentencepiece_model(folder) if folder.is_dir() else None
    if model is not None:
        read_model(model)  # a damaged one, or a missing package, would be reported as a missing tiktoken
        return _from_transformers(name, kind, **settings) if _reads(kind, folder) else sentencepiece_tokenizer(model)
    if (folder / "vocab.txt").is_file() and not (folder / "tokenizer.json").is_file() and not _reads(kind, folder):
        from transformers import BertTokenizer

        settings.pop("trust_remote_code")
        return BertTokenizer.from_pretrained(folder, **(reading(folder) | settings))
    return _from_transformers(name, kind, **settings)


def _reads(kind: Any, folder: Path) -> bool:
    """Whether the class reads a vocabulary that the folder has. A BERT with XLNet's class has XLNet's files, but BERT's
    layout: [CLS] comes first."""
    if kind is None or (
        kind.__name__ == "XLNetTokenizer" and read_part(folder, "config.json").get("model_type") != "xlnet"
    ):
        return False
    return any(
        (folder / file).is_file()
        for key, file in kind.vocab_files_names.items()
        if isinstance(file, str) and key != "tokenizer_file"
    )


def _from_transformers(name: str | Path, kind: Any, **settings: Any) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(name, **((reading(name) if rebuilds(kind) else {}) | settings))


def _require_pieces(name: str | Path, tokenizer: Any) -> None:
    """A class that does not find its files gives a tokenizer of special tokens alone."""
    if len(tokenizer) > len(tokenizer.all_special_ids):
        return
    files = ", ".join(path.name for path in tokenizer_files(Path(name))) or say("none")
    raise InputError(
        "{name}: {kind} finds no vocabulary in its files ({files}). Save the tokenizer as tokenizer.json next to the model: AutoTokenizer.from_pretrained(SOURCE).save_pretrained({target!r})",
        name=name,
        kind=type(tokenizer).__name__,
        files=files,
        target=str(name),
    )


def _keep_syllables(core: Any) -> None:
    """Puts Hangul together again that a tokenizer of syllables takes apart to remove accents, as SentencePiece does."""
    from tokenizers import normalizers

    before = core.normalizer
    is_wordpiece = type(core.model).__name__ == "WordPiece"
    if before is None or is_wordpiece or before.normalize_str("한") == "한" or in_jamo(core.get_vocab()):
        return
    if before.normalize_str("한") == "\u1112\u1161\u11ab":
        core.normalizer = normalizers.Sequence([before, normalizers.NFC()])


def put_cls_last(tokenizer: Any) -> None:
    """Makes it write A [SEP] B [SEP] [CLS], as XLNet reads text, and pad at the front. [CLS] is in a segment of its own."""
    from tokenizers.processors import TemplateProcessing

    cls, sep = tokenizer.cls_token, tokenizer.sep_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A:0 {sep}:0 {cls}:2",
        pair=f"$A:0 {sep}:0 $B:1 {sep}:1 {cls}:2",
        special_tokens=[(cls, tokenizer.cls_token_id), (sep, tokenizer.sep_token_id)],
    )
    tokenizer.padding_side = "left"


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Writes tokenizer.json, tokenizer_config.json, and the code of a tokenizer that has some. transformers 4 and 5 load them
    alike."""
    tokenizer.save_pretrained(folder)
    config = read_json(folder / TOKENIZER_CONFIG)
    extra = config.get("extra_special_tokens")
    kept = {name: value for name, value in config.items() if name not in ONLY_IN_5}
    kept |= {"additional_special_tokens": extra} if extra else {}
    kept |= {} if config["tokenizer_class"] == MECAB_KO else {"tokenizer_class": FAST}
    write_json(folder / TOKENIZER_CONFIG, kept)
    for written in [folder / "tokenizer.json", *folder.glob("tokenization_*.py")]:
        with atomic_path(written) as path:
            path.write_bytes(written.read_bytes())
