from __future__ import annotations

import sys
from pathlib import Path

import pytest
from finished_run import PIECES, export_model

from kobert_pipeline.errors import InputError, KobertError
from kobert_pipeline.report.playground import GUESSES, coloured, guesses, load, serve, shown
from tokenizer.load import assemble


def test_without_gradio_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(KobertError, match="pip install 'gradio"):
        serve(str(tmp_path), 7860)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no masked language model"):
        load(str(tmp_path))


def test_every_mask_has_its_likeliest_pieces(tmp_path: Path) -> None:
    tokenizer, network = load(str(export_model(tmp_path / "model")))
    found = guesses(tokenizer, network, "[MASK]의 수도는 [MASK]이다.")
    assert [number for number, _, _ in found] == [1] * GUESSES + [2] * GUESSES
    assert all(piece in PIECES for _, piece, _ in found)
    assert found[0][2] >= found[1][2]
    assert shown([(1, "서울", 0.1234)]) == [["1", "서울", "12.3%"]]


@pytest.mark.parametrize("sentence", ["", "서울이다.", "[MASK] " * 99], ids=["empty", "no mask", "too long"])
def test_what_cannot_be_filled_is_left_empty(tmp_path: Path, sentence: str) -> None:
    tokenizer, network = load(str(export_model(tmp_path / "model")))
    assert guesses(tokenizer, network, sentence) == []


def test_pieces_are_told_by_morpheme_and_eojeols_kept_apart() -> None:
    assert coloured(assemble(PIECES), "대한민국의\n서울") == [
        ("대한민국", "noun"), ("##의", "particle"), (" ", None), ("서울", "noun"),
    ]  # fmt: skip
    assert coloured(assemble(PIECES), "") == []
