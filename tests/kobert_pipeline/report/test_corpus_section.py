from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.steps import fineweb2
from kobert_pipeline.ground.artifacts import FileEntry, Manifest
from kobert_pipeline.ground.contents.corpus import Corpus, Source
from kobert_pipeline.ground.files import file_sha256
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.report.corpus_section import (
    REASONS,
    SAMPLE_CHARACTERS,
    distributions,
    document_lengths,
    dropped_samples,
    funnel,
    hangul_shares,
    largest_groups,
    reasons,
    sentence_funnel,
    sentence_lengths,
    shortened,
)


def source(name: str, documents: int, sentences: int = 0, dropped: Mapping[str, int] = {}, **drops: int) -> Source:
    kept = documents - sum(drops.values())
    return Source(name, "", True, documents, kept, sentences, 0, 0, 0.5, drops, dropped, {}, {})


def corpus_in(folder: Path) -> Corpus:
    files = {
        path.relative_to(folder).as_posix(): FileEntry(path.stat().st_size, file_sha256(path))
        for path in folder.rglob("*.parquet")
    }
    return Corpus.of(Manifest("corpora", 1, "a" * 64, {}, {}, 0, {}, {}, files), folder)


def lines(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")


def test_every_reason_of_the_corpus_stage_is_explained() -> None:
    package = Path(__file__).parents[3] / "corpora"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    named = set(re.findall(r'Drop\(\s*"(\w+)"', code)) | {"duplicate", "near_duplicate", "no_sentence"}
    named |= set(
        re.findall(
            r'(?:return|else|"reason":|reason=) "(\w+)"', "\n".join(map(Path.read_text, package.glob("office/*.py")))
        )
    )
    reasons = fineweb2._reasons("글이다.", ["글이다."], ["글", "이", "다", "."])
    assert named | {name for name, _ in reasons} <= set(REASONS)


def test_the_funnel_ends_with_what_was_kept() -> None:
    steps = funnel(source("all", 1_000, too_short=100, not_korean=20, duplicate=30, no_sentence=1, someday=2))
    assert [(step.left, step.gone) for step in steps] == [(1_000, 0), (998, 2), (878, 120), (848, 30), (847, 1)]
    assert steps[-1].share == 0.847


def test_a_step_that_nothing_failed_is_left_out() -> None:
    assert len(funnel(source("all", 10))) == 1


def test_dropped_sentences_are_counted_down_to_what_is_there() -> None:
    steps = sentence_funnel(source("all", 1, 90, {"contaminated": 4, "duplicate": 6}))
    assert [(step.left, step.gone) for step in steps] == [(100, 0), (96, 4), (90, 6)]


def test_the_most_frequent_reason_comes_first() -> None:
    found = reasons([source("a", 9, too_short=2), source("b", 9, too_short=1, duplicate=4)], {})
    assert [(reason.name, reason.documents) for reason in found] == [("duplicate", 4), ("too_short", 3)]
    assert found[1].by_source == {"a": 2, "b": 1}


def test_samples_come_from_as_many_sources_as_there_are(tmp_path: Path) -> None:
    rows = [{"source": "a", "reason": "too_short", "doc_id": f"a{n}", "text": "짧다"} for n in range(9)]
    rows += [{"source": "b", "reason": "too_short", "doc_id": "b0", "text": "짧은 글"}]
    rows += [{"source": "b", "reason": "undecodable", "place": "글.txt:3"}]
    lines(tmp_path, "dropped.jsonl", rows)
    found = dropped_samples(tmp_path / "dropped.jsonl")
    assert [sample.place for sample in found["too_short"]] == ["a0", "b0", "a1"]
    assert (found["undecodable"][0].place, found["undecodable"][0].text) == ("글.txt:3", "")
    assert dropped_samples(None) == {}


def test_a_long_sample_is_one_short_line() -> None:
    assert shortened("가\n\n나  다") == "가 나 다"
    assert len(shortened("가 " * 1_000)) <= SAMPLE_CHARACTERS + 2


def test_the_largest_groups_of_near_duplicates_are_named(tmp_path: Path) -> None:
    rows = [{"doc_id": f"{n}", "source": "a", "repeats": "x" if n % 3 else "y"} for n in range(9)]
    lines(tmp_path, "near_duplicates.jsonl", rows)
    assert largest_groups(tmp_path / "near_duplicates.jsonl") == [("x", 6), ("y", 3)]


def test_lengths_and_shares_are_measured_on_the_kept_text(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    table = pa.table({"sentences": [["달이 떴다.", "밝다."], ["Moon이 떴다."]]})
    pq.write_table(table, tmp_path / "shards" / "00000.parquet")
    found = distributions(corpus_in(tmp_path))
    assert found is not None
    assert (found.documents, found.sentences) == (2, 3)
    assert [chart.title for chart in found.charts] == ["Sentence length", "Document length", "Hangul among letters"]
    assert distributions(corpus_in(tmp_path / "nowhere")) is None


def test_lengths_beyond_the_last_bin_and_none_at_all_are_drawn() -> None:
    for chart in (sentence_lengths([0, 5, 10_000]), document_lengths([1, 4, 500]), hangul_shares([0.0, 1.0])):
        assert "<svg" in chart.svg
    for chart in (sentence_lengths([]), document_lengths([]), hangul_shares([])):
        assert "<svg" in chart.svg
