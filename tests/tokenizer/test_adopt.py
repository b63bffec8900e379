"""An existing tokenizer, adopted unchanged."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer
from tokenizers.models import BPE
from transformers import AutoTokenizer

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import InputError
from tokenizer.adopt import adopt
from tokenizer.load import load_tokenizer

SENTENCE = "봄이 오면 산에 꽃이 핀다."


def adopted(folder, tiny, root, special_tokens=()):
    with Workspace(root, Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        return out.finish(adopt(folder, tiny.corpora, out, special_tokens=special_tokens), {})


def test_it_cuts_as_before(tiny, tmp_path):
    folder = adopted(tiny.tokenizer, tiny, tmp_path)
    before, after = load_tokenizer(tiny.tokenizer), load_tokenizer(folder)
    assert after.get_vocab() == before.get_vocab()
    assert after.encode(SENTENCE).tokens == before.encode(SENTENCE).tokens
    assert AutoTokenizer.from_pretrained(folder).mask_token == "[MASK]"
    assert (folder / "vocab.txt").read_bytes() == (tiny.tokenizer / "vocab.txt").read_bytes()


def test_a_vocabulary_file_is_enough(tiny, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "vocab.txt").write_bytes((tiny.tokenizer / "vocab.txt").read_bytes())
    folder = adopted(tmp_path / "old", tiny, tmp_path / "root")
    assert load_tokenizer(folder).encode(SENTENCE).tokens == load_tokenizer(tiny.tokenizer).encode(SENTENCE).tokens


def test_a_missing_special_token_is_named(tiny, tmp_path):
    with pytest.raises(InputError, match=r"lacks \[LATER\]"):
        adopted(tiny.tokenizer, tiny, tmp_path, special_tokens=("[LATER]",))


def test_only_wordpiece_is_adopted(tiny, tmp_path):
    Tokenizer(BPE({"가": 0}, [])).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="this one is BPE"):
        adopted(tmp_path, tiny, tmp_path / "root")


def test_one_that_takes_syllables_apart_is_refused(tiny, tmp_path):
    """Lower-casing that strips accents decomposes Hangul, and every word becomes [UNK]."""
    BertWordPieceTokenizer(str(tiny.tokenizer / "vocab.txt"), lowercase=True).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="takes syllables apart"):
        adopted(tmp_path, tiny, tmp_path / "root")
