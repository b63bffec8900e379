"""Paragraph ends: kept through the store, and none lost with a sentence that has no tokens."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kobert_pipeline.dataset.build import build
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.paragraphs import paragraph_ends
from kobert_pipeline.dataset.splits import by_split
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.parallel import ALONE
from tokenizer.load import load_tokenizer

documents = st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), max_size=6)
"""Of each sentence of each document: whether it ends a paragraph, and whether it has tokens."""


def one_by_one(texts: list[list[tuple[bool, bool]]]) -> list[bool]:
    """Reference: a sentence without tokens passes its flag back, one step at a time."""
    result = []
    for text in texts:
        flags: list[bool] = []
        for ends, has_tokens in text:
            if has_tokens:
                flags.append(ends)
            elif flags:
                flags[-1] |= ends
        result += [*flags[:-1], True] if flags else []
    return result


@given(texts=documents)
@example(texts=[[(True, False)], [(True, False), (False, True)], [(False, True), (True, False), (False, True)]])
def test_a_sentence_without_tokens_passes_its_paragraph_end_to_the_sentence_before(texts):
    flat = [sentence for text in texts for sentence in text]
    document = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    ends, kept = (np.array([sentence[column] for sentence in flat], dtype=bool) for column in (0, 1))
    assert paragraph_ends(ends, document, kept).tolist() == one_by_one(texts)


def shard(paragraph_end: list[list[bool]] | None = None) -> pa.Table:
    """Two documents; the second sentence of the first has no tokens."""
    rows = {
        "doc_id": ["a", "b"],
        "source": ["articles", "articles"],
        "sentences": [["봄이 오면 꽃이 핀다.", "\u200b", "산에 오른다."], ["비가 내린다.", "강물이 분다."]],
    }
    return pa.table(rows | ({} if paragraph_end is None else {"paragraph_end": paragraph_end}))


@pytest.mark.parametrize(
    ("given_ends", "expected"),
    [
        ([[False, True, True], [True, True]], [True, True, True, True]),
        ([[False, False, True], [False, True]], [False, True, False, True]),
        (None, [False, True, False, True]),
    ],
    ids=["two paragraphs each", "one paragraph each", "a corpus without the column"],
)
def test_the_store_holds_the_paragraph_ends_of_the_corpus(tiny, tmp_path, given_ends, expected):
    with Workspace(tmp_path, Identity("corpora", 1, {}, {}, 0, {})) as made:
        (made.path / "shards").mkdir()
        pq.write_table(shard(given_ends), made.path / "shards" / "00000.parquet")
        corpora = made.finish(read_manifest(tiny.corpora).summary, {})
    config = DatasetConfig(validation_share=1e-9)
    with Workspace(tmp_path, Identity("dataset", 1, config.content(), {}, 0, {})) as out:
        summary = build(config, corpora, tiny.tokenizer, out, load=load_tokenizer, execution=ALONE)
        store = Store(out.finish(summary, {}))
    block = store.read(store.blocks(TRAIN)[0])
    assert block.paragraph_end.tolist() == expected
    assert summary[TRAIN]["empty_sentences"] == 1


@given(texts=documents.filter(lambda texts: any(texts)), share=st.floats(0, 1))
def test_paragraph_ends_stay_with_their_sentences_when_a_shard_is_divided(texts, share):
    """The text of each sentence says whether it ends a paragraph."""
    ends = [[flag for flag, _ in text] for text in texts]
    table = pa.table(
        {
            "doc_id": [str(number) for number in range(len(texts))],
            "source": ["articles"] * len(texts),
            "sentences": pa.array([[str(flag) for flag in text] for text in ends], pa.list_(pa.string())),
            "paragraph_end": pa.array(ends, pa.list_(pa.bool_())),
        }
    )
    parts = by_split(table, share, ["articles"])
    for part in parts.values():
        assert [str(flag) for flag in part.paragraph_end.tolist()] == part.sentences.to_pylist()
    assert sum(len(parts[split].document) for split in (TRAIN, VALIDATION)) == sum(map(len, ends))


def test_the_last_sentence_of_every_document_ends_a_paragraph(tiny):
    store = Store(tiny.dataset)
    for split in (TRAIN, VALIDATION):
        for files in store.blocks(split):
            block = store.read(files)
            assert len(block.paragraph_end) == len(block.sentence_offsets) - 1
            assert block.paragraph_end[block.document_offsets[1:] - 1].all()
