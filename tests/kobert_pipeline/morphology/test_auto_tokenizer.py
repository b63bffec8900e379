"""A folder's tokenizer is read in one way by every command, and Hangul stays in syllables."""

from __future__ import annotations

import importlib.util
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from sentencepiece_layouts import LAYOUTS, write_layout
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import BertTokenizer
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from tokenizer.load import open_tokenizer

SENTENCE = "나는 Seoul 학교에서 밥을 먹었다."
WORDS = ["나", "##는", "seoul", "Seoul", "학교", "##에서", "밥", "##을", "먹", "##었다", "."]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CASED = ["나", "##는", "Seoul", "학교", "##에서", "밥", "##을", "먹", "##었다", "."]


def vocabulary_alone(folder: Path, kind: str = "bert", **settings: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *WORDS]) + "\n", encoding="utf-8")
    (folder / "config.json").write_text(CONFIG_MAPPING[kind]().to_json_string(), encoding="utf-8")
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def pieces(folder: Path) -> list[str]:
    """As `eval`, `fill` and `extend` read it; it must be what `tokenizer.adopt` reads."""
    read = auto_tokenizer(folder).backend_tokenizer.encode(SENTENCE, add_special_tokens=False).tokens
    assert open_tokenizer(str(folder)).encode(SENTENCE, add_special_tokens=False).tokens == read
    return list(read)


@pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "mpnet", "roberta", "modernbert", "deberta-v2"])
def test_a_vocabulary_alone_is_read_as_cased_whatever_the_model(kind: str, tmp_path: Path) -> None:
    assert pieces(vocabulary_alone(tmp_path, kind)) == CASED


@pytest.mark.parametrize("settings", [{"model_max_length": 128}, {"do_lower_case": False}, {"strip_accents": False}])
def test_a_configuration_that_does_not_ask_for_lower_case_keeps_case(settings: Any, tmp_path: Path) -> None:
    assert pieces(vocabulary_alone(tmp_path, tokenizer_class="BertTokenizer", **settings)) == CASED


def test_what_the_configuration_says_is_done(tmp_path: Path) -> None:
    lower = vocabulary_alone(tmp_path / "lower", do_lower_case=True, strip_accents=False)
    assert pieces(lower) == [piece.lower() for piece in CASED]
    apart = vocabulary_alone(tmp_path / "apart", do_lower_case=True)
    assert pieces(apart).count("[UNK]") == 4


def test_a_vocabulary_of_jamo_is_read_in_jamo(tmp_path: Path) -> None:
    folder = vocabulary_alone(tmp_path)
    jamo = unicodedata.normalize("NFD", "나는")
    lines = [*SPECIAL, jamo[0], *(f"##{letter}" for letter in jamo[1:])]
    (folder / "vocab.txt").write_text("\n".join(lines), encoding="utf-8")
    assert auto_tokenizer(folder).tokenize("나는") == lines[5:]
    assert open_tokenizer(str(folder)).encode("나는", add_special_tokens=False).tokens == lines[5:]


@pytest.mark.parametrize("lowercase", [False, True])
def test_tokenizer_json_says_how_it_is_read_if_its_class_builds_another_normaliser(
    lowercase: bool, tmp_path: Path
) -> None:
    folder = vocabulary_alone(tmp_path)
    file = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=lowercase, strip_accents=False)
    file.save(str(folder / "tokenizer.json"))
    assert pieces(folder) == [piece.lower() if lowercase else piece for piece in CASED]


def test_a_class_that_finds_none_of_its_files_is_an_error_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["bert"]().to_json_string())
    (tmp_path / "vocab.json").write_text('{"가": 0}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(
        InputError, match=r"BertTokenizer finds no vocabulary .*merges\.txt, vocab\.json.*save_pretrained"
    ):
        auto_tokenizer(tmp_path)


# --- SentencePiece ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def layouts(documents: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("sentencepiece", reason="SentencePiece is not installed (the extra `sentencepiece`)")
    texts = [sentence for document in documents for sentence in document]
    root = tmp_path_factory.mktemp("layouts")
    return {name: write_layout(name, root / name, texts) for name in LAYOUTS}


@pytest.mark.parametrize("name", LAYOUTS)
def test_sentencepiece_models_are_cut_as_sentencepiece_cuts(
    name: str, layouts: dict[str, Path], documents: list[list[str]]
) -> None:
    import sentencepiece

    reference = sentencepiece.SentencePieceProcessor(model_file=str(layouts[name]))
    read = auto_tokenizer(layouts[name].parent)
    for sentence in (sentence for document in documents for sentence in document):
        assert read.tokenize(sentence) == reference.encode(sentence, out_type=str)


@pytest.mark.parametrize("name", ["kobert", "kobert with XLNet's class"])
def test_kobert_reads_pairs_as_bert_does_with_the_ids_of_its_model(name: str, layouts: dict[str, Path]) -> None:
    read = auto_tokenizer(layouts[name].parent)
    tokens = read("봄이 오면", "꽃이 핀다.")
    words = read.convert_ids_to_tokens(tokens["input_ids"])
    assert (words[0], words.count("[SEP]"), words[-1]) == ("[CLS]", 2, "[SEP]")
    assert tokens["token_type_ids"] == [0] * (words.index("[SEP]") + 1) + [1] * (len(words) - words.index("[SEP]") - 1)
    assert read.convert_tokens_to_ids(["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]) == [0, 1, 2, 3, 4]


def test_a_missing_package_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sentencepiece" else find(name))
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["xlm-roberta"]().to_json_string())
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"\n\x03")
    with pytest.raises(InputError, match=r"pip install 'kobert-pipeline\[sentencepiece\]'"):
        auto_tokenizer(tmp_path)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1", b"\xff" * 64])
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "albert"])
def test_a_damaged_model_is_an_error_of_one_line(kind: str, content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece", reason="SentencePiece is not installed (the extra `sentencepiece`)")
    (tmp_path / "config.json").write_text(CONFIG_MAPPING[kind]().to_json_string())
    name = {"xlm-roberta": "sentencepiece.bpe.model"}.get(kind, "spiece.model")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not a SentencePiece model") as refused:
        auto_tokenizer(tmp_path)
    assert "\n" not in str(refused.value)


def test_the_class_that_is_used_for_a_vocabulary_keeps_its_settings(tmp_path: Path) -> None:
    assert isinstance(auto_tokenizer(vocabulary_alone(tmp_path)), BertTokenizer)
