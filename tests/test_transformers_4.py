"""What is published loads in transformers 4 as in transformers 5: the same ids and the same logits. The load-back check passes in
transformers 4; tests/test_whole_road.py takes it through that of transformers 5.

The older version is installed once into pytest's cache folder, and the test is skipped where pip cannot do so.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from pairs import OBJECTIVE_OF, known_sizes
from tiny_training import train
from transformers_4 import packages

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.hub import load_back
from kobert_pipeline.hub.card import TESTED
from kobert_pipeline.hub.fresh_process import _options, check_folder
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.uses import USES
from kobert_pipeline.uses.use import Use
from tokenizer.load import assemble, save

pytestmark = pytest.mark.system

SIZES = {"layers": 3, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64}
TEXTS = [
    "대한민국의 수도는 [MASK]이다.",
    unicodedata.normalize("NFD", "학교에서 밥을 먹었다."),
    "Seoul café 3.5% (世宗) [DOC] 끝",
]
PROGRAM = """
import contextlib, importlib.util, io, json, sys, torch, transformers

def loaded(folder, class_name, trust):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=trust)
    model = getattr(transformers, class_name).from_pretrained(folder).eval()
    def read(text):
        batch = tokenizer(text, return_tensors="pt")
        written = {"decoder_input_ids": batch["input_ids"]} if model.config.is_encoder_decoder else {}
        return model(**batch, **written).logits[0]
    with torch.no_grad():
        logits = [read(text).tolist() for text in texts]
    return {
        "ids": [tokenizer(text)["input_ids"] for text in texts], "logits": logits,
        "longest": tokenizer.model_max_length, "special": sorted(tokenizer.all_special_tokens),
    }

def checked(arguments):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        load_back.main(arguments)
    return said.getvalue().strip()

given = json.load(sys.stdin)
texts = given["texts"]
found = {"version": transformers.__version__, "models": [loaded(*each) for each in given["models"]]}
spec = importlib.util.spec_from_file_location("load_back", given["load_back"])
load_back = importlib.util.module_from_spec(spec)
spec.loader.exec_module(load_back)
print(json.dumps(found | {"checks": [checked(arguments) for arguments in given["checks"]]}))
"""


@pytest.fixture(scope="module")
def older(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return packages(pytestconfig.cache.mkdir("packages"), TESTED[0])


def class_of(folder: Path, use: Use) -> str:
    return use.class_for(read_json(folder / "config.json")["model_type"])


def loaded_by(older: Path, models: list[tuple[str, str, bool]], checks: list[list[str]]) -> tuple[list[Any], list[str]]:
    """What transformers 4 makes of the texts, for each folder, which is loaded by a class with code of its own or without; and what the
    load-back check says with each list of arguments: nothing if it passes."""
    given = {"texts": TEXTS, "models": models, "checks": checks, "load_back": load_back.__file__}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"PYTHONPATH": str(older), "PATH": "/usr/bin:/bin", "HOME": str(older), "HF_HUB_OFFLINE": "1"},
        input=json.dumps(given), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["version"], transformers.__version__) == TESTED
    return found["models"], found["checks"]


def compare(found: Any, folder: Path, use: Use) -> None:
    """What transformers 4 found is what this version finds."""
    tokenizer, model = (
        auto_tokenizer(folder),
        getattr(transformers, class_of(folder, use)).from_pretrained(folder).eval(),
    )
    assert found["ids"] == [tokenizer(text)["input_ids"] for text in TEXTS]
    assert found["special"] == sorted(tokenizer.all_special_tokens)
    assert found["longest"] == tokenizer.model_max_length == 48
    with torch.no_grad():
        for text, logits in zip(TEXTS, found["logits"], strict=True):
            batch = tokenizer(text, return_tensors="pt")
            written = {"decoder_input_ids": batch["input_ids"]} if model.config.is_encoder_decoder else {}
            expected = model(**batch, **written).logits[0]
            assert torch.allclose(torch.tensor(logits), expected, atol=1e-5), folder


@pytest.fixture(scope="module")
def trained(tiny: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The model of an architecture after a step of training, as the stage exports it."""

    @functools.cache
    def export(name: str) -> Path:
        objective, sizes = OBJECTIVE_OF[name], known_sizes(name, SIZES)
        changes = {"objective": {"name": objective}, "architecture": {"name": name} | sizes, "max_steps": 1, "measured_sentences": 0}  # fmt: skip
        return (
            train(tmp_path_factory.mktemp(name), tiny_bytes if OBJECTIVES[objective].writes else tiny, **changes)
            / "model"
        )

    return export


def use_of(name: str) -> Use:
    return USES[OBJECTIVES[OBJECTIVE_OF[name]].use]


def test_every_architecture_gives_the_same_logits_and_passes_the_check_in_both_versions(
    older: Path, tiny: Any, tiny_bytes: Any, trained: Any
) -> None:
    """One process loads them all: to import transformers takes longer than to load a model."""
    folders = {name: trained(name) for name in ARCHITECTURES}
    models, checks = [], []
    for name, folder in folders.items():
        tokenizer = (tiny_bytes if OBJECTIVES[OBJECTIVE_OF[name]].writes else tiny).tokenizer
        models.append((str(folder), class_of(folder, use_of(name)), False))
        checks.append(["model", str(folder), *_options(use_of(name), tokenizer, folder, trust=False)])
    loaded, problems = loaded_by(older, models, checks)
    assert dict(zip(folders, problems, strict=True)) == dict.fromkeys(folders, "")
    for (name, folder), found in zip(folders.items(), loaded, strict=True):
        compare(found, folder, use_of(name))


@pytest.mark.parametrize("at_morphemes", [False, True])
def test_special_tokens_and_mecab_at_use_load_in_both_versions(
    at_morphemes: bool, older: Path, tiny: Any, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, use = Path(shutil.copytree(trained("bert"), tmp_path / "model")), USES["fill_mask"]
    pieces = (tiny.tokenizer / "vocab.txt").read_text(encoding="utf-8").splitlines()
    pieces[pieces.index("[unused0]")] = "[DOC]"
    artifact = tmp_path / "tokenizer"
    artifact.mkdir()
    save(assemble(pieces), pieces, ("[DOC]",), artifact, TEXTS, at_morphemes=at_morphemes)
    settings = read_json(artifact / "tokenizer_config.json") | {"model_max_length": 48}
    for path in artifact.iterdir():
        shutil.copyfile(path, folder / path.name)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (found,), _ = loaded_by(older, [(str(folder), class_of(folder, use), at_morphemes)], [])
    compare(found, folder, use)
    assert not {"extra_special_tokens", "backend", "is_local", "local_files_only"} & set(settings)
    monkeypatch.setenv("PYTHONPATH", str(older))
    check_folder(folder, use, tokenizer=artifact)
