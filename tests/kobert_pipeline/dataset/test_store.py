import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from kobert_pipeline.dataset.build import is_held_out
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.errors import ArtifactMismatch
from tokenizer.load import load_tokenizer


def sentences_by_split(tiny):
    split = {TRAIN: [], VALIDATION: []}
    for shard in sorted((tiny.corpora / "shards").glob("*.parquet")):
        for row in pq.read_table(shard).to_pylist():
            split[VALIDATION if is_held_out(row["doc_id"], row["source"], 0.15) else TRAIN].append(row["sentences"])
    return split


@pytest.mark.parametrize("split", [TRAIN, VALIDATION])
def test_the_store_holds_every_sentence_once_in_order(tiny, split):
    tokenizer, store = load_tokenizer(tiny.tokenizer), Store(tiny.dataset)
    expected = sentences_by_split(tiny)[split]
    blocks = [store.read(files) for files in store.blocks(split)]
    found = [
        [
            block.tokens[start:end].tolist()
            for start, end in zip(block.sentence_offsets, block.sentence_offsets[1:], strict=False)
        ]
        for block in blocks
    ]
    flat = [tokenizer.encode(sentence, add_special_tokens=False).ids for document in expected for sentence in document]
    assert [sentence for block in found for sentence in block] == flat
    assert [np.diff(block.document_offsets).tolist() for block in blocks] == [[len(document) for document in expected]]


def test_tokens_are_two_bytes_and_the_offsets_fit_them(tiny):
    store = Store(tiny.dataset)
    block = store.read(store.blocks(TRAIN)[0])
    assert block.tokens.dtype == np.uint16
    assert block.sentence_offsets[0] == 0
    assert block.sentence_offsets[-1] == len(block.tokens) == len(block.eojeol_start)
    assert block.document_offsets[-1] == len(block.sentence_offsets) - 1


def test_eojeol_starts_are_the_pieces_after_a_space(tiny):
    store, tokenizer = Store(tiny.dataset), load_tokenizer(tiny.tokenizer)
    block = store.read(store.blocks(TRAIN)[0])
    sentence = sentences_by_split(tiny)[TRAIN][0][0]
    count = int(block.sentence_offsets[1])
    assert block.eojeol_start[:count].sum() == len(sentence.split())
    assert tokenizer.id_to_token(int(block.tokens[0])).startswith("##") is False


def test_held_out_documents_are_chosen_by_their_id_alone():
    chosen = {f"d{number}" for number in range(10_000) if is_held_out(f"d{number}", "news", 0.01)}
    assert 60 < len(chosen) < 140
    assert chosen <= {f"d{number}" for number in range(10_000) if is_held_out(f"d{number}", "news", 0.02)}


def test_datasets_reads_the_same_files(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    files = [str(path) for path in sorted((tiny.dataset / TRAIN).glob("*.arrow"))]
    rows = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=str(tmp_path))
    assert set(rows.column_names) == {"input_ids", "eojeol_start", "document", "source"}
    assert len(rows) == Store(tiny.dataset).summary[TRAIN]["sentences"]


def test_a_truncated_file_of_the_store_is_named_and_refused(tiny, tmp_path):
    import shutil

    copy = tmp_path / "dataset"
    shutil.copytree(tiny.dataset, copy)
    store = Store(copy)
    path = store.blocks(TRAIN)[0][0]
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtifactMismatch, match=path.name):
        store.read(store.blocks(TRAIN)[0])


def test_the_unigram_entropy_is_that_of_the_training_pieces(tiny):
    store = Store(tiny.dataset)
    tokens = np.concatenate([store.read(files).tokens for files in store.blocks(TRAIN)])
    shares = np.unique(tokens, return_counts=True)[1] / len(tokens)
    assert store.summary["unigram_entropy"] == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)


def test_the_summary_is_plain_json(tiny):
    json.dumps(Store(tiny.dataset).summary)


def test_every_block_is_a_sample_of_the_whole_corpus(tiny):
    """Files come source after source; blocks of neighbouring files would teach one domain after the other."""
    store = Store(tiny.dataset)
    store.summary = {"files": {TRAIN: {f"{number:05d}.arrow": 20_000 for number in range(10)}}}
    blocks = [[path.name[:5] for path in block] for block in store.blocks(TRAIN)]
    assert blocks == [["00000", "00003", "00006", "00009"], ["00001", "00004", "00007"], ["00002", "00005", "00008"]]
