"""The Python of the README runs as it is written, with a tiny model and a small table."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from finished_run import export_model
from transformers_4 import packages

from kobert_pipeline.hub.card import TESTED

ROOT = Path(__file__).parents[1]
READMES = (ROOT / "README.md", ROOT / "README.ko.md")


def blocks(path: Path) -> list[str]:
    """The Python of a page that a reader runs with a MODEL."""
    found = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if "MODEL" in block]


def ran(block: str, model: Path, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    script = folder / "block.py"
    script.write_text(f"MODEL = {str(model)!r}\n{block}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_both_readmes_have_the_same_python() -> None:
    assert blocks(READMES[0]) == blocks(READMES[1])
    fill, tune, embed = blocks(READMES[0])
    assert len(tune.strip().splitlines()) <= 15
    assert "Trainer(" in tune
    assert "fill-mask" in fill
    assert "last_hidden_state" in embed


def test_the_card_of_an_encoder_shows_the_same_python() -> None:
    template = (ROOT / "kobert_pipeline" / "hub" / "encoder.md.jinja").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", template, re.DOTALL)
    assert [block.replace("{{ trust }}", "").replace('"{{ repo }}"', "MODEL") for block in shown] == blocks(READMES[0])[
        1:
    ]


@pytest.mark.system
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    pytest.importorskip("accelerate", reason="Trainer needs accelerate")
    model = export_model(tmp_path / "model")
    rows = "".join(f"대한민국의 수도는 서울이다 {number},좋음\n수도 서울 {number},나쁨\n" for number in range(8))
    (tmp_path / "reviews.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    fill, tune, embed = blocks(READMES[0])
    assert ran(fill, model, tmp_path).count("'") == 10
    assert 0 <= float(ran(tune, model, tmp_path).splitlines()[-1]) <= 1
    assert (tmp_path / "reviews" / "model.safetensors").is_file()
    names = json.loads((tmp_path / "reviews" / "config.json").read_text(encoding="utf-8"))["id2label"]
    assert names == {"0": "나쁨", "1": "좋음"}
    assert ran(embed, model, tmp_path).count("[") == 4


@pytest.mark.system
def test_what_the_readme_says_of_transformers_4_is_true(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache is not None
    text = READMES[0].read_text(encoding="utf-8")
    assert all(version in text for version in TESTED)
    older = packages(pytestconfig.cache.mkdir("packages"), TESTED[0])
    model = export_model(tmp_path / "model")
    fill, _, embed = blocks(READMES[0])
    environment = os.environ | {"PYTHONPATH": str(older), "HF_HUB_OFFLINE": "1"}
    for block in (fill, embed):
        checked = f"import transformers\nassert transformers.__version__ == {TESTED[0]!r}\n{block}"
        assert ran(checked, model, tmp_path, environment).strip()
