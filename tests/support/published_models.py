"""Checkpoints laid out as those of published Korean models, with few pieces and random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from kobert_pipeline.ground.files import write_json, write_text

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
KLUE_ROBERTA = ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")
"""klue/roberta-*: padding is number 1."""
LENGTH = 64


def bert_normalizer(**settings: Any) -> Any:
    return normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, **settings)


def wordpiece(pieces: Sequence[str], normalizer: Any, added: Sequence[str] = ()) -> Tokenizer:
    """BERT's WordPiece with another normaliser than ours. `added` are special tokens after the vocabulary."""
    numbers = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (*SPECIAL, *added)])
    return tokenizer


def network(kind: str, rows: int, pieces: Sequence[str], **settings: Any) -> Any:
    """A model of transformers with one layer: `BertForMaskedLM`, `RobertaForMaskedLM`, …"""
    import torch
    import transformers

    torch.manual_seed(5)
    numbers = {name: pieces.index(f"[{name.upper()}]") for name in ("pad", "cls", "sep")}
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    special: dict[str, Any] = {"pad_token_id": numbers["pad"]}
    limit = LENGTH
    if not kind.startswith("Bert"):
        special |= {"bos_token_id": numbers["cls"], "eos_token_id": numbers["sep"]}
    if kind.startswith("Roberta"):
        special |= {"type_vocab_size": 1, "layer_norm_eps": 1e-5}
        limit += numbers["pad"] + 1
    if kind.startswith("ModernBert"):
        special |= {"cls_token_id": numbers["cls"], "sep_token_id": numbers["sep"]}
    model = getattr(transformers, kind)
    config = model.config_class(vocab_size=rows, max_position_embeddings=limit, **size, **special, **settings)
    return model(config)


def klue_bert(folder: Path, pieces: Sequence[str]) -> None:
    """klue/bert-base: tokenizer.json with a cased BertNormalizer, which does not compose Hangul."""
    network("BertForMaskedLM", len(pieces), pieces).save_pretrained(folder)
    wordpiece(pieces, bert_normalizer(strip_accents=None, lowercase=False)).save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": None}
    write_json(folder / "tokenizer_config.json", settings)


def klue_roberta(folder: Path, pieces: Sequence[str]) -> None:
    """klue/roberta-*: WordPiece, padding is number 1, no segments."""
    ordered = [*KLUE_ROBERTA, *(piece for piece in pieces if piece not in KLUE_ROBERTA)]
    network("RobertaForMaskedLM", len(ordered), ordered).save_pretrained(folder)
    wordpiece(ordered, bert_normalizer(strip_accents=None, lowercase=False)).save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})


def kcbert(folder: Path, pieces: Sequence[str]) -> None:
    """beomi/kcbert-*: vocab.txt with its settings, and a model with a pooler and a pair head."""
    network("BertForPreTraining", len(pieces), pieces).save_pretrained(folder)
    write_text(folder / "vocab.txt", "\n".join(pieces) + "\n")
    write_json(folder / "tokenizer_config.json", {"do_lower_case": False, "model_max_length": 300})


def vocabulary_alone(folder: Path, pieces: Sequence[str]) -> None:
    network("BertForMaskedLM", len(pieces), pieces).save_pretrained(folder)
    write_text(folder / "vocab.txt", "\n".join(pieces) + "\n")


def koelectra(folder: Path, pieces: Sequence[str]) -> None:
    """monologg/koelectra-*: BERT's normaliser that lowers letters and keeps accents."""
    network("BertForMaskedLM", len(pieces), pieces).save_pretrained(folder)
    wordpiece(pieces, bert_normalizer(strip_accents=False, lowercase=True)).save(str(folder / "tokenizer.json"))


def padded_modernbert(folder: Path, pieces: Sequence[str]) -> None:
    """Rows rounded up to a multiple of 64, and no normaliser at all."""
    network("ModernBertForMaskedLM", -(-(len(pieces) + 2) // 64) * 64, pieces).save_pretrained(folder)
    wordpiece(pieces, None, added=("<subj>", "</subj>")).save(str(folder / "tokenizer.json"))


def untied_bert(folder: Path, pieces: Sequence[str]) -> None:
    """Its output matrix is another one than its embeddings."""
    model = network("BertForMaskedLM", len(pieces), pieces, tie_word_embeddings=False)
    model.save_pretrained(folder)
    wordpiece(pieces, bert_normalizer(strip_accents=False, lowercase=False)).save(str(folder / "tokenizer.json"))


CHECKPOINTS: MappingProxyType[str, tuple[str, Callable[[Path, Sequence[str]], None]]] = MappingProxyType(
    {
        "klue-bert": ("bert", klue_bert),
        "klue-roberta": ("roberta", klue_roberta),
        "kcbert": ("bert", kcbert),
        "koelectra": ("bert", koelectra),
        "vocabulary-alone": ("bert", vocabulary_alone),
        "padded-modernbert": ("modernbert", padded_modernbert),
        "untied-bert": ("bert", untied_bert),
    }
)
"""Name -> architecture that continues it, and what writes it into a folder from pieces in the order of their ids."""
