"""Fixtures of the tests on real data."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def klue(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KLUE's released files, in the folders that `make real` uses."""
    specification = importlib.util.spec_from_file_location("real_run", Path(__file__).parent / "run.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    folder: Path = module.extract_klue(real_data, tmp_path_factory.mktemp("klue"))
    return folder
