"""The tokenizer compared with others, on the page."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from finished_run import PIECES, export_model, finish
from page_checks import elements
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.report.charts import INK, Dot, labels, scatter
from kobert_pipeline.report.page import public_page, write_page
from kobert_pipeline.report.vocabularies import comparison, label

SYLLABLES = ["대", "##한", "##민", "##국", "##의", "문", "##장", "##입", "##니", "##다", "0", "1", "."]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The small run; its corpus has two documents of two sentences each."""
    root = tmp_path_factory.mktemp("run")
    return finish(root, export_model(root / "model"))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A vocabulary of syllables, as others publish theirs."""
    folder = tmp_path / "나의 집" / "syllables"
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join([*PIECES[:5], *SYLLABLES]) + "\n", encoding="utf-8")
    return folder


def test_every_vocabulary_is_measured_on_the_same_sentences(folders: dict[str, Path], other: Path) -> None:
    found = comparison("small", TokenizerFolder(folders["tokenizer"]), Corpus(folders["corpora"]), [str(other)])
    assert found is not None
    assert (found.sentences, found.missing) == (4, [])
    own, syllables = found.rows
    assert (own.name, own.own, own.pieces) == ("small", True, len(PIECES))
    assert (syllables.name, syllables.own, syllables.pieces) == ("syllables", False, 5 + len(SYLLABLES))
    assert own.figures["eojeols"] == syllables.figures["eojeols"]
    assert syllables.figures["unknown_share"] < own.figures["unknown_share"]


def test_without_others_or_text_nothing_is_compared(folders: dict[str, Path], other: Path, tmp_path: Path) -> None:
    assert comparison("small", TokenizerFolder(folders["tokenizer"]), Corpus(folders["corpora"]), []) is None
    textless = Corpus.of(Corpus(folders["corpora"]).manifest, tmp_path)
    assert comparison("small", None, Corpus(folders["corpora"]), [str(other)]) is None
    assert comparison("small", TokenizerFolder(folders["tokenizer"]), None, [str(other)]) is None
    assert comparison("small", TokenizerFolder(folders["tokenizer"]), textless, [str(other)]) is None


def test_one_that_cannot_be_opened_is_named_without_its_folder(
    folders: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    caplog.set_level(logging.WARNING)
    found = comparison(
        "small",
        TokenizerFolder(folders["tokenizer"]),
        Corpus(folders["corpora"]),
        [str(tmp_path / "none"), "${NOWHERE}/bert"],
    )
    assert found is not None
    assert found.missing == ["none", "bert"]
    assert "NOWHERE is not set" in caplog.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("klue/bert-base", "klue/bert-base"),
        ("bert-base-multilingual-cased", "bert-base-multilingual-cased"),
        ("/home/me/vocabs/kcbert", "kcbert"),
        ("/home/me/vocabs/kcbert/vocab.txt", "kcbert"),
        ("../koelectra/tokenizer.json", "koelectra"),
        ("${DATA}/kpfbert", "kpfbert"),
        ("~/kpfbert", "kpfbert"),
    ],
)
def test_a_path_is_called_by_its_last_part(name: str, shown: str) -> None:
    assert label(name) == shown


def test_both_editions_show_chart_and_table_and_no_folder(
    folders: dict[str, Path], other: Path, tmp_path: Path
) -> None:
    others = [str(other / "vocab.txt"), str(tmp_path / "none")]
    write_page(tmp_path / "page.html", "small", folders, others)
    for page in ((tmp_path / "page.html").read_text(encoding="utf-8"), public_page("small", folders, others)):
        assert elements(page)
        assert "Compared with other vocabularies" in page
        assert "Agreement with morphemes (F1)" in page
        assert '<tr class="own">' in page
        assert "Could not be opened: none." in page
        assert str(tmp_path) not in page


def test_the_recipe_and_the_command_name_them(other: Path, tmp_path: Path) -> None:
    recipe = load_recipe("quickstart", (f"report.compare_with=[{other}]",))
    assert recipe.report.compare_with == (str(other),)
    result = CliRunner().invoke(
        cli.app, ["report", "quickstart", "--compare-with", str(other), "--artifacts", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    both = CliRunner().invoke(
        cli.app, ["report", "quickstart", "quickstart", "--compare-with", "a", "--artifacts", str(tmp_path)]
    )
    assert "--compare-with" in str(both.exception)


def test_dots_at_one_place_share_a_label() -> None:
    dots = [Dot("1", 2.0, 0.9, INK), Dot("2", 2.5, 0.5, INK), Dot("3", 2.51, 0.5, INK), Dot("4", 1.0, 0.1, INK)]
    assert [(dot.label, text) for dot, text in labels(dots)] == [("1", "1"), ("2", "2, 3"), ("4", "4")]
    chart = scatter("Vocabularies", dots, x="pieces per eojeol")
    assert ">2, 3<" in chart.svg
    assert "var(--soft)" in chart.svg


def test_a_lonely_dot_is_drawn() -> None:
    assert ">1<" in scatter("One", [Dot("1", 2.0, 0.9, INK)], x="pieces").svg
