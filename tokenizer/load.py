"""The tokenizer as a file: an ordinary fast tokenizer that `AutoTokenizer` loads, without MeCab and without our code.

With `morpheme: inference` the folder also holds code, `kobert_pipeline.morphology.tokenization_mecab_ko`, which needs
MeCab.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, processors

from kobert_pipeline.ground.contents.tokenizer_folder import read_golden
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.ground.files import write_json, write_text
from kobert_pipeline.ground.messages import say
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, cuts_at_use, save_tokenizer
from kobert_pipeline.morphology.tokenizer_files import reading, rebuilds, sentencepiece_model, tokenizer_class
from tokenizer.normaliser import normaliser, word_splitter
from tokenizer.train import ROLES
from tokenizer.words import Digits

GOLDEN = "golden.json"
MAX_CHARACTERS_PER_WORD = 1_000
"""Longer words become one [UNK]. The library's limit of 100 would lose URLs and text without spaces."""

MODEL_INPUT_NAMES = ["input_ids", "token_type_ids", "attention_mask"]
NO_ENDS: MappingProxyType[str, str] = MappingProxyType({})


def assemble(pieces: Sequence[str], placeholders: Sequence[str] = (), digits: Digits = "whole") -> Tokenizer:
    """Makes a WordPiece tokenizer over `pieces` (in id order): cased, accents kept, look-alikes unified, BERT's pair
    template.

    `placeholders` are among the pieces. Each is one piece wherever it occurs, and is decoded like any word.
    """
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token=ROLES["unk_token"], max_input_chars_per_word=MAX_CHARACTERS_PER_WORD)
    )
    tokenizer.normalizer = normaliser()
    tokenizer.pre_tokenizer = word_splitter(digits)
    cls, sep = ROLES["cls_token"], ROLES["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} $B:1 {sep}:1",
        special_tokens=[(cls, vocabulary[cls]), (sep, vocabulary[sep])],
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_tokens([AddedToken(placeholder, normalized=False) for placeholder in placeholders])
    return tokenizer


def save(
    tokenizer: Tokenizer,
    pieces: Sequence[str],
    special_tokens: Sequence[str],
    folder: Path,
    golden: Iterable[str],
    *,
    at_morphemes: bool = False,
    ends: Mapping[str, str] = NO_ENDS,
) -> None:
    """Writes tokenizer.json, tokenizer_config.json, vocab.txt and the golden sentences with their pieces. For a
    tokenizer that cuts `at_morphemes` first, also writes the code that does so. `ends`: the tokens that begin and end what a
    model writes, by role; such a tokenizer has no vocab.txt, which stands for WordPiece."""
    extra = [token for token in special_tokens if token not in ROLES.values()]
    fast = _tokenizer_class(at_morphemes)(
        tokenizer_object=tokenizer,
        model_input_names=MODEL_INPUT_NAMES,
        clean_up_tokenization_spaces=False,
        extra_special_tokens=extra,
        **ROLES,
        **ends,
    )
    save_tokenizer(fast, folder)
    if not ends:
        write_text(folder / "vocab.txt", "\n".join(pieces) + "\n")
    saved = load_tokenizer(folder, check=False)  # it knows the special tokens; a sentence may hold one
    write_json(folder / GOLDEN, [{"text": text, "pieces": saved.encode(text).tokens} for text in golden])


def _tokenizer_class(at_morphemes: bool) -> Any:
    """The transformers class that saves and loads the tokenizer."""
    if at_morphemes:
        from kobert_pipeline.morphology.tokenization_mecab_ko import MecabKoTokenizer

        return MecabKoTokenizer
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast


def load_tokenizer(folder: Path, *, check: bool = True) -> Tokenizer:
    """Loads the tokenizer of an artifact, and cuts the golden sentences again. Raises ArtifactMismatch if the result
    differs."""
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises bare Exception for a missing or broken file
        raise ArtifactMismatch(
            "{folder}: no readable tokenizer.json ({error}). Build the tokenizer again.", folder=folder, error=error
        ) from None
    if cuts_at_use(folder):
        from kobert_pipeline.morphology.tokenization_mecab_ko import cut_at_morphemes

        cut_at_morphemes(tokenizer)
    if check and (folder / GOLDEN).is_file():
        for text, expected in read_golden(folder / GOLDEN):
            pieces = tokenizer.encode(text).tokens
            if pieces != expected:
                raise ArtifactMismatch(
                    "{folder}: {text!r} is now cut into {pieces}, but it was cut into {expected} when the tokenizer was built. The folder was edited, or {what} changed.",
                    folder=folder,
                    text=text,
                    pieces=pieces,
                    expected=expected,
                    what=_what_cuts(folder),
                )
    return tokenizer


def _what_cuts(folder: Path) -> str:
    return (
        say("the tokenizers library, MeCab or its dictionary") if cuts_at_use(folder) else say("the tokenizers library")
    )


def open_tokenizer(name: str) -> Tokenizer:
    """Opens any tokenizer: a tokenizer.json, a WordPiece vocab.txt, a folder that holds a tokenizer, or a Hub id.

    A folder is read as `auto_tokenizer` reads it; a vocab.txt alone as cased, with accents kept. Texts are neither truncated
    nor padded. Raises InputError if there is no tokenizer.
    """
    path = Path(name)
    if path.is_dir() and cuts_at_use(path):
        return load_tokenizer(path, check=False)
    try:
        tokenizer = _read(path, name)
    except InputError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        if path.is_file():
            raise InputError(
                "{path}: not a tokenizer ({reason}). Copy or save it again.", path=path, reason=reason
            ) from None
        raise InputError(
            "{name}: no tokenizer.json or vocab.txt, and no such tokenizer on the Hub ({reason}).",
            name=name,
            reason=reason,
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read(path: Path, name: str) -> Tokenizer:
    if path.is_dir():
        return _read_folder(path, name)
    if path.suffix == ".json":
        return Tokenizer.from_file(str(path))
    return _read_vocabulary(path) if path.is_file() else Tokenizer.from_pretrained(name)


def _read_folder(folder: Path, name: str) -> Tokenizer:
    has_file = (folder / "tokenizer.json").is_file()
    is_rebuilt = has_file and (folder / "config.json").is_file() and rebuilds(tokenizer_class(folder))
    if is_rebuilt or sentencepiece_model(folder):
        read: Tokenizer = auto_tokenizer(folder).backend_tokenizer
        return read
    if has_file:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    return (
        _read_vocabulary(folder / "vocab.txt") if (folder / "vocab.txt").is_file() else Tokenizer.from_pretrained(name)
    )


def _read_vocabulary(file: Path) -> Tokenizer:
    """Special tokens that the file lacks stay out of the tokenizer; transformers would add them."""
    from tokenizers.implementations import BertWordPieceTokenizer

    read = reading(file.parent)
    cut: Tokenizer = BertWordPieceTokenizer(
        str(file), lowercase=read["do_lower_case"], strip_accents=read["strip_accents"]
    )._tokenizer
    return cut
