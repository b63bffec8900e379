"""`kobert inspect RECIPE tokens` shows how the tokenizer and MeCab cut a sentence."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from tokenizers import Tokenizer

from kobert_pipeline.ground.errors import InputError
from tokenizer.load import assemble, open_tokenizer
from tokenizer.token_view import COLUMNS, coloured, cuttings, rows, view
from tokenizer.train import ROLES


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return assemble([*ROLES.values(), "학", "##교", "##에서", "밥을", "."])


def test_cuts_inside_morphemes_and_boundaries_without_a_cut_are_found(small: Tokenizer) -> None:
    """학교+에서 밥+을: cut 학|교|에서 밥을."""
    (cut,) = cuttings({"small": small}, "학교에서 밥을")
    assert (cut.cuts, cut.missed) == (["eojeol", "inside", "between", "eojeol"], 1)
    (unknown,) = cuttings({"small": small}, "밥을 훑다")
    assert unknown.cuts == ["eojeol", "unknown"]
    assert coloured(cut).plain == "학 !##교 ##에서 밥을"
    assert coloured(unknown).plain == "밥을 ?[UNK]"


SENTENCE = "나는 학교에서 밥을 먹었다. https://example.com/" + "a" * 150


def printed(shown: Any, width: int) -> list[str]:
    out = Console(file=io.StringIO(), width=width, no_color=True)
    out.print(shown)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_no_token_is_cut_at_any_width_and_no_line_is_longer(width: int, small: Tokenizer, trained: Any) -> None:
    tokenizers = {"small": small, "trained": trained.tokenizer}
    lines = printed(view(tokenizers, unicodedata.normalize("NFD", SENTENCE)), width)
    assert all(cell_len(line) <= width for line in lines)
    assert "…" not in "".join(lines)
    words = " ".join(lines).split()
    for each in cuttings(tokenizers, SENTENCE):
        for token in coloured(each).plain.split():
            assert token in words or cell_len(token) > width - 2
        assert all(str(number) in words for number in each.ids)


def test_the_legend_says_its_signs_without_colour(small: Tokenizer) -> None:
    lines = printed(view({"small": small}, "학교에서 밥을"), 120)
    assert lines[-1] == "a new eojeol, ## cut between morphemes, !## cut inside a morpheme, ?unknown"
    assert "학교/NNG 에서/JKB 밥/NNG 을/JKO" in lines[1]
    assert "small: 4 pieces; cuts inside a morpheme: 1; boundaries without a cut: 1" in lines


def test_a_pipe_gets_a_row_for_each_piece(small: Tokenizer) -> None:
    found = list(rows({"small": small}, "학교에서 밥을"))
    assert found[0] == COLUMNS
    assert found[1] == ("morphemes", "학교", "NNG", "0", "2", "")
    assert found[5:7] == [("small", "학", "5", "0", "1", "eojeol"), ("small", "##교", "6", "1", "2", "inside")]
    assert {len(row) for row in found} == {len(COLUMNS)}


def test_any_tokenizer_can_be_opened(trained: Any, tmp_path: Path) -> None:
    expected = trained.tokenizer.encode("나는 학교에서 밥을 먹었다.").ids
    (tmp_path / "vocab.txt").write_bytes((trained.folder / "vocab.txt").read_bytes())
    for name in (trained.folder, trained.folder / "tokenizer.json", tmp_path, tmp_path / "vocab.txt"):
        assert open_tokenizer(str(name)).encode("나는 학교에서 밥을 먹었다.").ids == expected


def test_texts_are_neither_truncated_nor_padded(trained: Any, tmp_path: Path) -> None:
    padded = open_tokenizer(str(trained.folder))
    padded.enable_truncation(3)
    padded.enable_padding(length=64)
    padded.save(str(tmp_path / "tokenizer.json"))
    expected = trained.tokenizer.encode("나는 학교에서 밥을 먹었다.").ids
    assert open_tokenizer(str(tmp_path)).encode("나는 학교에서 밥을 먹었다.").ids == expected


def test_a_file_that_is_not_a_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"no tokenizer\.json or vocab\.txt"):
        open_tokenizer(str(tmp_path))
