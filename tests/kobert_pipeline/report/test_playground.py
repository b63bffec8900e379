from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from finished_run import PIECES, export_model

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.report.playground import answers, coloured, playground, serve
from kobert_pipeline.uses.fill_mask import GUESSES, USE
from tokenizer.load import assemble


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_model(tmp_path_factory.mktemp("playground") / "model")


@pytest.fixture(scope="module")
def loaded(model: Path) -> tuple[Any, Any]:
    return USE.load(str(model))


def test_without_gradio_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(KobertError, match="pip install 'gradio"):
        serve(str(tmp_path), 7860)


def test_every_mask_has_its_likeliest_pieces(loaded: tuple[Any, Any]) -> None:
    rows, wrong = answers(USE, *loaded, "[MASK]의 수도는 [MASK]이다.")
    assert [number for number, _, _ in rows] == ["1"] * GUESSES + ["2"] * GUESSES
    assert all(piece in PIECES for _, piece, _ in rows)
    assert float(rows[0][2].rstrip("%")) >= float(rows[1][2].rstrip("%"))
    assert wrong == ""


@pytest.mark.parametrize(
    ("sentence", "told"),
    [(" ", ""), ("서울이다.", "Write [MASK] where"), ("[MASK] " * 99, "the model takes 32")],
    ids=["empty", "no mask", "too long"],
)
def test_what_cannot_be_filled_is_told(loaded: tuple[Any, Any], sentence: str, told: str) -> None:
    rows, wrong = answers(USE, *loaded, sentence)
    assert rows == []
    assert told in wrong


def test_pieces_are_told_by_morpheme_and_eojeols_kept_apart() -> None:
    assert coloured(assemble(PIECES), "대한민국의\n서울") == [
        ("대한민국", "noun"), ("##의", "particle"), (" ", None), ("서울", "noun"),
    ]  # fmt: skip
    assert coloured(assemble(PIECES), "") == []


@pytest.mark.system
def test_the_playground_answers_over_http(model: Path) -> None:
    gradio = pytest.importorskip("gradio", reason="Gradio is not installed (the extra `serve`)")
    from gradio_client import Client

    app = playground(gradio, str(model), "작은 모델")
    _, address, _ = app.launch(server_name="127.0.0.1", share=False, prevent_thread_lock=True, quiet=True)
    try:
        client = Client(address, verbose=False)
        filled, wrong = client.predict("대한민국의 수도는 [MASK]이다.", api_name="/fill")
        assert len(filled["data"]) == GUESSES
        assert "Write [MASK]" in client.predict("서울이다.", api_name="/fill")[1]
        assert wrong == ""
        assert [piece["token"] for piece in client.predict("대한민국의 서울", api_name="/cut")] == [
            "대한민국",
            "##의",
            " ",
            "서울",
        ]
    finally:
        app.close()
