"""`model: bpe`: every text comes back as it was, merges stay inside morphemes, and nothing but the file is needed."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.morphology.byte_level import bytes_of, characters_spelled, is_byte_level, pieces_of, spelled
from tokenizer.build import sentences_of
from tokenizer.byte_pairs import ALPHABET, assemble_bytes, count_shard, learn_bytes, morphemes_of, splitter
from tokenizer.config import TokenizerConfig
from tokenizer.load import load_tokenizer
from tokenizer.measure import measure
from tokenizer.train import ROLES

PLACEHOLDERS = ("[전화번호]", "[이메일]")
SETTINGS = TokenizerConfig(model="bpe", vocab_size=640, source_exponent=1)
SPACES = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u200b"])
NAMES = st.sampled_from([*ROLES.values(), *PLACEHOLDERS, "[unused0]"])
LETTERS = st.text(st.characters(codec="utf-8")) | st.text(
    st.sampled_from("가힣한글학교에서ㅋㅋ\u1112\u1161\u11ab\u0301é世界🇰🇷👨\u200d👩")
)
TEXTS = st.lists(LETTERS | SPACES | NAMES, max_size=12).map("".join)


@pytest.fixture(scope="module")
def learned(tiny_bytes: Any) -> Tokenizer:
    return load_tokenizer(tiny_bytes.tokenizer)


@pytest.fixture(scope="module")
def published(tiny_bytes: Any) -> Any:
    """As people load it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_bytes.tokenizer)


@given(text=TEXTS)
def test_every_text_comes_back_as_it_was(learned: Tokenizer, published: Any, text: str) -> None:
    expected = unicodedata.normalize("NFC", text)
    ids = learned.encode(text, add_special_tokens=False).ids
    assert learned.decode(ids, skip_special_tokens=False) == expected
    assert published(text, add_special_tokens=False)["input_ids"] == ids
    assert published.decode(ids) == expected


@given(text=TEXTS)
def test_the_characters_of_tokens_are_those_of_the_text(learned: Tokenizer, text: str) -> None:
    ids = learned.encode(text, add_special_tokens=False).ids
    assert characters_spelled(learned)[ids].sum() == len(unicodedata.normalize("NFC", text))


@given(text=TEXTS)
def test_nothing_is_unknown_and_no_unused_row_is_written(learned: Tokenizer, text: str) -> None:
    learned.encode_special_tokens = True  # as where a corpus is cut
    try:
        tokens = learned.encode(text, add_special_tokens=False).tokens
    finally:
        learned.encode_special_tokens = False
    assert not {*ROLES.values()} & {*tokens}
    assert not any(token.startswith("[unused") for token in tokens)


def test_a_row_for_every_byte_and_the_size_that_was_asked_for(learned: Tokenizer, tiny_bytes: Any) -> None:
    pieces = pieces_of(learned)
    assert len(pieces) == 640 == len(set(pieces))
    assert pieces[:7] == [*ROLES.values(), *PLACEHOLDERS]
    assert {piece for piece in pieces[7 : 7 + ALPHABET] if len(bytes_of(piece)) == 1} == {*pieces[7 : 7 + ALPHABET]}
    assert is_byte_level(learned)
    assert not (tiny_bytes.tokenizer / "vocab.txt").exists()


def test_a_space_belongs_to_the_word_after_it_and_a_line_break_to_none() -> None:
    words = [word for word, _ in splitter().pre_tokenize_str("비가 온다.\n집에")]
    assert [spelled(word) for word in words] == ["비가", " 온다", ".", "\n", "집에"]
    assert [spelled(word) for word, _ in splitter("single").pre_tokenize_str("20년")] == ["2", "0", "년"]


def test_morphemes_are_what_is_merged_and_spaces_stay_with_them() -> None:
    assert list(morphemes_of("사람들이 시장에서", " ", SETTINGS)) == [" 사람", "들", "이", " 시장", "에서"]
    whole = SETTINGS.model_copy(update={"morpheme": "none"})
    assert list(morphemes_of("사람들이 시장에서", "\n", whole)) == ["\n사람들이", " 시장에서"]
    masked = list(morphemes_of("번호는 [전화번호]로 적는다", "", SETTINGS, PLACEHOLDERS))
    assert "로" in masked
    assert not any("전화번호" in part for part in masked)


def test_no_piece_crosses_a_boundary_that_mecab_sees(learned: Tokenizer, tiny_bytes: Any) -> None:
    """Every merged piece is inside a morpheme of the corpus."""
    corpus = [text for shard in sorted((tiny_bytes.corpora / "shards").iterdir()) for text in sentences_of(shard)]
    parts = {bytes_of(word) for text in corpus for joiner in ("", " ") for part in morphemes_of(text, joiner, SETTINGS)
             for word, _ in splitter().pre_tokenize_str(part)}  # fmt: skip
    everything = b"\x00".join(sorted(parts))
    merged = [bytes_of(piece) for piece in pieces_of(learned)[7 + ALPHABET : -128]]
    assert len(merged) > 200
    assert [piece for piece in merged if piece not in everything] == []


def test_cuts_agree_better_with_morphemes_than_those_of_plain_byte_pairs(tiny_bytes: Any) -> None:
    from tokenizer.build import morpheme_starts

    shards = sorted((tiny_bytes.corpora / "shards").iterdir())
    corpus, figures = [text for shard in shards for text in sentences_of(shard)], {}
    for morpheme in ("training", "none"):
        config = SETTINGS.model_copy(update={"morpheme": morpheme, "vocab_size": 560})
        counts: Counter[str] = Counter()
        for shard in shards:
            counts.update(count_shard(shard, config=config))
        figures[morpheme] = measure(assemble_bytes(learn_bytes(counts, config, ())), corpus, morpheme_starts)
    assert figures["training"]["cut_f1"] > figures["none"]["cut_f1"] + 0.02
    assert figures["training"]["unknown_share"] == 0
    assert 0.2 < figures["none"]["inner_share"] < figures["training"]["inner_share"] < 1


def test_the_vocabulary_depends_neither_on_the_order_of_shards_nor_on_how_they_are_divided(tmp_path: Path) -> None:
    rows = [
        {"doc_id": str(number), "source": "a", "sentences": [f"학교에서 {number}번 보았다.", "집에 갔다."]}
        for number in range(40)
    ]
    whole, left, right = (tmp_path / f"{name}.parquet" for name in ("whole", "left", "right"))
    for path, part in ((whole, rows), (left, rows[:13]), (right, rows[13:])):
        pq.write_table(pa.Table.from_pylist(part), path)
    config = SETTINGS.model_copy(update={"vocab_size": 412})
    one = count_shard(whole, config=config)
    two = count_shard(right, config=config) + count_shard(left, config=config)
    assert one == two
    assert learn_bytes(one, config, ()) == learn_bytes(two, config, ())


def test_paragraphs_begin_after_a_line_break(tmp_path: Path) -> None:
    row = {"doc_id": "0", "source": "a", "sentences": ["비", "눈", "해"], "paragraph_end": [False, True, True]}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "s.parquet")
    counts = count_shard(tmp_path / "s.parquet", config=SETTINGS)
    assert {spelled(word): times for word, times in counts.items()} == {"비": 1, " 눈": 1, "\n": 1, "해": 1}


@pytest.mark.parametrize(("open_end", "one", "two"), [(True, "c가", "c가s나"), (False, "c가s", "c가s나s")])
def test_what_surrounds_a_text(open_end: bool, one: str, two: str) -> None:
    counts = Counter({word: 9 for letter in "가나" for word, _ in splitter().pre_tokenize_str(letter)})
    config = SETTINGS.model_copy(update={"vocab_size": 5 + 256 + 4, "unused_tokens": 0})
    tokenizer = assemble_bytes(learn_bytes(counts, config, ()), open_end=open_end)
    names = {"[CLS]": "c", "[SEP]": "s"}
    for texts, expected in ((("가",), one), (("가", "나"), two)):
        tokens = tokenizer.encode(*texts).tokens
        assert "".join(names.get(token) or spelled(token) for token in tokens) == expected


def test_the_folder_names_the_tokens_that_begin_and_end_a_text(published: Any) -> None:
    assert (published.bos_token, published.eos_token) == ("[CLS]", "[SEP]")
    assert published.mask_token_id == 4
    assert set(published("가")) >= {"input_ids", "token_type_ids", "attention_mask"}


@pytest.mark.parametrize(
    ("size", "special", "message"),
    [
        (520, ("[A]", "[A]"), r"named twice: \[A\]"),
        (600, (), "600 is more than this text supports: 396 at most. Lower it, or add text"),
    ],
)
def test_a_vocabulary_that_cannot_be_made_is_one_line(size: int, special: tuple[str, ...], message: str) -> None:
    """A word of eight bytes has seven merges."""
    config = SETTINGS.model_copy(update={"vocab_size": size})
    with pytest.raises(InputError, match=message):
        learn_bytes(Counter({"abcdefgh": 50}), config, special)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"morpheme": "inference"}, "needs nothing at use: set morpheme: training"),
        ({"adopt": "folder"}, "an adopted tokenizer is WordPiece: leave out `adopt`"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TokenizerConfig.parse({"model": "bpe"} | settings)


def test_the_new_setting_changes_no_fingerprint_of_wordpiece() -> None:
    assert "model" not in TokenizerConfig().content()
    assert "surplus" not in SETTINGS.content()
    assert SETTINGS.content()["model"] == "bpe"


def test_bytes_stand_for_themselves() -> None:
    assert spelled("ê°Ģ") == "가"
    assert spelled("ê°") == "⟨EA B0⟩"
    assert spelled("[전화번호]") == "[전화번호]"
