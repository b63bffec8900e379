"""Archives of evaluation data: only plain data files inside the archive are unpacked."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from klue_eval.data.unpacking import unpacked
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
