"""To the Hub and back by the command line, with a Hub on this machine: run, push, download, load, compare.

Every uploaded byte is searched for what must never be published.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer
from typer.testing import CliRunner

from kobert_pipeline import cli

pytestmark = pytest.mark.system

USER = "yebyeolkim"
TOKEN = "hf_mine"
PLANTED = "달무리가 지면 비가 온다고 외할머니께서 늘 말씀하셨다."
RECIPE = """\
extends: quickstart
corpora:
  sources:
    - {name: letters, path: "HOME/편지/*.txt", license: CC0-1.0}
    - {name: news, path: "package:corpora/sample/news.jsonl", license: Apache-2.0}
    - {name: law, path: "package:corpora/sample/law.jsonl", license: Apache-2.0}
    - {name: howto, path: "package:corpora/sample/howto.txt", license: Apache-2.0}
tokenizer: {vocab_size: 2560}
pretrain: {max_steps: 4, validation_steps: 4, log_steps: 1}
klue_eval: {tasks: [ynat]}
"""
ONNX = importlib.util.find_spec("onnxruntime") is not None
if ONNX:
    RECIPE += "hub: {onnx: [onnx, onnx-int8]}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a recipe, a private letter, and a finished run."""
    home = tmp_path_factory.mktemp("home") / USER
    (home / "편지").mkdir(parents=True)
    (home / "편지" / "첫 편지.txt").write_text(
        f"{PLANTED} 그 말씀이 맞은 적이 많아서 우리는 우산을 챙겼다.\n", encoding="utf-8"
    )
    (home / "나의 모델.yaml").write_text(RECIPE.replace("HOME", str(home)) + "name: mine\n", encoding="utf-8")
    done = kobert(home, "run", "나의 모델.yaml", "--set", "hub.checkpoints=[2]")
    assert done.returncode == 0, done.stderr
    return home


def kobert(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    who = {"HOME": str(home), "USER": USER, "LOGNAME": USER, "KOBERT_ARTIFACTS": str(home / "artifacts")}
    return subprocess.run(
        [sys.executable, "-m", "kobert_pipeline.cli", *arguments],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | who | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def push(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return kobert(home, "push", "나의 모델.yaml", *arguments, **{"HF_TOKEN": TOKEN} | environment)


def sent(hub: HubServer) -> bytes:
    """Every byte that was sent: the bodies of the requests, and the files that the Hub holds."""
    stored = [content for repository in hub.repositories.values() for content in repository.files().values()]
    return b"\n".join([*hub.received, *stored])


def assert_no_secret_was_sent(hub: HubServer, home: Path, done: subprocess.CompletedProcess[str]) -> None:
    for secret in (str(home), USER, TOKEN):
        assert secret.encode() not in sent(hub), secret
    assert TOKEN not in done.stdout + done.stderr


def test_a_dry_run_sends_no_request(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/model", "--set", "hub.checkpoints=[2, last]")
    assert done.returncode == 0, done.stderr
    assert "Then branch step-2" in done.stdout
    assert "Then branch step-4" in done.stdout
    assert "Dry run: nothing was sent" in done.stdout
    assert "model.safetensors" in done.stdout
    assert "평가하지 않았습니다" in done.stdout
    assert hub.requests == []


def test_a_model_is_published_and_loads_as_it_was_exported(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/model", "--yes", "--tag", "v1")
    assert done.returncode == 0, done.stderr
    assert "Published: me/model" in done.stdout
    assert "loaded back from an empty cache" in done.stdout
    found = hub.repositories["models", "me/model"]
    assert {"model.safetensors", "tokenizer.json", "README.md", "run.html", "scores.json"} <= set(found.files("v1"))
    assert PLANTED.encode() not in sent(hub)
    assert PLANTED.split()[0].encode() not in found.files()["run.html"]
    assert_no_secret_was_sent(hub, home, done)
    again = push(home, "--to", "me/model", "--yes", "--tag", "v1")
    assert "Was there already: me/model" in again.stdout, again.stderr
    assert len(found.commits) == 2


LOAD = """
from transformers import AutoModel
early, late = (AutoModel.from_pretrained("me/model", revision=name).state_dict() for name in ("step-2", "main"))
assert not all(early[name].equal(late[name]) for name in late)
"""


def test_a_model_of_a_step_is_published_as_a_revision_and_onnx_runs_from_the_hub(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/model", "--yes", "--set", "hub.checkpoints=[2]")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("loaded back from an empty cache") == 2
    found = hub.repositories["models", "me/model"]
    assert {"main", "step-2"} == set(found.branches)
    assert not [name for name in found.files("step-2") if name.startswith("onnx/")]
    assert_no_secret_was_sent(hub, home, done)
    card = found.files()["README.md"].decode()
    examples = [block for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if "onnxruntime" in block]
    assert len(examples) == len([name for name in found.files() if name == "onnx/model.onnx"]) == ONNX
    program = [sys.executable, "-P", "-c", "\n".join([LOAD, *examples])]
    environment = os.environ | {"HF_TOKEN": TOKEN, "HF_HUB_CACHE": str(home / "cache"), "PYTHONPATH": ""}
    loaded = subprocess.run(program, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr


def test_a_tokenizer_is_published_without_sentences_of_the_corpus(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/tokenizer", "--what", "tokenizer", "--yes")
    assert done.returncode == 0, done.stderr
    assert "golden.json" not in hub.repositories["models", "me/tokenizer"].files()
    assert PLANTED.encode() not in sent(hub)
    assert_no_secret_was_sent(hub, home, done)


def test_a_corpus_is_published_and_read_by_datasets(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/texts", "--what", "dataset", "--yes", "--public")
    assert done.returncode == 0, done.stderr
    found = hub.repositories["datasets", "me/texts"]
    assert not found.private
    assert {name.split("/")[0] for name in found.files()} == {"shards", "README.md", "manifests"}
    assert_no_secret_was_sent(hub, home, done)


@pytest.mark.long
def test_a_model_whose_tokenizer_needs_mecab_is_published_and_loaded_back(hub: HubServer, home: Path) -> None:
    setting, place = ("--set", "tokenizer.morpheme=inference"), {"KOBERT_ARTIFACTS": str(home / "at-use")}
    done = kobert(home, "run", "나의 모델.yaml", *setting, **place)
    assert done.returncode == 0, done.stderr
    filled = kobert(home, "fill", "나의 모델.yaml", "수도는 [MASK]이다.", *setting, **place)
    assert filled.returncode == 0, filled.stderr
    for what in ("model", "tokenizer"):
        done = push(home, "--to", f"me/{what}", "--what", what, "--yes", *setting, **place)
        assert done.returncode == 0, done.stderr
        assert "tokenization_mecab_ko.py" in hub.repositories["models", f"me/{what}"].files()
    assert_no_secret_was_sent(hub, home, done)


def test_an_unconfirmed_licence_sends_nothing(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/model", "--yes", "--set", "hub.license=unknown", "--what", "tokenizer")
    assert done.returncode == 1
    assert "--accept licences" in done.stderr
    assert hub.requests == []
    answered = push(home, "--to", "me/t", "--yes", "--set", "hub.license=unknown", "--what", "tokenizer", "--accept", "licences")  # fmt: skip
    assert answered.returncode == 0, answered.stderr


def test_a_missing_token_is_reported_in_one_line(hub: HubServer, home: Path) -> None:
    done = push(home, "--to", "me/model", "--yes", HF_TOKEN="")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: No Hub token on this machine. Run `hf auth login`")
    assert hub.requests == []


def test_an_exported_model_that_has_changed_is_not_published(hub: HubServer, home: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = next((home / "artifacts" / "pretrain").glob("*/model"))
    weights = folder / "model.safetensors"
    original = weights.read_bytes()
    values = load_file(weights)
    values["bert.embeddings.LayerNorm.bias"] += 1e-3
    save_file(values, weights, {"format": "pt"})
    try:
        done = push(home, "--to", "me/model", "--yes")
    finally:
        weights.write_bytes(original)
    assert done.returncode == 1
    assert "model.safetensors: changed since it was written" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB for temporary files. It needs the permission to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_reported_and_the_published_model_is_complete(
    hub: HubServer, home: Path, small_disk: Path
) -> None:
    done = push(home, "--to", "me/model", "--yes", TMPDIR=str(small_disk))
    assert done.returncode == 1
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(hub.repositories["models", "me/model"].commits) == 2
    assert push(home, "--to", "me/model", "--yes").returncode == 0


def test_after_an_upgrade_the_run_is_used_without_its_data_and_its_recipe(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "artifacts", tmp_path / "artifacts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kobert_pipeline.ground.stage.installed_version", lambda name: "99")
    by_name = {
        "fill": ["mine", "대한민국의 수도는 [MASK]이다."],
        "report": ["mine"],
        "push": ["mine", "--to", "me/model"],
        "status": ["mine"],
        "inspect": ["mine", "batch"],
    }
    for command, arguments in by_name.items():
        result = CliRunner().invoke(cli.app, [command, *arguments])
        assert result.exit_code == 0, (command, result.output, result.exception)
    page = (tmp_path / "artifacts" / "reports" / "mine.html").read_text(encoding="utf-8")
    assert "It is not finished" not in page
    assert not list(tmp_path.rglob("*.partial"))
