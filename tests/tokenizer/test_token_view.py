"""`kobert inspect RECIPE tokens` shows how the tokenizer and MeCab cut a sentence."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tokenizers import Tokenizer

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.morphology.mecab import morphemes
from tokenizer.load import assemble, open_tokenizer
from tokenizer.token_view import AGREED, EXTRA, UNKNOWN, WORD, coloured, disagreements, view
from tokenizer.train import ROLES


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return assemble([*ROLES.values(), "학", "##교", "##에서", "밥을", "."])


def test_cuts_inside_morphemes_and_boundaries_without_a_cut_are_found(small: Tokenizer) -> None:
    """학교+에서 밥+을: cut 학|교|에서 밥을."""
    text = "학교에서 밥을"
    encoding = small.encode(text, add_special_tokens=False)
    starts = [start for start, _ in encoding.offsets]
    extra, missed = disagreements(text, starts, morphemes(text))
    assert (extra, missed) == ({1}, {6})
    spans = coloured([*encoding.tokens[:3], "[UNK]"], starts, text, extra).spans
    assert [str(span.style) for span in spans] == [WORD, EXTRA, AGREED, UNKNOWN]


def test_the_table_has_a_row_per_tokenizer(small: Tokenizer, trained: Any) -> None:
    out = Console(file=io.StringIO(), width=200)
    out.print(view({"small": small, "trained": trained.tokenizer}, unicodedata.normalize("NFD", "학교에서 밥을")))
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "학교/NNG 에서/JKB 밥/NNG 을/JKO" in shown
    assert "학 ##교 ##에서 밥을" in shown
    assert "학교 ##에서 밥 ##을" in shown


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
