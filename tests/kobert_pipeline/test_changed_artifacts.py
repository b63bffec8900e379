"""Every reader of an artifact sees a file that was deleted, cut off or changed, and names it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finished_run import export_model, finish, publish
from rich.console import Console

from kobert_pipeline.commands.inspect import show_tokens
from kobert_pipeline.dataset.build import build as build_dataset
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.extending import _sentences, _units
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.contents.pretrained_run import exported_model
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.ground.parallel import ALONE
from kobert_pipeline.hub.bundle import dataset_bundle, tokenizer_bundle
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.report.page import public_page, write_page
from tokenizer.adopt import adopt
from tokenizer.build import build as build_tokenizer
from tokenizer.config import TokenizerConfig
from tokenizer.load import load_tokenizer


def delete(file: Path) -> None:
    file.unlink()


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def change(file: Path) -> None:
    """The size stays the same."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


FAULTS: dict[str, Callable[[Path], None]] = {"deleted": delete, "cut off": cut_off, "changed": change}
SHARD, VOCABULARY, WEIGHTS = "corpora/shards/00001.parquet", "tokenizer/tokenizer.json", "pretrain/model/model.safetensors"  # fmt: skip


def workspace(folder: Path, stage: str) -> Workspace:
    return Workspace(folder / "new", Identity(stage, 1, {}, {}, 0, {}))


def dataset(root: Path) -> Any:
    with workspace(root, "dataset") as out:
        return build_dataset(DatasetConfig(), root / "corpora", root / "tokenizer", out, load=load_tokenizer, execution=ALONE)  # fmt: skip


def tokenizer(root: Path) -> Any:
    with workspace(root, "tokenizer") as out:
        config = TokenizerConfig(vocab_size=992, ks_x_1001=False, surplus=1)
        return build_tokenizer(config, root / "corpora", out, special_tokens=(), execution=ALONE)


def adopted(root: Path) -> Any:
    with workspace(root, "tokenizer") as out:
        return adopt(root / "tokenizer", root / "corpora", out, special_tokens=())


def inspected(root: Path) -> Any:
    return show_tokens(Console(), TokenizerFolder(root / "tokenizer").require_content().folder, "서울", [])


READERS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("the dataset stage", dataset, SHARD),
    ("the dataset stage", dataset, VOCABULARY),
    ("the tokenizer stage", tokenizer, SHARD),
    ("an adopted tokenizer", adopted, SHARD),
    ("kobert extend, counting", lambda root: _units(root / "corpora", ALONE), SHARD),
    ("kobert extend, measuring", lambda root: list(_sentences(root / "corpora")), SHARD),
    ("pretraining", lambda root: Store(root / "dataset").require_tokenizer(root / "tokenizer"), VOCABULARY),
    ("kobert inspect tokens", inspected, VOCABULARY),
    ("kobert push --what dataset", lambda root: dataset_bundle(HubConfig(), "small", {"corpora": root / "corpora"}, repo="a/b"), SHARD),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("reader", "read", "file"), READERS, ids=[f"{name}: {file}" for name, _, file in READERS])
def test_a_reader_of_the_tiny_run_names_the_file(reader, read, file, fault, tiny, tmp_path):
    for stage in ("corpora", "tokenizer", "dataset"):
        shutil.copytree(getattr(tiny, stage), tmp_path / stage)
    FAULTS[fault](tmp_path / file)
    with pytest.raises(ArtifactMismatch, match=Path(file).name) as error:
        read(tmp_path)
    assert len(str(error.value).splitlines()) == 1


def page(root: Path, folders: dict[str, Path]) -> Any:
    return write_page(root / "page.html", "small", folders)


SMALL_READERS: list[tuple[str, Callable[[Path, dict[str, Path]], Any], str]] = [
    ("kobert fill RECIPE, klue_eval", lambda root, folders: exported_model(folders["pretrain"]), WEIGHTS),
    ("kobert report", page, WEIGHTS),
    ("kobert report", page, "corpora/shards/00000.parquet"),
    ("kobert report", page, "corpora/dropped.jsonl"),
    ("kobert push, the page", lambda root, folders: public_page("small", folders), WEIGHTS),
    ("kobert push --what tokenizer", lambda root, folders: tokenizer_bundle(HubConfig(), "small", folders, repo="a/b"), VOCABULARY),
    ("the hub stage", lambda root, folders: publish(root, folders), WEIGHTS),
    ("the hub stage", lambda root, folders: publish(root, folders), VOCABULARY),
]  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_model(tmp_path_factory.mktemp("exported") / "model")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("reader", "read", "file"), SMALL_READERS, ids=[f"{name}: {file}" for name, _, file in SMALL_READERS])  # fmt: skip
def test_a_reader_of_the_small_run_names_the_file(reader, read, file, fault, exported, tmp_path):
    folders = finish(tmp_path / "run", exported)
    stage, _, name = file.partition("/")
    FAULTS[fault](folders[stage] / name)
    with pytest.raises(ArtifactMismatch, match=Path(name).name) as error:
        read(tmp_path, folders)
    assert len(str(error.value).splitlines()) == 1
