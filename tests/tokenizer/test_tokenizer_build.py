"""The tokenizer stage as a whole, on a corpus artifact of two shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.ground.parallel import ExecutionConfig
from tokenizer.build import GOLDEN_SENTENCES, build, morpheme_starts, sentences_of
from tokenizer.config import TokenizerConfig
from tokenizer.load import GOLDEN, load_tokenizer

CONFIG = TokenizerConfig(vocab_size=4_000, ks_x_1001=False, character_coverage=1.0, surplus=1)


def _corpora(folder: Path, sentences: list[str], shards: int) -> Path:
    """Ten sentences a document, the documents spread over `shards` files in order."""
    (folder / "shards").mkdir(parents=True)
    documents = [
        {"source": "sample", "sentences": sentences[start : start + 10]} for start in range(0, len(sentences), 10)
    ]
    size = -(-len(documents) // shards)
    for number in range(shards):
        part = documents[number * size : (number + 1) * size]
        pq.write_table(pa.Table.from_pylist(part), folder / "shards" / f"{number:05d}.parquet")
    return folder


@pytest.fixture(scope="module")
def corpora(sample_sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _corpora(tmp_path_factory.mktemp("corpora") / "a", sample_sentences, shards=2)


def _build(corpora: Path, root: Path, config: TokenizerConfig = CONFIG, special: tuple[str, ...] = ()) -> Path:
    with Workspace(root, Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        return out.finish(build(config, corpora, out, special_tokens=special, execution=ExecutionConfig(workers=1)), {})


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}


def test_building_twice_writes_the_same_bytes(corpora: Path, tmp_path: Path) -> None:
    assert _bytes(_build(corpora, tmp_path / "one")) == _bytes(_build(corpora, tmp_path / "two"))


def test_the_vocabulary_does_not_depend_on_how_the_corpus_is_divided_into_shards(
    corpora: Path, sample_sentences: list[str], tmp_path: Path
) -> None:
    five = _corpora(tmp_path / "five", sample_sentences, shards=5)
    vocabularies = [(_build(each, tmp_path / name) / "vocab.txt").read_bytes() for name, each in (("b", corpora), ("c", five))]  # fmt: skip
    assert vocabularies[0] == vocabularies[1]


def test_the_artifact_is_the_tokenizer_learned_from_its_sentences(corpora: Path, trained: Any, tmp_path: Path) -> None:
    folder = _build(corpora, tmp_path, special=trained.special_tokens)
    assert sorted(_bytes(folder)) == [GOLDEN, "manifest.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", GOLDEN):
        assert (folder / name).read_bytes() == (trained.folder / name).read_bytes()
    assert len(read_json(folder / GOLDEN)) == GOLDEN_SENTENCES
    assert load_tokenizer(folder).get_vocab_size() == CONFIG.vocab_size


def test_the_summary_describes_what_was_learned(corpora: Path, trained: Any, tmp_path: Path) -> None:
    summary = read_manifest(_build(corpora, tmp_path, special=trained.special_tokens)).summary
    assert summary["vocab_size"] == 4_000
    assert summary["inner_pieces"] == sum(piece.startswith("##") for piece in trained.pieces)
    assert summary["distinct_morphemes"] == len(trained.counts)
    figures = summary["training_text"]
    assert figures["cut_f1"] > 0.7
    assert figures["unknown_share"] < 0.01
    assert 1 < figures["pieces_per_eojeol"] < 4


def test_without_morphemes_whole_eojeols_become_pieces(corpora: Path, tmp_path: Path) -> None:
    plain = _build(corpora, tmp_path / "plain", CONFIG.model_copy(update={"morpheme": "none"}))
    morphemes = _build(corpora, tmp_path / "morphemes")
    figures = [read_manifest(folder).summary["training_text"] for folder in (plain, morphemes)]
    assert figures[0]["pieces_per_eojeol"] < figures[1]["pieces_per_eojeol"]
    assert figures[0]["cut_f1"] < figures[1]["cut_f1"]


def test_sentences_come_in_reading_order(corpora: Path, sample_sentences: list[str]) -> None:
    shards = sorted((corpora / "shards").iterdir())
    assert [sentence for shard in shards for sentence in sentences_of(shard)] == sample_sentences


def test_a_pruned_vocabulary_cuts_more_as_morphemes_do(corpora: Path, tmp_path: Path) -> None:
    folders = [_build(corpora, tmp_path / str(surplus), CONFIG.model_copy(update={"vocab_size": 3_200, "surplus": surplus, "cut_price": 0})) for surplus in (1, 1.5)]  # fmt: skip
    plain, pruned = (read_manifest(folder).summary for folder in folders)
    assert plain["vocab_size"] == pruned["vocab_size"] == 3_200
    assert pruned["training_text"]["cut_f1"] > plain["training_text"]["cut_f1"]


def test_starts_of_morphemes_are_places_in_the_sentence() -> None:
    assert morpheme_starts("학교에서 밥을 먹는다.") == {0, 2, 5, 6, 8, 9, 11}


def test_a_placeholder_of_personal_data_is_one_piece(tmp_path: Path, sample_sentences: list[str]) -> None:
    sentences = [*sample_sentences, *["문의는 [전화번호]로 하세요."] * 50]
    corpora = _corpora(tmp_path / "corpora", sentences, shards=1)
    with Workspace(tmp_path / "out", Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        placeholders = ("[전화번호]", "[이메일]")
        settings: Any = {"special_tokens": (), "placeholders": placeholders, "execution": ExecutionConfig(workers=1)}
        folder = out.finish(build(CONFIG, corpora, out, **settings), {})
    auto = AutoTokenizer.from_pretrained(folder)
    assert len(auto) == CONFIG.vocab_size
    assert auto.tokenize("문의는 [전화번호]로 하세요.").count("[전화번호]") == 1
    ids = auto("[전화번호] 말고 [이메일]")["input_ids"]
    assert [auto.convert_tokens_to_ids(text) in ids for text in placeholders] == [True, True]
    assert auto.decode(ids, skip_special_tokens=True) == "[전화번호] 말고 [이메일]"
