"""What is published loads in transformers 4 as in transformers 5: the same ids and the same logits. The load-back check passes in
transformers 4; tests/test_whole_road.py takes it through that of transformers 5.

The older version is installed once into pytest's cache folder, and the test is skipped where pip cannot do so.
"""

from __future__ import annotations

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
from kobert_pipeline.hub.card import TESTED
from kobert_pipeline.hub.fresh_process import check_folder
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
import json, sys, torch, transformers
folder, trust, texts = sys.argv[1], sys.argv[3] == "trust", json.load(sys.stdin)
tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=trust)
model = getattr(transformers, sys.argv[2]).from_pretrained(folder).eval()
with torch.no_grad():
    logits = [model(**tokenizer(text, return_tensors="pt")).logits[0].tolist() for text in texts]
print(json.dumps({
    "version": transformers.__version__, "ids": [tokenizer(text)["input_ids"] for text in texts], "logits": logits,
    "longest": tokenizer.model_max_length, "special": sorted(tokenizer.all_special_tokens),
}))
"""


@pytest.fixture(scope="module")
def older(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return packages(pytestconfig.cache.mkdir("packages"), TESTED[0])


def class_of(folder: Path, use: Use) -> str:
    return use.class_for(read_json(folder / "config.json")["model_type"])


def loaded_by(older: Path, folder: Path, use: Use, trust: bool) -> Any:
    """What transformers 4 makes of the texts."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(folder), class_of(folder, use), "trust" if trust else ""],
        env={"PYTHONPATH": str(older), "PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "HF_HUB_OFFLINE": "1"},
        input=json.dumps(TEXTS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def compare(older: Path, folder: Path, use: Use, trust: bool = False) -> None:
    found = loaded_by(older, folder, use, trust)
    assert (found["version"], transformers.__version__) == TESTED
    tokenizer, model = (
        auto_tokenizer(folder),
        getattr(transformers, class_of(folder, use)).from_pretrained(folder).eval(),
    )
    assert found["ids"] == [tokenizer(text)["input_ids"] for text in TEXTS]
    assert found["special"] == sorted(tokenizer.all_special_tokens)
    assert found["longest"] == tokenizer.model_max_length == 48
    with torch.no_grad():
        for text, logits in zip(TEXTS, found["logits"], strict=True):
            expected = model(**tokenizer(text, return_tensors="pt")).logits[0]
            assert torch.allclose(torch.tensor(logits), expected, atol=1e-5)


@pytest.fixture(scope="module")
def trained(tiny: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The model of an architecture after a step of training, as the stage exports it."""

    def export(name: str) -> Path:
        objective, sizes = OBJECTIVE_OF[name], known_sizes(name, SIZES)
        changes = {"objective": {"name": objective}, "architecture": {"name": name} | sizes, "max_steps": 1, "measured_sentences": 0}  # fmt: skip
        return (
            train(tmp_path_factory.mktemp(name), tiny_bytes if OBJECTIVES[objective].writes else tiny, **changes)
            / "model"
        )

    return export


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_a_model_and_its_tokenizer_load_in_both_versions(
    name: str, older: Path, tiny: Any, tiny_bytes: Any, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, objective = trained(name), OBJECTIVES[OBJECTIVE_OF[name]]
    use, tokenizer = USES[objective.use], (tiny_bytes if objective.writes else tiny).tokenizer
    compare(older, folder, use)
    monkeypatch.setenv("PYTHONPATH", str(older))
    check_folder(folder, use, tokenizer=tokenizer, export=folder)


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
    compare(older, folder, use, trust=at_morphemes)
    assert not {"extra_special_tokens", "backend", "is_local", "local_files_only"} & set(settings)
    monkeypatch.setenv("PYTHONPATH", str(older))
    check_folder(folder, use, tokenizer=artifact)
