"""The fast path gives the ids of `encode`, and the eojeol starts that its offsets show, for any text."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH, Morphemes, annotate, parse
from kobert_pipeline.dataset.ragged import gather, offsets_of
from kobert_pipeline.dataset.tokenise import split_eojeols, tokenise, tokenise_in_context
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.mecab import morphemes
from kobert_pipeline.morphology.tokenization_mecab_ko import cut_at_morphemes
from tokenizer.load import load_tokenizer

SPACES = "\t\n\r \u00a0\u2003\u2028\u3000"
ODD = "\x00\x0b\x0c\x1c\x85\u200b\u0301\ufffd#[]中ㅋé한"
PLAIN = "봄이오면abc09!#[]_~힣가"
texts = st.lists(
    st.text(st.one_of(st.sampled_from(SPACES + PLAIN), st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=30),
    max_size=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tiny):
    loaded = load_tokenizer(tiny.tokenizer)
    loaded.encode_special_tokens = True
    return loaded


def sentences(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.string())


def by_offsets(text: str, tokenizer) -> tuple[list[int], list[bool]]:
    """Reference: the whole text at once; a token begins an eojeol if it is the first one between two spaces."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    eojeol = np.cumsum([character in SPACES or (character.isspace() and character > "\x85") for character in text])
    owners = [int(eojeol[start]) for start, _ in encoding.offsets]
    return encoding.ids, [number == 0 or owner != owners[number - 1] for number, owner in enumerate(owners)]


@settings(max_examples=300)
@given(texts=texts)
@example(texts=["a\x0bb c", " ́a", "[MASK] [SEP]가", "中國 ㅋㅋ", "", " \u200b x"])
def test_ids_and_eojeol_starts_equal_those_of_encode_and_its_offsets(tokenizer, texts):
    tokens = tokenise(split_eojeols(sentences(texts)), tokenizer)
    expected = [by_offsets(text, tokenizer) for text in texts]
    assert tokens.input_ids.tolist() == [token for ids, _ in expected for token in ids]
    assert tokens.eojeol_start.tolist() == [start for _, starts in expected for start in starts]
    assert np.diff(tokens.sentence_offsets).tolist() == [len(ids) for ids, _ in expected]


def test_ids_of_the_fixture_equal_those_of_encode(tokenizer, documents):
    texts = [sentence for document in documents for sentence in document]
    tokens = tokenise(split_eojeols(sentences(texts)), tokenizer)
    assert tokens.input_ids.tolist() == [token for text in texts for token in by_offsets(text, tokenizer)[0]]
    assert tokens.eojeol_start.sum() == sum(len(text.split()) for text in texts)
    assert tokens.swallowed == 0


def test_characters_before_a_token_are_its_offset_without_spaces(tokenizer, documents):
    """More eojeols than fit into one line, and some that are cut alone."""
    texts = [sentence for document in documents for sentence in document] + ["中國 봄이“오면”", "ㅋㅋ"]
    tokens = tokenise(split_eojeols(sentences(texts)), tokenizer, with_characters=True)
    expected, before = [], 0
    for text in texts:
        starts = [start for start, _ in tokenizer.encode(text, add_special_tokens=False).offsets]
        expected += [before + start - text[:start].count(" ") for start in starts]
        before += len(text) - text.count(" ")
    assert tokens.characters.tolist() == expected


def test_a_tokenizer_whose_words_are_not_berts_cuts_every_eojeol_alone(documents):
    """It keeps punctuation with its word, so eojeols joined into a line could not be separated again."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    texts = [sentence for document in documents for sentence in document]
    alphabet = sorted(set("".join(texts)))
    vocabulary = ["[UNK]", *alphabet, *(f"##{character}" for character in alphabet)]
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokens = tokenise(split_eojeols(sentences(texts)), tokenizer)
    assert tokens.input_ids.tolist() == [token for text in texts for token in tokenizer.encode(text).ids]
    assert tokens.eojeol_start.sum() == sum(len(text.split()) for text in texts)


def test_a_special_token_written_in_a_text_is_cut_like_any_other(tokenizer):
    tokens = tokenise(split_eojeols(sentences(["[MASK] [SEP]"])), tokenizer)
    special = {tokenizer.token_to_id(token) for token in ("[MASK]", "[SEP]")}
    assert not special & set(tokens.input_ids.tolist())


def test_eojeols_without_tokens_are_counted(tokenizer):
    assert tokenise(split_eojeols(sentences(["봄이 \x00 오면", "\x0b"])), tokenizer).swallowed == 2


def test_a_token_belongs_to_the_morpheme_of_its_first_character(tokenizer, documents):
    """Reference: the offsets of `encode` and of `morphemes`, one sentence at a time."""
    texts = [sentence for document in documents for sentence in document]
    eojeols = split_eojeols(sentences(texts))
    tokens = tokenise(eojeols, tokenizer, with_characters=True)
    annotations = annotate(tokens.characters, parse(eojeols))
    starts, tags, lost = [], [], 0
    for text in texts:
        begins, parts = zip(*[(item.start, item.tag) for item in morphemes(text)], strict=True)
        offsets = [start for start, _ in tokenizer.encode(text, add_special_tokens=False).offsets]
        owners = np.searchsorted(begins, offsets, side="right") - 1
        starts += [True, *(owners[1:] != owners[:-1]).tolist()]
        tags += [parts[owner].partition("+")[0] for owner in owners]
        lost += len(begins) - len(set(owners.tolist()))
    assert annotations.morpheme_start.tolist() == starts
    assert [PARTS_OF_SPEECH[code] for code in annotations.part_of_speech] == tags
    assert annotations.swallowed == lost
    assert (annotations.morpheme_start | ~tokens.eojeol_start).all()


def test_a_morpheme_that_begins_inside_a_token_is_swallowed_and_counted():
    """Tokens 갔다 and ., morphemes 갔, 다 and ."""
    annotations = annotate(np.array([0, 2]), Morphemes(np.array([0, 1, 2]), np.array([7, 26, 35], dtype=np.uint8)))
    assert annotations.morpheme_start.tolist() == [True, True]
    assert annotations.part_of_speech.tolist() == [7, 35]
    assert annotations.swallowed == 1


def test_a_split_without_sentences_has_no_tokens_and_no_morphemes(tokenizer):
    eojeols = split_eojeols(sentences([]))
    tokens = tokenise(eojeols, tokenizer, with_characters=True)
    assert (tokens.input_ids.tolist(), tokens.sentence_offsets.tolist()) == ([], [0])
    assert annotate(tokens.characters, parse(eojeols)).swallowed == 0


def test_a_sentence_that_mecab_does_not_return_whole_is_named():
    with pytest.raises(InputError, match="봄이"):
        parse(split_eojeols(sentences(["바다는 넓다.", "봄이\x00 오면"])))


@pytest.mark.parametrize("seed", range(20))
def test_gathered_lists_follow_one_another(seed):
    rng = np.random.default_rng(seed)
    lists = [rng.integers(0, 9, rng.integers(0, 5)).tolist() for _ in range(rng.integers(1, 9))]
    chosen = rng.integers(0, len(lists), rng.integers(0, 12))
    values = np.array([value for one in lists for value in one], dtype=np.int64)
    indices, offsets = gather(offsets_of(np.array([len(one) for one in lists])), chosen)
    parts = [values[indices][a:b].tolist() for a, b in itertools.pairwise(offsets)]
    assert parts == [lists[number] for number in chosen]


# --- in context ------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(texts=texts)
@example(texts=["a\x0bb c", " ́a", "[MASK] [SEP]가", "中國 ㅋㅋ", "", " \u200b x"])
def test_whole_sentences_give_the_tokens_of_their_eojeols(tokenizer, texts):
    """The cuts of this tokenizer do not depend on the text around an eojeol."""
    eojeols = split_eojeols(sentences(texts))
    whole, parts = tokenise_in_context(eojeols, tokenizer), tokenise(eojeols, tokenizer, with_characters=True)
    for name in ("input_ids", "eojeol_start", "sentence_offsets", "characters"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist(), name
    assert whole.swallowed == parts.swallowed


def test_a_tokenizer_that_cuts_at_morphemes_is_given_whole_sentences(tiny, documents):
    tokenizer = cut_at_morphemes(load_tokenizer(tiny.tokenizer))
    texts = [sentence for document in documents for sentence in document]
    eojeols = split_eojeols(sentences(texts))
    tokens = tokenise_in_context(eojeols, tokenizer)
    expected = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    assert tokens.input_ids.tolist() == [token for ids in expected for token in ids]
    assert tokens.eojeol_start.sum() == sum(len(text.split()) for text in texts)
    annotations = annotate(tokens.characters, parse(eojeols))
    assert (annotations.morpheme_start | ~tokens.eojeol_start).all()
    assert annotations.swallowed == 0


def test_more_sentences_than_fit_into_one_call_are_cut_alike(tokenizer, documents, monkeypatch):
    monkeypatch.setattr("kobert_pipeline.dataset.tokenise.SENTENCES_PER_CALL", 7)
    eojeols = split_eojeols(sentences([sentence for document in documents for sentence in document]))
    whole, parts = tokenise_in_context(eojeols, tokenizer), tokenise(eojeols, tokenizer, with_characters=True)
    assert whole.characters.tolist() == parts.characters.tolist()
