"""Code that comes with a model runs only on request, and is part of the identity of the scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE
from klue_eval.encoders import load_config, load_tokenizer
from klue_eval.model_folders import folder_identity, untrained_identity
from kobert_pipeline.cli import app
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json

CODE = """
from transformers import BertConfig, BertForSequenceClassification, BertModel

class OddConfig(BertConfig):
    model_type = "odd"

class OddModel(BertModel):
    config_class = OddConfig

class OddForSequenceClassification(BertForSequenceClassification):
    config_class = OddConfig
"""


@pytest.fixture
def odd_bert(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny BERT with a model type that only its own code defines."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "odd"))
    (folder / "modeling_odd.py").write_text(CODE)
    names = {"AutoConfig": "OddConfig", "AutoModel": "OddModel"}
    names["AutoModelForSequenceClassification"] = "OddForSequenceClassification"
    config = read_json(folder / "config.json") | {"model_type": "odd"}
    config["auto_map"] = {auto: f"modeling_odd.{name}" for auto, name in names.items()}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_model_with_its_own_code_runs_only_if_it_is_trusted(odd_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--trust-remote-code"):
        load_config(odd_bert)
    assert load_config(odd_bert, trust_remote_code=True).model_type == "odd"
    assert load_tokenizer(odd_bert, trust_remote_code=True).is_fast
    arguments = ["eval", str(odd_bert), "--tasks", "nli", "--seeds", "1", "--train-rows", "4", "--data", SAMPLE]
    arguments += ["--artifacts", str(tmp_path / "artifacts")]
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, InputError)
    shown = CliRunner().invoke(app, [*arguments, "--trust-remote-code"])
    assert shown.exit_code == 0, shown.output
    manifests = [read_json(path) for path in (tmp_path / "artifacts").glob("*/*/manifest.json")]
    trusted = [manifest["config"]["trust_remote_code"] for manifest in manifests if manifest["stage"] == "klue_eval"]
    assert trusted == [True]


def test_the_code_is_part_of_the_identity_of_a_trusted_model(odd_bert: Path, tmp_path: Path) -> None:
    def identities(trusted: bool) -> list[str]:
        return [folder_identity(odd_bert, tmp_path, trusted), untrained_identity(odd_bert, trusted)]

    before = identities(False), identities(True)
    (odd_bert / "modeling_odd.py").write_text(CODE + "\n# changed\n")
    after = identities(False), identities(True)
    assert before[0] == after[0]
    assert all(first != second for first, second in zip(before[1], after[1], strict=True))


def test_remote_code_is_off_unless_it_is_asked_for() -> None:
    assert EvaluationConfig().content()["trust_remote_code"] is False
