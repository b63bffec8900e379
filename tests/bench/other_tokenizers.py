"""Tokenizers that other programs learn from the same corpus, as finished tokenizers of ours: SentencePiece's Unigram, and Kiwi's byte pairs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.corpus import shards_of
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.morphology.auto_tokenizer import save_tokenizer
from kobert_pipeline.morphology.byte_level import bytes_of
from tokenizer.build import GOLDEN_SENTENCES, MEASURED_SENTENCES, first, morpheme_starts, sentences_of
from tokenizer.byte_pairs import ENDS, Pieces, assemble_bytes
from tokenizer.load import GOLDEN, MODEL_INPUT_NAMES, load_tokenizer
from tokenizer.measure import measure
from tokenizer.train import ROLES, special_rows

PIECES, UNUSED, COVERAGE = 8_192, 128, 0.998
"""As the mini recipes."""


def unigram(corpora: Path, out: Workspace) -> dict[str, Any]:
    """Unigram as the program sentencepiece learns it (Kudo 2018), with as many rows that text never uses as ours have."""
    import sentencepiece

    from corpora.personal_data import PLACEHOLDERS
    from kobert_pipeline.morphology.sentencepiece_tokenizer import sentencepiece_tokenizer

    unused = [f"[unused{number}]" for number in range(UNUSED)]
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "unigram.model"
        with model.open("wb") as stream:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=all_sentences(corpora), model_writer=stream, model_type="unigram", vocab_size=PIECES,
                character_coverage=COVERAGE, pad_id=0, pad_piece="[PAD]", unk_id=1, unk_piece="[UNK]", bos_id=2,
                bos_piece="[CLS]", eos_id=3, eos_piece="[SEP]", control_symbols=["[MASK]", *unused],
                user_defined_symbols=list(PLACEHOLDERS.values()), num_threads=1, minloglevel=2,
            )  # fmt: skip
        fast = sentencepiece_tokenizer(model)
    fast.backend_tokenizer.add_tokens([AddedToken(text, normalized=False) for text in PLACEHOLDERS.values()])
    return _saved(fast, corpora, out, lambda piece: not piece.startswith("▁"))


def kiwi(corpora: Path, out: Workspace) -> dict[str, Any]:
    """Byte pairs inside Kiwi's morphemes, by the trainer of kiwipiepy 0.24: particles, endings, the copula and suffixes are cut off. At use
    they are the product's byte-level tokenizer with these merges."""
    from kiwipiepy import Kiwi
    from kiwipiepy.bpe_trainer import train_bpe_tokenizer

    from corpora.personal_data import PLACEHOLDERS

    placeholders = tuple(PLACEHOLDERS.values())
    special, unused = special_rows((), placeholders), [f"[unused{number}]" for number in range(UNUSED)]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "kiwi.json"
        train_bpe_tokenizer(
            str(file), all_sentences(corpora), PIECES - len(special) - UNUSED, min_pair_frequency=2,
            add_prefix_space=True, pretokenize_j=True, pretokenize_e=True, pretokenize_vcp=True, pretokenize_xsv=True,
            kiwi=Kiwi(num_workers=1), show_progress=False,
        )  # fmt: skip
        learned = read_json(file)["model"]
    rows = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in learned["merges"])]
    tokenizer = assemble_bytes(Pieces([*special, *rows, *unused], merges), placeholders)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=MODEL_INPUT_NAMES, **ROLES, **ENDS)
    return _saved(fast, corpora, out, lambda piece: not bytes_of(piece)[:1].isspace())


def all_sentences(corpora: Path) -> Iterator[str]:
    for shard in shards_of(corpora):
        yield from sentences_of(shard)


def _saved(fast: Any, corpora: Path, out: Workspace, continues: Callable[[str], bool]) -> dict[str, Any]:
    shards = shards_of(corpora)
    save_tokenizer(fast, out.path)
    tokenizer = load_tokenizer(out.path, check=False)
    golden = first(sentences_of(shards[0]), GOLDEN_SENTENCES)
    write_json(out.path / GOLDEN, [{"text": text, "pieces": tokenizer.encode(text).tokens} for text in golden])
    figures = measure(tokenizer, first(sentences_of(shards[-1]), MEASURED_SENTENCES), morpheme_starts)
    inner = sum(map(continues, tokenizer.get_vocab()))
    return {"vocab_size": tokenizer.get_vocab_size(), "inner_pieces": inner, "training_text": figures}
