"""A store for models that write: the tokens of a document are those of its text."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from kobert_pipeline.dataset.paragraphs import joiners
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.splits import Text
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.dataset.whole_texts import tokenise_texts
from kobert_pipeline.dataset.windows import BEGINS, ENDS, document_windows
from tokenizer.load import load_tokenizer

SENTENCES = st.text(st.sampled_from("가나힣a1.[]# \u3000é😀"), min_size=1).filter(lambda text: text.strip() == text)
DOCUMENTS = st.lists(st.lists(st.tuples(SENTENCES, st.booleans()), min_size=1, max_size=5), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def tokenizer(tiny_bytes):
    return load_tokenizer(tiny_bytes.tokenizer)


def text_of(documents):
    """Documents as lists of (sentence, paragraph end)."""
    rows = [(number, *row) for number, document in enumerate(documents) for row in document]
    number, sentences, ends = zip(*rows, strict=True)
    return Text(pa.array(sentences), np.array(number), np.zeros(len(rows)), np.array(ends))


def written(document):
    """The text of a document: a space between sentences, a line break between paragraphs."""
    return "".join(
        sentence + ("" if place == len(document) - 1 else "\n" if end else " ")
        for place, (sentence, end) in enumerate(document)
    )


@given(documents=DOCUMENTS)
def test_the_tokens_of_sentences_are_those_of_the_whole_text(tokenizer, documents):
    tokens = tokenise_texts(text_of(documents), tokenizer)
    first = np.cumsum([0, *map(len, documents)])
    for number, document in enumerate(documents):
        ids = tokens.input_ids[slice(*tokens.sentence_offsets[first[number : number + 2]])].tolist()
        assert tokenizer.decode(ids, skip_special_tokens=False) == written(document)
        assert ids == tokenizer.encode(written(document), add_special_tokens=False).ids


@given(texts=st.lists(st.text(st.sampled_from("가나a1.'[] \n\t\u3000\u0301😀")), min_size=1, max_size=4))
def test_texts_with_any_space_have_the_tokens_of_the_tokenizer(tokenizer, texts):
    """Cleaning leaves single spaces, but a store must not depend on it."""
    text = Text(pa.array(texts), np.arange(len(texts)), np.zeros(len(texts)), np.ones(len(texts), dtype=bool))
    tokens = tokenise_texts(text, tokenizer)
    found = [tokens.input_ids[start:end].tolist() for start, end in pairwise(tokens.sentence_offsets)]
    assert found == [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def test_a_piece_that_reaches_over_a_space_is_found():
    """As in vocabularies whose pieces are several words, which can be adopted."""
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1, "Ġ": 2, "Ġb": 3, "aĠb": 4}, [("Ġ", "b"), ("a", "Ġb")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    text = Text(pa.array(["a b"]), np.zeros(1, dtype=int), np.zeros(1), np.ones(1, dtype=bool))
    assert tokenise_texts(text, tokenizer).input_ids.tolist() == [4]


@given(documents=DOCUMENTS)
def test_offsets_give_the_same_tokens_and_the_letters_before_each(tokenizer, documents):
    text = text_of(documents)
    fast, slow = (tokenise_texts(text, tokenizer, with_characters=offsets) for offsets in (False, True))
    assert np.array_equal(fast.input_ids, slow.input_ids)
    assert fast.characters is None
    assert (np.diff(slow.characters) >= 0).all()
    letters = sum(character not in " \n" for document in documents for character in written(document))
    assert slow.characters[0] == 0
    assert slow.characters[-1] <= letters


def test_an_eojeol_begins_at_the_token_with_its_first_letter(tokenizer):
    text = text_of([[("비가 온다.", True), ("눈 온다", False)], [("해", False)]])
    tokens = tokenise_texts(text, tokenizer)
    starts = [
        tokenizer.decode(tokens.input_ids[place:].tolist()).strip(" ")[:1]
        for place in np.flatnonzero(tokens.eojeol_start)
    ]
    assert starts == ["비", "온", "눈", "온", "해"]


def test_a_document_without_paragraphs_is_one():
    assert joiners(np.array([0, 0, 1]), np.array([False, True, True])) == ["", " ", ""]
    assert joiners(np.array([]), np.array([])) == []


@pytest.mark.parametrize("split", [TRAIN, VALIDATION])
def test_the_store_counts_the_characters_of_its_texts(tiny_bytes, tokenizer, split):
    store = Store(tiny_bytes.dataset)
    blocks = [store.read(files) for files in store.blocks(split)]
    texts = [
        tokenizer.decode(block.tokens[start:end].tolist())
        for block in blocks
        for start, end in zip(block.token_offsets[:-1], block.token_offsets[1:], strict=True)
    ]
    assert store.summary.split(split).characters == sum(map(len, texts))
    assert " " in texts[0]


@pytest.mark.parametrize("length", [9, 17, 48, 5_000])
def test_each_token_and_each_end_is_predicted_once_and_no_window_holds_two_documents(tiny_bytes, length):
    store = Store(tiny_bytes.dataset)
    block = store.read(store.blocks(TRAIN)[0])
    windows = document_windows(block, PlanContext(0, 0, 0, 0, length))
    offsets, predicted = block.token_offsets, np.zeros(len(block.tokens), dtype=int)
    for begins, ends, start, end, tokens in zip(
        windows.labels[BEGINS], windows.labels[ENDS], windows.starts, windows.ends, windows.lengths, strict=True
    ):
        document = np.searchsorted(offsets, start, side="right") - 1
        assert end <= offsets[document + 1]
        assert tokens == begins + (end - start) + ends <= length
        assert begins == (start == offsets[document]) or start == offsets[document]
        assert tokens == length or ends, "only the last window of a document is shorter"
        predicted[start + (not begins) : end] += 1
    assert (predicted == 1).all()
    assert windows.labels[BEGINS].sum() == windows.labels[ENDS].sum() == len(offsets) - 1
    again, other = (document_windows(block, PlanContext(0, epoch, 0, 0, length)) for epoch in (0, 1))
    assert np.array_equal(again.starts, windows.starts)
    assert not np.array_equal(other.starts, windows.starts)
