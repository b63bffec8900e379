from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.files import write_json
from kobert_pipeline.report.morpheme_colours import SENTENCES, cut, kind_of, sentences, vocabulary
from tokenizer.load import assemble, save

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "서울", "##은", "학", "##교", "##에서", "."]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return assemble(PIECES)


@pytest.fixture
def folder(tmp_path: Path, tokenizer: Any) -> TokenizerFolder:
    with Workspace(tmp_path, Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        save(tokenizer, PIECES, (), out.path, ["서울은 학교에서 멀리 있지 않다.", "짧다."])
        return TokenizerFolder(out.finish({}, {}))


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("NNG", "noun"), ("XR", "noun"), ("VV", "verb"), ("XSV", "verb"), ("VV+EP", "verb"), ("JX", "particle"),
        ("EF", "ending"), ("MAG", "modifier"), ("IC", "modifier"), ("SF", "other"), ("XSN", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_tags_have_a_colour(tag: str, kind: str) -> None:
    assert kind_of(tag) == kind


def test_a_piece_has_the_colour_of_the_morpheme_that_it_begins_in(tokenizer: Any) -> None:
    found = cut(tokenizer, "서울은 학교에서.", own=True)
    assert [[item.piece for item in eojeol] for eojeol in found.eojeols] == [
        ["서울", "##은"],
        ["학", "##교", "##에서", "."],
    ]
    assert [item.kind for eojeol in found.eojeols for item in eojeol] == [
        "noun", "particle", "noun", "noun", "particle", "other",
    ]  # fmt: skip


def test_a_cut_inside_a_morpheme_is_marked_and_counted(tokenizer: Any) -> None:
    found = cut(tokenizer, "학교에서", own=True)
    assert [item.inside for item in found.eojeols[0]] == [False, True, False]
    assert (found.inside, found.swallowed) == (1, 0)
    assert [item.tag for item in found.eojeols[0]] == ["NNG", "", "JKB"]


def test_what_the_vocabulary_lacks_is_marked(tokenizer: Any) -> None:
    assert cut(tokenizer, "부산은", own=True).eojeols[0][0].kind == "unknown"


def test_the_public_edition_shows_only_its_own_sentences(folder: TokenizerFolder) -> None:
    assert [found.text for found in sentences(folder, public=True)] == list(SENTENCES)
    assert [found.text for found in sentences(folder, public=False) if not found.own] == [
        "서울은 학교에서 멀리 있지 않다."
    ]


def test_without_a_tokenizer_there_is_nothing_to_show(tmp_path: Path, folder: TokenizerFolder) -> None:
    empty = TokenizerFolder.of(folder.manifest, tmp_path)
    assert sentences(empty, public=False) == []
    assert sentences(None, public=False) == []
    assert vocabulary(empty) is None
    write_json(tmp_path / "golden.json", [])
    assert sentences(empty, public=False) == []


def test_the_pages_own_tokenizer_is_given_every_piece(folder: TokenizerFolder) -> None:
    found = vocabulary(folder)
    assert found is not None
    assert found["pieces"].split("\n") == PIECES
    assert "[MASK]" in found["added"]
