"""SentencePiece models that no class of transformers reads (KoBERT's), in BERT's layout."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.tokenizer_files import CONFIG, read_part

ROLES = ("cls_token", "sep_token", "pad_token", "mask_token")
NEEDED = ROLES[:3]
OTHER_NAMES = {"cls_token": "<s>", "sep_token": "</s>"}


def read_model(file: Path) -> Any:
    """Parses a SentencePiece model.

    Raises InputError if it is damaged, and, with the command to run, if the package is not installed.
    """
    if importlib.util.find_spec("sentencepiece") is None:
        raise InputError(
            "{file}: this tokenizer is a SentencePiece model, and the package that reads it is not installed. Run: pip install 'kobert-pipeline[sentencepiece]'",
            file=file,
        )
    from google.protobuf.message import DecodeError
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    try:
        proto = SentencePieceExtractor(str(file)).proto
    except DecodeError:
        proto = None
    if proto is None or not proto.pieces:
        raise InputError("{file}: not a SentencePiece model, or damaged. Fetch the file again.", file=file)
    return proto


def sentencepiece_tokenizer(file: Path) -> Any:
    """Reads a SentencePiece model as a fast tokenizer with the template [CLS] A [SEP] B [SEP].

    The ids are those of the model. Raises InputError if it is damaged, or has no piece for a role.
    """
    from transformers import PreTrainedTokenizerFast

    proto = read_model(file)
    core = _core(proto)
    roles = _roles(file.parent, core.get_vocab())
    missing = [role for role in NEEDED if role not in roles]
    if missing:
        raise InputError(
            "{file}: no piece is known as {missing}. Save the tokenizer as tokenizer.json next to the model: AutoTokenizer.from_pretrained(SOURCE).save_pretrained({target!r})",
            file=file,
            missing=", ".join(missing),
            target=str(file.parent),
        )
    _surround(core, roles["cls_token"], roles["sep_token"])
    names = ["input_ids", "token_type_ids", "attention_mask"]
    unknown = proto.trainer_spec.unk_piece or "<unk>"
    return PreTrainedTokenizerFast(tokenizer_object=core, model_input_names=names, unk_token=unknown, **roles)


def _core(proto: Any) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers.convert_slow_tokenizer import generate_merges

    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    trained, normalised = proto.trainer_spec, proto.normalizer_spec
    if trained.model_type == trained.UNIGRAM:
        model: Any = models.Unigram(pieces, unk_id=trained.unk_id, byte_fallback=trained.byte_fallback)
    else:
        vocabulary = {piece: number for number, (piece, _) in enumerate(pieces)}
        scores = dict(pieces)
        merges = generate_merges(vocabulary, scores)
        model = models.BPE(
            vocabulary, merges, unk_token=trained.unk_piece, fuse_unk=True, byte_fallback=trained.byte_fallback
        )
    core = Tokenizer(model)
    steps = [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    if normalised.precompiled_charsmap:  # tokenizers applies it to single characters, and leaves jamo apart
        steps = [normalizers.NFC(), normalizers.Precompiled(normalised.precompiled_charsmap), *steps]
    core.normalizer = normalizers.Sequence(steps)
    scheme = "always" if normalised.add_dummy_prefix else "never"
    core.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)
    core.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme)
    return core


def _roles(folder: Path, vocabulary: dict[str, int]) -> dict[str, str]:
    """The special tokens that the folder names, otherwise those that have the usual names."""
    stated = read_part(folder, "special_tokens_map.json") | read_part(folder, CONFIG)
    roles = {}
    for role in ROLES:
        named, short = stated.get(role), role.removesuffix("_token")
        text = named.get("content") if isinstance(named, dict) else named
        usual = (f"[{short.upper()}]", f"<{short}>", OTHER_NAMES.get(role))
        found = next((piece for piece in (text, *usual) if piece in vocabulary), None)
        if found is not None:
            roles[role] = found
    return roles


def _surround(core: Any, first: str, last: str) -> None:
    from tokenizers import processors

    core.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(first, core.token_to_id(first)), (last, core.token_to_id(last))],
    )
