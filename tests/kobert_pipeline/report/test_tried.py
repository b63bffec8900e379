"""The examples of a use on the pages: here, masks in sentences that were written for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from finished_run import export_classifier, export_saying, finish
from page_checks import elements

from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.report.compare import write_comparison
from kobert_pipeline.report.page import public_page, write_page
from kobert_pipeline.report.tried import tried
from kobert_pipeline.uses.fill_mask import EXAMPLES, USE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_saying(tmp_path_factory.mktemp("examples") / "model", "##는", "서울")


def test_every_sentence_has_its_five_guesses_and_knows_what_was_written(model: Path) -> None:
    found = tried(model, USE)
    assert [each.example for each in found] == list(EXAMPLES)
    assert all(len(each.answers) == 5 for each in found)
    capital = next(each for each in found if each.example.before == "대한민국의 수도")
    assert (capital.example.shown, capital.answers[0][0].text, capital.answers[0][1]) == ("는", "##는", True)
    assert sum(right for each in found for _, right in each.answers) == right_answers()


def right_answers() -> int:
    return sum(example.expected in ("##는", "서울") for example in EXAMPLES)


def test_several_genres_have_a_word_and_what_goes_on_within_one() -> None:
    inner: dict[str, list[bool]] = {}
    for example in EXAMPLES:
        inner.setdefault(example.genre, []).append(example.expected.startswith("##"))
    assert len(inner) >= 5
    assert all(True in kinds for kinds in inner.values())
    assert any(False in kinds for kinds in inner.values())
    assert all(example.before[-1:].strip() for example in EXAMPLES if example.expected.startswith("##"))


def test_without_a_model_or_its_head_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert tried(None, USE) == tried(tmp_path, USE) == []
    assert tried(export_classifier(tmp_path / "model"), USE) == []


def test_both_editions_of_the_page_show_them(tmp_path: Path, model: Path) -> None:
    folders = finish(tmp_path, model)
    write_page(tmp_path / "page.html", "small", folders)
    for page in ((tmp_path / "page.html").read_text(encoding="utf-8"), public_page("small", folders)):
        assert elements(page)
        assert "대한민국의 수도<mark>는</mark> 서울이다." in page
        (first,) = re.findall(r"<mark>는</mark> 서울이다\.</span></p>\s*<ol>(<li.*?</li>)", page)
        assert first.startswith('<li class="right"')
        assert "##는" in first


def test_two_models_are_set_side_by_side_and_one_is_not_shown_twice(tmp_path: Path, model: Path) -> None:
    folders, others = finish(tmp_path / "one", model), finish(tmp_path / "other", model)
    manifest = others["pretrain"] / "manifest.json"
    write_json(manifest, read_json(manifest) | {"fingerprint": "ab" * 32})
    write_comparison(tmp_path / "both.html", ("one", "other"), (folders, others))
    write_comparison(tmp_path / "same.html", ("one", "same"), (folders, folders))
    both, same = ((tmp_path / name).read_text(encoding="utf-8") for name in ("both.html", "same.html"))
    assert elements(both)
    assert both.count('<li class="right"') == 2 * right_answers()
    assert "<mark>" not in same
