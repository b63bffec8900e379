from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from kobert_pipeline.errors import InputError
from kobert_pipeline.hub.push import UploadFile, describe, left_behind, upload_list


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the hub stage leaves it, in little."""
    publish = tmp_path / "publish"
    (publish / "manifests").mkdir(parents=True)
    (publish / "README.md").write_text("---\nlanguage: ko\n---\n", encoding="utf-8")
    (publish / "model-00001-of-00002.safetensors").write_bytes(b"0" * 1_234_567)
    (publish / "manifests" / "corpora.json").write_text("{}", encoding="utf-8")
    return publish


def test_the_list_names_every_file_with_its_size(folder: Path) -> None:
    expected = [
        UploadFile("README.md", 21),
        UploadFile("manifests/corpora.json", 2),
        UploadFile("model-00001-of-00002.safetensors", 1_234_567),
    ]
    assert upload_list(folder) == expected
    assert left_behind(folder) == []


@pytest.mark.parametrize(
    "name", ["optimizer.ckpt", ".env", "manifests/secrets.json", "run.json", "model.bin", "model-1.safetensors"]
)
def test_a_planted_file_is_never_sent_and_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"planted")
    assert name not in {file.name for file in upload_list(folder)}
    assert left_behind(folder) == [name]
    text = describe(folder, "me/model", private=True)
    assert f"not sent  {name}" in text
    assert text.endswith(f"--exclude {name}")


def test_a_link_is_never_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key", encoding="utf-8")
    (folder / "vocab.txt").symlink_to(tmp_path / "secret")
    assert left_behind(folder) == ["vocab.txt"]


def test_the_dry_run_lists_sizes_the_card_and_one_command(folder: Path) -> None:
    text = describe(folder, "me/model", private=True)
    assert text.startswith(
        "Dry run: nothing was sent. To me/model (private model repository) would go 3 files, 1,234,590 bytes:"
    )
    assert "      1,234,567  model-00001-of-00002.safetensors\n" in text
    assert "README.md begins:\n  ---\n  language: ko\n" in text
    assert shlex.split(text.splitlines()[-1]) == ["hf", "upload", "me/model", str(folder), ".", "--private"]


def test_a_public_repository_is_asked_for_by_name(folder: Path) -> None:
    text = describe(folder, "me/model", private=False)
    assert "(public model repository)" in text
    assert text.endswith(" . --no-private")


@pytest.mark.parametrize("repo", ["model", "me/mo del", "me/model/more", "-me/model", "me/mo--del", "me/model.git", ""])
def test_a_repository_name_that_the_hub_would_refuse_is_an_error(folder: Path, repo: str) -> None:
    with pytest.raises(InputError, match="--repo"):
        describe(folder, repo, private=True)


def test_a_folder_without_a_card_is_an_error(folder: Path) -> None:
    (folder / "README.md").unlink()
    with pytest.raises(InputError, match=r"no README\.md here\. Run the hub stage first"):
        describe(folder, "me/model", private=True)
