import json
import subprocess

import pytest

from kobert_pipeline.ground.artifacts import Identity, Workspace, artifact_folder, is_complete, read_manifest, verify
from kobert_pipeline.ground.errors import ArtifactMismatch, KobertError
from kobert_pipeline.ground.files import FileHashes, atomic_path, write_json, write_text


def an_identity(**changes):
    return Identity(
        **({"stage": "corpora", "version": 1, "config": {"a": 1}, "inputs": {}, "seed": 0, "libraries": {}} | changes)
    )


def build(root, identity, text="내용"):
    with Workspace(root, identity) as out:
        write_text(out.path / "part.txt", text)
        out.records["part.txt"] = 1
        return out.finish({"kept": 1}, {"seconds": 3.0})


def test_a_folder_is_complete_only_when_it_is_finished(tmp_path):
    identity = an_identity()
    with Workspace(tmp_path, identity) as out:
        assert not is_complete(out.folder)
        assert not is_complete(out.path)
        folder = out.finish({}, {})
    assert is_complete(folder)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"config": {"a": 2}},
        {"inputs": {"x": "1"}},
        {"seed": 1},
        {"libraries": {"kss": "7"}},
        {"stage": "hub"},
    ],
)
def test_everything_that_decides_the_content_decides_the_fingerprint(change):
    assert an_identity().fingerprint != an_identity(**change).fingerprint


def test_the_manifest_follows_from_content_alone(tmp_path):
    first = build(tmp_path / "one", an_identity())
    second = build(tmp_path / "two", an_identity())
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()
    assert read_manifest(first).files["part.txt"].records == 1
    assert json.loads((first / "run.json").read_text())["seconds"] == 3.0


def test_logs_under_run_are_not_part_of_the_manifest(tmp_path):
    with Workspace(tmp_path, an_identity()) as out:
        (out.run_folder / "log.txt").write_text("x")
        folder = out.finish({}, {})
    assert not read_manifest(folder).files


def test_verify_names_edited_missing_and_truncated_files(tmp_path):
    folder = build(tmp_path, an_identity())
    assert verify(folder) == []
    (folder / "part.txt").write_text("내욕", encoding="utf-8")
    assert "content changed" in verify(folder)[0]
    (folder / "part.txt").write_text("내", encoding="utf-8")
    assert "bytes" in verify(folder)[0]
    (folder / "part.txt").unlink()
    assert verify(folder) == ["part.txt: missing"]


def test_a_partial_folder_of_another_fingerprint_is_refused(tmp_path):
    identity = an_identity()
    partial = artifact_folder(tmp_path, identity).with_name(artifact_folder(tmp_path, identity).name + ".partial")
    partial.mkdir(parents=True)
    write_json(partial / "header.json", {"fingerprint": "0" * 64})
    with pytest.raises(ArtifactMismatch, match="begun for fingerprint 0000"), Workspace(tmp_path, identity):
        pass


def test_a_second_writer_of_an_artifact_is_refused(tmp_path):
    with (
        Workspace(tmp_path, an_identity()),
        pytest.raises(KobertError, match="another process"),
        Workspace(tmp_path, an_identity()),
    ):
        pass


def test_temporary_files_of_a_killed_run_are_deleted_and_finished_ones_kept(tmp_path):
    with Workspace(tmp_path, an_identity()) as out:
        (out.path / "shard.parquet.77.tmp").write_text("half")
        write_text(out.path / "done.txt", "whole")
    with Workspace(tmp_path, an_identity()) as out:
        assert sorted(path.name for path in out.path.iterdir()) == ["done.txt", "header.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "file.txt"
    write_text(target, "old")
    with pytest.raises(IsADirectoryError), atomic_path(target) as temporary:
        (temporary.parent / temporary.name).write_text("half") and temporary.parent.read_text()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_file_is_hashed_again_only_when_it_changed(tmp_path):
    source = tmp_path / "input.txt"
    source.write_text("가")
    first = FileHashes(tmp_path)[source]
    assert FileHashes(tmp_path)[source] == first
    source.write_text("나다")
    assert FileHashes(tmp_path)[source] != first


def test_a_damaged_manifest_says_what_to_do(tmp_path):
    folder = build(tmp_path, an_identity())
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ArtifactMismatch, match="Remove the folder"):
        read_manifest(folder)


def test_hashes_need_no_disk_that_can_be_written(tmp_path):
    """A read-only mount: root may write everywhere else."""
    place = tmp_path / "artifacts"
    place.mkdir()
    source = place / "data.txt"
    source.write_text("한글")
    if subprocess.run(["mount", "--bind", place, place], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        assert FileHashes(place)[source] == FileHashes(tmp_path)[source]
        assert not (place / ".file_hashes.json").exists()
    finally:
        subprocess.run(["umount", place], check=True)
