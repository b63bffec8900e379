"""`paragraph_end`: where a text had its paragraphs, kept for every sentence through all phases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.build import build
from corpora.cleaning import clean
from corpora.config import CorporaConfig, SourceConfig
from corpora.phases.sentences import split, without_dropped
from corpora.sentences import paragraph_ends, sentence_spans
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig

LINES = st.sampled_from(["비가 온다. 바람이 분다.", "해가 났다.", "제목", "", "  ", "ㅋㅋㅋ"])
TEXTS = st.lists(LINES, max_size=12).map("\n".join)


def marked(text: str) -> list[str]:
    """The sentences, with `¶` after those that end a paragraph."""
    return [sentence + "¶" * end for sentence, end in zip(*split(text, "fast"), strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("비가 온다.", ["비가 온다.¶"]),
        ("비가 온다. 바람이 분다.", ["비가 온다.", "바람이 분다.¶"]),
        # without blank lines each line is a paragraph
        ("제목\n비가 온다. 바람이 분다.\n해가 났다.", ["제목¶", "비가 온다.", "바람이 분다.¶", "해가 났다.¶"]),
        # with blank lines a line break inside a paragraph is none of its ends
        ("비가 온다.\n바람이 분다.\n\n해가 났다.", ["비가 온다.", "바람이 분다.¶", "해가 났다.¶"]),
        ("비가 온다.\n \n바람이 분다.\n해가 났다.", ["비가 온다.¶", "바람이 분다.", "해가 났다.¶"]),
        # blank lines around the text separate nothing
        ("\n\n비가 온다.\n해가 났다.\n\n", ["비가 온다.¶", "해가 났다.¶"]),
    ],
)
def test_a_paragraph_ends_at_blank_lines_else_at_line_breaks(text: str, expected: list[str]) -> None:
    assert marked(text) == expected


@given(TEXTS)
def test_there_is_a_flag_for_every_sentence_and_the_last_is_set(text: str) -> None:
    spans = sentence_spans(text)
    ends = paragraph_ends(text, spans)
    assert len(ends) == len(spans)
    assert not ends or ends[-1]


@given(TEXTS.map(clean))
def test_a_text_written_out_again_has_the_same_sentences_and_paragraphs(text: str) -> None:
    sentences, ends = split(text, "fast")
    written = "".join(sentence + ("\n" if end else " ") for sentence, end in zip(sentences, ends, strict=True))
    paragraphs = text.split("\n\n") if "\n\n" in text else text.split("\n")
    assert written.rstrip("\n").split("\n") == [" ".join(paragraph.split()) for paragraph in paragraphs]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["", "", "", ""], ([0, 1, 2, 3], [False, True, False, True])),
        (["", "duplicate", "", ""], ([0, 2, 3], [True, False, True])),
        (["duplicate", "", "", ""], ([1, 2, 3], [True, False, True])),
        (["", "", "duplicate", "contaminated"], ([0, 1], [False, True])),
        (["", "duplicate", "duplicate", "duplicate"], ([0], [True])),
        (["duplicate", "duplicate", "", ""], ([2, 3], [False, True])),
        (["duplicate"] * 4, ([], [])),
    ],
)
def test_the_flag_of_a_dropped_sentence_passes_to_the_one_before(
    reasons: list[str], expected: tuple[list[int], list[bool]]
) -> None:
    sentences, ends = ["0", "1", "2", "3"], [False, True, False, True]
    kept, kept_ends = without_dropped(sentences, ends, reasons)
    assert ([int(sentence) for sentence in kept], kept_ends) == expected


def test_the_shards_hold_the_flags_of_the_sentences_that_stay(tmp_path: Path) -> None:
    repeated = "같은 문장이 두 문서에 나오므로 뒤의 것은 빠진다고 한다."
    tested = "이 문장은 평가 데이터에도 그대로 나오기 때문에 말뭉치에서 빠져야 한다."
    texts = [
        f"첫 문서는 아침에 쓴 글이다. {repeated}\n\n마지막 문단은 짧게 끝난다.",
        f"둘째 문서는 저녁에 쓴 글이다. {repeated}\n\n다른 문단이 이어진다. {tested}",
    ]
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    (tmp_path / "글.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "dev.jsonl").write_text(json.dumps({"sentence": tested}), encoding="utf-8")
    config = CorporaConfig(sources=(SourceConfig(name="글", path=str(tmp_path / "글.jsonl")),))
    found = written(config, tmp_path, [tmp_path / "dev.jsonl"])
    assert [(row["sentences"], row["paragraph_end"]) for row in found] == [
        (["첫 문서는 아침에 쓴 글이다.", repeated, "마지막 문단은 짧게 끝난다."], [False, True, True]),
        (["둘째 문서는 저녁에 쓴 글이다.", "다른 문단이 이어진다."], [True, True]),
    ]


def written(config: CorporaConfig, folder: Path, evaluation: list[Path]) -> list[dict[str, Any]]:
    with Workspace(folder, Identity("corpora", 1, {}, {}, 0, {})) as out:
        done = out.finish(build(config, out, execution=ExecutionConfig(workers=1), evaluation=evaluation), {})
    return [row for path in sorted((done / "shards").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
