"""Archives of evaluation data: only plain data files inside the archive are unpacked."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from klue_eval.config import EvaluationConfig
from klue_eval.data import find_split, read_split, resolve_folder
from klue_eval.data.unpacking import unpacked
from klue_eval.task_data import data_files
from kobert_pipeline.ground.errors import InputError

DATA = b'[{"guid": "1"}]'


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _tar(path: Path, names: list[str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(DATA)
            archive.addfile(info, io.BytesIO(DATA))
    return path


def _zip(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, DATA)
    return path


@pytest.mark.parametrize("packed", [_tar, _zip])
def test_data_files_are_unpacked_and_others_are_not(packed, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"a.{packed.__name__[1:]}", ["가/dev.json", "가/읽어보기.pdf", "../밖.pdf"])
    folder = unpacked([archive])
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == ["가/dev.json"]
    assert (folder / "가" / "dev.json").read_bytes() == DATA


@pytest.mark.parametrize("packed", [_tar, _zip])
@pytest.mark.parametrize("name", ["../dev.json", "/dev.json", "가/../../dev.json"])
def test_a_data_file_that_leads_out_of_the_archive_is_refused_by_name(packed, name: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"a.{packed.__name__[1:]}", [name])
    with pytest.raises(InputError, match=rf"{name} is not read \(unsafe_member\)"):
        unpacked([archive])
    assert not list(tmp_path.rglob("dev.json"))


HIDDEN = ["__MACOSX/가/._klue-ynat-v1.1_dev.json", "가/._klue-ynat-v1.1_dev.json", ".cache/klue-ynat-v1.1_dev.json"]


@pytest.mark.parametrize("packed", [_tar, _zip])
def test_hidden_copies_are_not_taken_for_data(packed, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"a.{packed.__name__[1:]}", [*HIDDEN, "가/klue-ynat-v1.1_dev.json"])
    assert find_split("ynat", resolve_folder(str(archive)), "dev").parent.name == "가"
    for name in [*HIDDEN, "가/klue-ynat-v1.1_dev.json"]:  # the same, unpacked by hand
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(DATA)
    assert find_split("ynat", tmp_path / "folder", "dev").name == "klue-ynat-v1.1_dev.json"


@pytest.mark.parametrize("packed", [_tar, _zip])
def test_text_files_are_unpacked(packed, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"nsmc.{packed.__name__[1:]}", ["nsmc/ratings_train.txt", "nsmc/ratings_test.txt"])
    for data in (archive, tmp_path):  # an archive, and a folder of archives
        assert find_split("nsmc", resolve_folder(str(data)), "dev").name == "ratings_test.txt"


def test_released_text_next_to_an_archive_is_found(tmp_path: Path) -> None:
    _zip(tmp_path / "klue.zip", ["klue-ynat-v1.1_dev.json"])
    (tmp_path / "ratings_test.txt").write_bytes(DATA)
    assert find_split("nsmc", resolve_folder(str(tmp_path)), "dev") == tmp_path / "ratings_test.txt"


@pytest.mark.parametrize("damage", ["remove one", "cut one", "remove all", "empty the folder"])
def test_a_folder_that_was_partly_cleaned_is_unpacked_again(damage: str, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", ["klue-ynat-v1.1_train.json", "klue-ynat-v1.1_dev.json"])
    folder = unpacked([archive])
    dev = folder / "klue-ynat-v1.1_dev.json"
    if damage == "cut one":
        dev.write_bytes(DATA[:5])
    elif damage == "remove all":
        shutil.rmtree(folder)
    else:
        for path in [dev] if damage == "remove one" else list(folder.iterdir()):
            path.unlink()
    assert unpacked([archive]) == folder
    assert sorted(path.read_bytes() for path in folder.iterdir()) == [DATA, DATA]


def test_a_folder_is_unpacked_once(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", ["dev.json"])
    before = (unpacked([archive]) / "dev.json").stat()
    assert (unpacked([archive]) / "dev.json").stat().st_ino == before.st_ino


@pytest.mark.parametrize(("task", "message"), [("ynat", "no train file of ynat"), ("nsmc", "no file of nsmc")])
def test_the_archive_is_named_and_not_the_temporary_folder(task: str, message: str, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", ["klue-sts-v1.1_train.json"])
    for read in (lambda: read_split(task, str(archive), "train"), lambda: data_files(_config(task, archive))):
        with pytest.raises(InputError, match=message) as refused:
            read()
        assert str(refused.value).startswith(f"{archive}: ")
        assert "kobert-klue-" not in str(refused.value)


def _config(task: str, data: Path) -> EvaluationConfig:
    return EvaluationConfig.parse({"tasks": [task], "data": str(data)})
