"""Counts of a corpus do not depend on its shards, and each source counts by its weight."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.morphology.mecab import SEPARATOR
from tokenizer.config import TokenizerConfig
from tokenizer.count import count, count_all, source_sizes, source_weights
from tokenizer.words import piece_of

ONE = ExecutionConfig(workers=1)


def _shard(path: Path, sentences: list[str], source: str = "sample") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([{"source": source, "sentences": [one]} for one in sentences]), path)
    return path


def _counted(folder: Path, sentences: list[str], **settings: Any) -> tuple[dict[str, int], dict[str, int]]:
    shard = _shard(folder / "0.parquet", sentences)
    counts = count(shard, **{"config": TokenizerConfig()} | settings)
    return {piece_of(unit): number for unit, number in counts.units.items()}, dict(counts.sample)


def test_a_shard_is_counted_by_morphemes_or_by_words(tmp_path: Path) -> None:
    sentences = ["학교에서 밥을", "학교에서"]
    units, sample = _counted(tmp_path / "a", sentences)
    assert units == {"학교": 2, "##에서": 2, "밥": 1, "##을": 1}
    assert sample == {f"학교{SEPARATOR}에서": 2, f"밥{SEPARATOR}을": 1}
    assert _counted(tmp_path / "b", sentences, config=TokenizerConfig(morpheme="none")) == (
        {"학교에서": 2, "밥을": 1},
        {},
    )


def test_characters_are_counted_by_their_place(tmp_path: Path) -> None:
    counts = count(_shard(tmp_path / "0.parquet", ["가나가", "가"]), config=TokenizerConfig(), weights={"sample": 5})
    assert {piece_of(character): times for character, times in counts.characters.items()} == {
        "가": 2,
        "##나": 1,
        "##가": 1,
    }


def test_the_sample_is_a_share_of_the_sentences_in_any_order(tmp_path: Path, sample_sentences: list[str]) -> None:
    sample = _counted(tmp_path / "a", sample_sentences, one_in=4)[1]
    whole = _counted(tmp_path / "b", sample_sentences)[1]
    assert sample == _counted(tmp_path / "c", sample_sentences[::-1], one_in=4)[1]
    assert 0.6 < sum(sample.values()) / sum(whole.values()) < 1.4  # each sampled word represents four
    assert sum(Counter(sample.keys()).values()) < 0.6 * len(whole)
    assert _counted(tmp_path / "d", sample_sentences, config=TokenizerConfig(surplus=1))[1] == {}


def test_nothing_is_learned_from_placeholders(tmp_path: Path) -> None:
    units = _counted(tmp_path / "a", ["문의는 [전화번호]로"], placeholders=["[전화번호]"])[0]
    assert "문의" in units
    assert not {"[", "전화", "##번호", "전화번호"} & set(units)


# --- sources ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def shards(tmp_path: Path, sample_sentences: list[str]) -> list[Path]:
    """A large source, and a small one in two shards."""
    return [
        _shard(tmp_path / "0.parquet", sample_sentences, "large"),
        _shard(tmp_path / "1.parquet", ["하마가 진흙에서 논다."] * 3, "small"),
        _shard(tmp_path / "2.parquet", ["하마가 진흙에서 잔다."], "small"),
    ]


def test_the_size_of_a_source_is_the_bytes_of_its_sentences(shards: list[Path], sample_sentences: list[str]) -> None:
    assert source_sizes(shards) == {
        "large": sum(len(sentence.encode()) for sentence in sample_sentences),
        "small": 4 * len("하마가 진흙에서 논다.".encode()),
    }
    assert source_sizes([]) == {}


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**12), min_size=1), st.floats(0, 1))
def test_smaller_sources_weigh_more_and_the_largest_weighs_one(sizes: dict[str, int], exponent: float) -> None:
    weights = source_weights(sizes, exponent)
    assert weights[max(sizes, key=sizes.__getitem__)] == 1
    by_size = sorted(sizes, key=sizes.__getitem__)
    assert [weights[source] for source in by_size] == sorted(weights.values(), reverse=True)
    assert set(source_weights(sizes, 1).values()) == {1}


def test_a_weight_is_the_root_of_how_much_smaller_a_source_is() -> None:
    assert source_weights({"large": 900, "middle": 225, "small": 100}, 0.5) == {"large": 1, "middle": 2, "small": 3}
    assert source_weights({}, 0.5) == {}


def test_the_words_of_a_small_source_count_by_its_weight(shards: list[Path]) -> None:
    weight = source_weights(source_sizes(shards), 0.5)["small"]
    assert weight > 5
    as_is, weighed = (count_all(shards, TokenizerConfig(source_exponent=e), execution=ONE) for e in (1, 0.5))
    assert _of("진흙", weighed.units) == _of("진흙", as_is.units) + 4 * (weight - 1)
    assert weighed.characters == as_is.characters
    mud = f"진흙{SEPARATOR}에서"
    assert weighed.sample[mud] == as_is.sample[mud] + 4 * (weight - 1)


def _of(piece: str, units: Counter[str]) -> int:
    return sum(times for unit, times in units.items() if piece_of(unit) == piece)


def test_counts_do_not_depend_on_how_the_corpus_is_divided(shards: list[Path], tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.concat_tables([pq.read_table(shard) for shard in reversed(shards)]), whole)
    assert count_all([whole], TokenizerConfig(), execution=ONE) == count_all(shards, TokenizerConfig(), execution=ONE)
