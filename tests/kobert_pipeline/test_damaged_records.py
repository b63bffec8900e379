"""JSON that this project writes and reads again: damaged, it is made again with a warning, or named in one line."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kobert_pipeline.ground.artifacts import HEADER, Identity, Workspace, read_manifest
from kobert_pipeline.ground.contents.cost import read_cost
from kobert_pipeline.ground.contents.tokenizer_folder import read_golden
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.ground.files import FileHashes, parse_json, read_json_lines, read_object, write_json
from kobert_pipeline.ground.pointers import Pointer
from kobert_pipeline.reclaiming import leftovers

DAMAGE = {
    "empty": b"",
    "cut off": b'{"a": [1, 2',
    "not UTF-8": "{'제목': '글'}".encode("cp949"),
    "nested": b'{"a": ' * 100_000,
    "half a pair": rb'{"a": "\ud800"}',
    "another type": b"[1, 2]",
    "a number": b"3",
    "null": b"null",
    "a page of a portal": b"<html>sign in</html>",
}
damaged = pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@damaged
def test_an_object_that_is_damaged_is_named_with_what_to_do(damage, tmp_path):
    with pytest.raises(InputError, match=r"state\.json: .* Write it again\.") as error:
        read_object(put(tmp_path / "state.json", damage), "Write it again.")
    assert len(str(error.value).splitlines()) == 1


@damaged
def test_a_damaged_manifest_is_named(damage, tmp_path):
    put(tmp_path / "manifest.json", damage)
    with pytest.raises(ArtifactMismatch, match=r"manifest\.json.*Remove the folder and run the recipe again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("change", [{"files": {"a": {"size": "1"}}}, {"files": []}, {"version": "3"}, {"files": {"a": 3}}, {"seed": None}])  # fmt: skip
def test_a_manifest_with_other_types_is_named(change, tmp_path):
    whole = {"stage": "corpora", "version": 1, "fingerprint": "a" * 64, "config": {}, "inputs": {}, "seed": 0, "libraries": {}, "summary": {}, "files": {}}  # fmt: skip
    write_json(tmp_path / "manifest.json", whole)
    read_manifest(tmp_path)
    write_json(tmp_path / "manifest.json", whole | change)
    with pytest.raises(ArtifactMismatch, match=r"no readable manifest\.json"):
        read_manifest(tmp_path)


@damaged
def test_hashes_of_files_are_computed_again(damage, tmp_path, caplog):
    text = put(tmp_path / "글.txt", b"text")
    expected = FileHashes(tmp_path)[text]
    put(tmp_path / ".file_hashes.json", damage)
    with caplog.at_level(logging.WARNING):
        assert FileHashes(tmp_path)[text] == expected
    assert ".file_hashes.json" in caplog.text
    write_json(tmp_path / ".file_hashes.json", {str(text.resolve()): 3})
    assert FileHashes(tmp_path)[text] == expected


@damaged
def test_a_damaged_header_does_not_cost_what_is_in_the_folder(damage, tmp_path, caplog):
    identity = Identity("corpora", 1, {}, {}, 0, {})
    with Workspace(tmp_path, identity) as out:
        (out.path / "work.txt").write_text("days of work", encoding="utf-8")
    put(out.path / HEADER, damage)
    with Workspace(tmp_path, identity) as again:
        assert (again.path / "work.txt").read_text(encoding="utf-8") == "days of work"
    assert HEADER in caplog.text
    assert read_object(again.path / HEADER) == {"fingerprint": identity.fingerprint}


@damaged
def test_a_damaged_record_of_a_recipe_is_written_again_by_a_run_and_never_taken_for_empty(damage, tmp_path, caplog):
    pointer = Pointer(tmp_path, "mine")
    put(pointer.path, damage)
    assert pointer.last() == {}
    assert "mine.json" in caplog.text
    with pytest.raises(InputError, match=r"mine\.json.*Run the recipe again"):
        leftovers(tmp_path)  # what `kobert clean --yes` would delete
    pointer.remember({"corpora": tmp_path / "corpora" / "x"})
    assert pointer.finished() == {"corpora": tmp_path / "corpora" / "x"}


@damaged
def test_a_page_is_written_without_the_cost_of_a_stage(damage, tmp_path, caplog):
    put(tmp_path / "run.json", damage)
    assert read_cost(tmp_path) is None
    assert "run.json" in caplog.text


@damaged
def test_damaged_golden_sentences_and_lines_are_named(damage, tmp_path):
    with pytest.raises(InputError, match=r"golden\.json.*Build the tokenizer again"):
        read_golden(put(tmp_path / "golden.json", damage))
    lines = put(tmp_path / "lines.jsonl", b'{"a": 1}\n' + damage)
    if damage:
        with pytest.raises(InputError, match=r"lines\.jsonl, line 2: "):
            list(read_json_lines(lines))


def test_whole_pairs_are_characters():
    assert parse_json(r'{"a": "\ud83d\ude42"}') == {"a": "🙂"}
