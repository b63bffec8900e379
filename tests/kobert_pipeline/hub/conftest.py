from __future__ import annotations

from pathlib import Path

import pytest
from finished_run import export_model, finish, publish
from pushing import CONFIG as PUSHED
from pushing import REPO

from kobert_pipeline.hub import build as stage
from kobert_pipeline.hub.bundle import Bundle, model_bundle
from kobert_pipeline.hub.config import HubConfig

CONFIG = HubConfig(license="CC-BY-SA-4.0", title="Small Korean model", tags=("wiki",))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder such as the pretraining stage exports."""
    return export_model(tmp_path_factory.mktemp("exported") / "model")


@pytest.fixture
def folders(tmp_path: Path, model: Path) -> dict[str, Path]:
    """Finished artifacts of the small run, up to the scores."""
    return finish(tmp_path / "run", model)


@pytest.fixture
def without_load_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is written: a fresh process costs seconds."""
    monkeypatch.setattr(stage, "check_folder", lambda folder, use, **_: None)


@pytest.fixture
def run(tmp_path: Path, folders: dict[str, Path], without_load_back: None) -> dict[str, Path]:
    """All artifacts of the small run, the folder to publish among them."""
    return folders | {"hub": publish(tmp_path / "run", folders, CONFIG).parent}


@pytest.fixture
def bundle(run: dict[str, Path]) -> Bundle:
    return model_bundle(PUSHED, "small", run, repo=REPO, page="<!doctype html><p>a run</p>")
