"""What `kobert clean` deletes: never what a recipe reaches, what a process writes, or what is outside the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kobert_pipeline.ground.artifacts import Identity, Workspace, lock_path
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.files import write_text
from kobert_pipeline.ground.pointers import Pointer
from kobert_pipeline.reclaiming import Leftover, delete, leftovers

TEXT = "내용" * 100


def identity(stage: str, number: int = 0, inputs: dict[str, str] | None = None) -> Identity:
    return Identity(stage, 1, {"number": number}, inputs or {}, 0, {})


def finished(root: Path, made_from: Identity, summary: dict[str, Any] | None = None) -> Path:
    with Workspace(root, made_from) as out:
        write_text(out.path / "part.txt", TEXT)
        return out.finish(summary or {}, {})


def begun(root: Path, made_from: Identity) -> Path:
    with Workspace(root, made_from) as out:
        write_text(out.path / "part.txt", TEXT)
        return out.path


def unreached(root: Path, **options: bool) -> set[Path]:
    return {leftover.folder for leftover in leftovers(root, **options)}


def test_what_a_recipe_last_used_is_kept_and_the_rest_is_listed_with_its_size(tmp_path):
    used, old = finished(tmp_path, identity("corpora", 1)), finished(tmp_path, identity("corpora", 2))
    Pointer(tmp_path, "mine").remember({"corpora": used})
    (leftover,) = leftovers(tmp_path)
    assert leftover.folder == old
    assert leftover.bytes == sum(path.stat().st_size for path in old.iterdir())
    assert not leftover.is_partial


def test_what_a_kept_artifact_was_made_from_is_kept(tmp_path):
    """The recipe's corpus may have changed since: its old token store still names the old corpus."""
    corpora = identity("corpora")
    store = identity("dataset", inputs={"corpora": corpora.fingerprint, "file.txt": "0" * 64})
    newer = finished(tmp_path, identity("corpora", 2))
    finished(tmp_path, corpora)
    Pointer(tmp_path, "mine").remember({"corpora": newer, "dataset": finished(tmp_path, store)})
    assert unreached(tmp_path) == set()


def test_an_artifact_that_the_last_run_began_is_kept_and_another_unfinished_one_is_not(tmp_path):
    ours, other = begun(tmp_path, identity("pretrain", 1)), begun(tmp_path, identity("pretrain", 2))
    Pointer(tmp_path, "mine").remember_begun(ours.with_suffix(""))
    (leftover,) = leftovers(tmp_path)
    assert (leftover.folder, leftover.is_partial) == (other, True)


def test_what_a_process_writes_is_kept_even_when_it_was_listed_before(tmp_path):
    made_from = identity("pretrain")
    partial = begun(tmp_path, made_from)
    (leftover,) = leftovers(tmp_path)
    with Workspace(tmp_path, made_from):
        assert unreached(tmp_path) == set()
        assert not delete(tmp_path, leftover)
    assert partial.is_dir()
    assert delete(tmp_path, leftover)
    assert not partial.exists()
    assert not lock_path(partial.with_suffix("")).exists()


def evaluation(root: Path, number: int, run: Path, inputs: dict[str, str]) -> Path:
    """A finished evaluation over one fine-tuning run."""
    return finished(root, identity("klue_eval", number, inputs), {"results": [{"runs": [run.name]}]})


def test_the_runs_of_a_kept_evaluation_are_kept(tmp_path):
    runs = [finished(tmp_path, identity("klue_runs", number)) for number in range(2)]
    kept = evaluation(tmp_path, 1, runs[0], {"pretrain": "a" * 64})
    other = evaluation(tmp_path, 2, runs[1], {"pretrain": "b" * 64})
    Pointer(tmp_path, "mine").remember({"klue_eval": kept})
    assert unreached(tmp_path) == {other, runs[1]}


def test_results_of_kobert_eval_are_kept_unless_they_are_asked_for(tmp_path):
    run = finished(tmp_path, identity("klue_runs"))
    result = evaluation(tmp_path, 1, run, {"model": "a" * 64})
    assert unreached(tmp_path) == set()
    assert unreached(tmp_path, evaluations=True) == {result, run}


def test_an_evaluation_that_goes_on_keeps_every_run(tmp_path):
    run = finished(tmp_path, identity("klue_runs"))
    begun(tmp_path, identity("klue_eval"))
    assert run in unreached(tmp_path)
    with Workspace(tmp_path, identity("klue_eval")):
        assert unreached(tmp_path) == set()


def test_nothing_outside_the_folder_is_deleted(tmp_path):
    root, outside = tmp_path / "artifacts", tmp_path / "outside"
    elsewhere = finished(outside, identity("corpora"))
    (root / "corpora").mkdir(parents=True)
    (root / "corpora" / elsewhere.name).symlink_to(elsewhere)
    (root / "tokenizer").symlink_to(outside / "corpora")
    assert leftovers(root) == []
    for folder in (elsewhere, root / "corpora" / elsewhere.name, root / "tokenizer" / elsewhere.name, root, tmp_path):
        with pytest.raises(KobertError, match="not an artifact in"):
            delete(root, Leftover(folder, 0))
    assert (elsewhere / "part.txt").is_file()


def test_a_folder_of_ones_own_is_not_an_artifact(tmp_path):
    for name in ("notes", "0123456789abcdef"):
        (tmp_path / "corpora" / name).mkdir(parents=True)
    assert leftovers(tmp_path) == []
    assert leftovers(tmp_path / "missing") == []
