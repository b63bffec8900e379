"""What a recipe names on the Hub is looked at before the first stage: in seconds, and offline in the cache."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finished_run import PIECES, SIZES, export_model
from hub_server import HubServer, Repository

from kobert_pipeline import handover
from kobert_pipeline.ground import hub_revisions
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.recipe import Recipe, load_recipe

REPO = "me/bert"
ABSENT = "0" * 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = export_model(tmp_path_factory.mktemp("export") / "model")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def recipe(revision: str = "") -> Recipe:
    architecture = {
        "name": "bert", "layers": SIZES["num_hidden_layers"], "hidden": SIZES["hidden_size"], "heads": 1,
        "feed_forward": SIZES["intermediate_size"], "positions": SIZES["max_position_embeddings"],
    }  # fmt: skip
    settings = {
        "tokenizer.adopt": f"hub:{REPO}{revision}", "pretrain.continue_from": f"hub:{REPO}{revision}",
        "pretrain.architecture": architecture, "pretrain.phases": [{"max_length": 16, "batch_size": 2}], "pretrain.precision": "fp32",
    }  # fmt: skip
    return load_recipe("quickstart", tuple(f"{name}={json.dumps(value)}" for name, value in settings.items()))


def check(wanted: Recipe, root: Path) -> None:
    """What `kobert run` does before the first stage, for the two stages that read a checkpoint."""
    handover.tokenizer_inputs(wanted, FileHashes(root))
    handover.pretrain_inputs(wanted, FileHashes(root))
    handover.check_tokenizer(wanted, root)
    handover.check_pretrain(wanted, root)


def test_what_is_there_passes_without_its_weights(hub: HubServer, files: dict[str, bytes], tmp_path: Path) -> None:
    repository = hub.add_repository(REPO, files=files, private=False)
    for revision in ("", "@main", f"@{repository.branches['main']}"):
        check(recipe(revision), tmp_path)
    assert hub.asked("GET", "safetensors") == 0


def other_kind(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"config.json": json.dumps({"model_type": "electra", "vocab_size": len(PIECES)}).encode()}


Change = Callable[[dict[str, bytes]], dict[str, Any]]
FAULTS: dict[str, tuple[Change, str, str]] = {
    "no such commit": (lambda files: {"files": files}, f"@{ABSENT}", "no such branch, tag or commit"),
    "no such branch": (lambda files: {"files": files}, "@v2", "no such branch, tag or commit"),
    "private": (lambda files: {"files": files, "private": True}, "", "no repository me/bert without a token"),
    "gated": (lambda files: {"files": files, "gated": True}, "", "me/bert is gated. Ask for access at https://huggingface.co/me/bert"),
    "gated at a commit": (lambda files: {"files": files, "gated": True}, "COMMIT", "me/bert is gated"),
    "no weights": (lambda files: {"files": {name: files[name] for name in files if "safetensors" not in name}}, "", "holds no safetensors"),
    "no tokenizer": (lambda files: {"files": {"config.json": files["config.json"]}}, "", "holds none of tokenizer.json, vocab.txt"),
    "another kind": (lambda files: {"files": other_kind(files)}, "", "is a electra; this recipe's architecture is bert"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_one_line_before_the_first_stage(
    fault: str, hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    change, revision, shown = FAULTS[fault]
    repository: Repository = hub.add_repository(REPO, **({"private": False} | change(files)))
    revision = f"@{repository.branches['main']}" if revision == "COMMIT" else revision
    with pytest.raises(InputError, match=shown) as caught:
        check(recipe(revision), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_slow_hub_is_told_in_seconds(
    hub: HubServer, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_repository(REPO, files=files, private=False)
    monkeypatch.setattr(hub_revisions, "SECONDS", 0.2)
    hub.meanwhile("GET", "/api/models", lambda: time.sleep(1))
    with pytest.raises(
        InputError,
        match=r"continue_from: hub:me/bert: .*does not answer in time|adopt: hub:me/bert: .*does not answer in time",
    ):
        check(recipe(), tmp_path)


def test_offline_the_copy_in_the_cache_passes_and_without_one_it_is_named(
    hub: HubServer, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants, snapshot_download

    repository = hub.add_repository(REPO, files=files, private=False)
    commit = repository.branches["main"]
    with monkeypatch.context() as offline:
        offline.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(InputError, match=r"HF_HUB_OFFLINE is set, and the cache .* has no copy of it"):
            check(recipe(), tmp_path)
    snapshot_download(REPO)
    asked = len(hub.requests)
    with monkeypatch.context() as down:
        down.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(InputError, match=f"HF_HUB_OFFLINE=1 takes the copy in the cache .{commit}"):
            check(recipe(), tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for revision in ("", "@main", f"@{commit}"):
        check(recipe(revision), tmp_path)
    assert handover.tokenizer_inputs(recipe(), FileHashes(tmp_path)) == {f"adopt hub:{REPO}": commit}
    assert len(hub.requests) == asked
