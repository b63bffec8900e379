import dataclasses
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PARAGRAPH_END, PART_OF_SPEECH
from kobert_pipeline.dataset.build import build
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.splits import Text, in_validation
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.dataset.wrong_spaces import with_wrong_spaces
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.ground.parallel import ExecutionConfig
from tokenizer.load import load_tokenizer


def sentences_by_split(tiny):
    split = {TRAIN: [], VALIDATION: []}
    for shard in sorted((tiny.corpora / "shards").glob("*.parquet")):
        for row in pq.read_table(shard).to_pylist():
            split[VALIDATION if in_validation(row["doc_id"], row["source"], 0.15) else TRAIN].append(row["sentences"])
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
    assert block.sentence_offsets[-1] == len(block.tokens) == len(block.annotations[EOJEOL_START])
    assert block.document_offsets[-1] == len(block.sentence_offsets) - 1


def test_eojeol_starts_are_the_tokens_after_a_space(tiny):
    store, tokenizer = Store(tiny.dataset), load_tokenizer(tiny.tokenizer)
    block = store.read(store.blocks(TRAIN)[0])
    sentence = sentences_by_split(tiny)[TRAIN][0][0]
    count = int(block.sentence_offsets[1])
    assert block.annotations[EOJEOL_START][:count].sum() == len(sentence.split())
    assert tokenizer.id_to_token(int(block.tokens[0])).startswith("##") is False


def test_validation_documents_are_chosen_by_their_id_alone():
    chosen = {f"d{number}" for number in range(10_000) if in_validation(f"d{number}", "news", 0.01)}
    assert 60 < len(chosen) < 140
    assert chosen <= {f"d{number}" for number in range(10_000) if in_validation(f"d{number}", "news", 0.02)}


def test_datasets_reads_the_same_files(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    files = [str(path) for path in sorted((tiny.dataset / TRAIN).glob("*.arrow"))]
    rows = datasets.load_dataset("arrow", data_files=files, split="train", cache_dir=str(tmp_path))
    assert set(rows.column_names) == {"input_ids", EOJEOL_START, "document", "source", PARAGRAPH_END}
    assert len(rows) == Store(tiny.dataset).summary.train.sentences


@pytest.fixture
def copied(tiny, tmp_path):
    """A copy of the store, and its first training file."""
    copy = tmp_path / "dataset"
    shutil.copytree(tiny.dataset, copy)
    return copy, Store(copy).blocks(TRAIN)[0][0]


def test_a_truncated_file_of_the_store_is_named_and_refused_when_it_is_opened(copied):
    folder, path = copied
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtifactMismatch, match=rf"{path.name}: has [\d,]+ bytes, not the"):
        Store(folder)


def test_a_missing_file_of_the_store_is_named_and_refused(copied):
    folder, path = copied
    path.unlink()
    with pytest.raises(ArtifactMismatch, match=f"{path.name}: is missing"):
        Store(folder)


def test_an_edited_file_of_the_store_is_named_and_refused(copied):
    folder, path = copied
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    store = Store(folder)
    with pytest.raises(ArtifactMismatch, match=f"{path.name}: changed since it was written"):
        store.read(store.blocks(TRAIN)[0])


def test_a_store_built_with_another_tokenizer_is_refused(copied, tiny):
    folder, _ = copied
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    Store(folder).require_tokenizer(tiny.tokenizer)
    manifest["inputs"]["tokenizer"] = "f" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactMismatch, match="built with tokenizer ffffffffffffffff, but "):
        Store(folder).require_tokenizer(tiny.tokenizer)


def test_an_annotation_that_the_store_does_not_hold_is_named(tiny):
    Store(tiny.dataset).require_annotations([EOJEOL_START])
    with pytest.raises(ArtifactMismatch, match="holds no morpheme_start"):
        Store(tiny.dataset).require_annotations([MORPHEME_START])


def test_morphemes_are_stored_when_the_recipe_asks(tiny, tmp_path):
    config = DatasetConfig(validation_share=0.15, morphemes=True)
    with Workspace(tmp_path, Identity("dataset", 1, config.content(), {}, 0, {})) as out:
        folder = out.finish(
            build(config, tiny.corpora, tiny.tokenizer, out, load=load_tokenizer, execution=ExecutionConfig(workers=1)),
            {},
        )
    store, plain = Store(folder), Store(tiny.dataset)
    store.require_annotations([MORPHEME_START, PART_OF_SPEECH])
    block, other = store.read(store.blocks(TRAIN)[0]), plain.read(plain.blocks(TRAIN)[0])
    assert np.array_equal(block.tokens, other.tokens)
    assert np.array_equal(block.annotations[EOJEOL_START], other.annotations[EOJEOL_START])
    assert set(block.annotations) == {EOJEOL_START, MORPHEME_START, PART_OF_SPEECH}
    tags = [store.summary.parts_of_speech[code] for code in block.annotations[PART_OF_SPEECH][:7].tolist()]
    assert tags[:2] == ["NNG", "JKS"]
    assert store.summary.train.swallowed_morphemes == 0  # this vocabulary has few pieces of more than one character


def test_spaces_are_moved_in_a_share_of_the_training_sentences_alone(tiny, tmp_path):
    config = DatasetConfig(validation_share=0.15, wrong_spaces=0.5)
    assert "wrong_spaces" not in DatasetConfig(validation_share=0.15).content(), "fingerprints stay what they were"
    with Workspace(tmp_path, Identity("dataset", 1, config.content(), {}, 0, {})) as out:
        folder = out.finish(
            build(config, tiny.corpora, tiny.tokenizer, out, load=load_tokenizer, execution=ExecutionConfig(workers=1)),
            {},
        )
    store, plain = Store(folder), Store(tiny.dataset)
    names = [path.name for path in (tiny.dataset / VALIDATION).iterdir()]
    assert all(
        (folder / VALIDATION / name).read_bytes() == (tiny.dataset / VALIDATION / name).read_bytes() for name in names
    )
    before = [sentence for document in sentences_by_split(tiny)[TRAIN] for sentence in document]
    text = Text(pa.array(before), *[np.zeros(len(before))] * 3)
    moved, changed = with_wrong_spaces(text, 0.5)
    after = moved.sentences.to_pylist()
    assert [sentence.replace(" ", "") for sentence in after] == [sentence.replace(" ", "") for sentence in before]
    assert (
        changed
        == sum(one != other for one, other in zip(before, after, strict=True))
        == store.summary.train.wrong_spaces
    )
    assert 0.3 * len(before) < changed < 0.55 * len(before), "half, without those in which nothing moves"
    encode = load_tokenizer(tiny.tokenizer).encode
    ids = [token for sentence in after for token in encode(sentence, add_special_tokens=False).ids]
    assert np.concatenate([store.read(files).tokens for files in store.blocks(TRAIN)]).tolist() == ids
    assert plain.summary.train.wrong_spaces is None
    assert with_wrong_spaces(text, 0.0)[1] == 0


def test_tokens_are_counted_by_source(tiny):
    store = Store(tiny.dataset)
    assert sum(source.tokens for source in store.summary.sources) == store.summary.train.tokens
    assert all(source.tokens > 0 for source in store.summary.sources)


def test_the_unigram_entropy_is_that_of_the_training_tokens(tiny):
    store = Store(tiny.dataset)
    tokens = np.concatenate([store.read(files).tokens for files in store.blocks(TRAIN)])
    shares = np.unique(tokens, return_counts=True)[1] / len(tokens)
    assert store.summary.unigram_entropy == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)


def test_the_summary_is_plain_json(tiny):
    json.dumps(Store(tiny.dataset).manifest.summary)


def test_every_block_is_a_sample_of_the_whole_corpus(tiny):
    """Files are ordered by source: blocks of neighbouring files would teach one domain after the other."""
    store = Store(tiny.dataset)
    files = {TRAIN: {f"{number:05d}.arrow": 20_000 for number in range(10)}}
    store.summary = dataclasses.replace(store.summary, files=files)
    blocks = [[path.name[:5] for path in block] for block in store.blocks(TRAIN)]
    assert blocks == [["00000", "00003", "00006", "00009"], ["00001", "00004", "00007"], ["00002", "00005", "00008"]]
