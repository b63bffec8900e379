"""What is known to be wrong at the start is told at the start: before the corpus, the tokenizer and the store are built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from finished_run import export_model
from pairs import known_sizes

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.stages import STAGES

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
NO_DROPOUT = "pretrain.architecture.dropout=0"


def refused(root: Path, *settings: str) -> str:
    """The message, after nothing was built."""
    with pytest.raises(KobertError) as error:
        run(load_recipe("quickstart", settings), root)
    assert not [folder for stage in STAGES for folder in (root / stage.name).glob("*")]
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["pretrain.wandb_project=korean"], "pip install wandb"),
        (["pretrain.nodes=2"], "not started as one of several"),
        (["tokenizer.ks_x_1001=true"], "too small: special tokens and the alphabet take"),
        (["tokenizer.adopt=/no/such/folder"], "no such folder"),
        (["tokenizer.unused_tokens=900", "tokenizer.vocab_size=1000"], "tokenizer.vocab_size 1,000 is too small"),
        (["pretrain.continue_from=/no/such/folder"], "no such folder"),
        (["pretrain.source_shares={lwa: 0.5}"], "source_shares.lwa: no such source; did you mean `law`"),
        (["klue_eval.protocols.official.train_rows=99999"], "needs 99,999 training rows of YNAT"),
        (["klue_eval.data=${NO_SUCH_FOLDER}"], "environment variable NO_SUCH_FOLDER is not set"),
        (["corpora.sources=[{name: a, path: /no/such/text.txt}]"], "no such file"),
        (["seed=4294967295"], "reach seed 4294967296"),
        pytest.param(["pretrain.precision=fp16"], "fp16 needs a GPU", marks=without_gpu),
        pytest.param(["pretrain.attention=flex_attention", NO_DROPOUT], "trains on a GPU only", marks=without_gpu),
    ],
)  # fmt: skip
def test_a_recipe_is_refused_before_the_first_stage(settings, message, tmp_path):
    assert message in refused(tmp_path, *settings)


def test_a_source_whose_expression_no_file_fits_is_refused(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("[]", encoding="utf-8")
    source = json.dumps([{"name": "a", "path": str(file), "format": "ai_hub", "text_field": "data[].[[["}])
    assert "not a JMESPath expression" in refused(tmp_path / "out", f"corpora.sources={source}")


def test_a_compiler_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert "no C++ compiler" in refused(tmp_path / "out", "pretrain.compile=true")


def test_rows_of_the_evaluation_are_read_before_the_training(tmp_path):
    from klue_eval.data import SAMPLE, resolve_folder

    data = shutil.copytree(resolve_folder(SAMPLE), tmp_path / "klue")
    (wrong,) = data.glob("*ynat*train*.json")
    rows = json.loads(wrong.read_text(encoding="utf-8"))
    del rows[3]["title"]
    wrong.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    message = refused(tmp_path / "out", f"klue_eval.data={data}", "corpora.decontaminate.against=null")
    assert wrong.name in message
    assert "row 4" in message


def test_a_checkpoint_of_another_size_is_refused_before_the_training(tmp_path):
    model = export_model(tmp_path / "model")
    message = refused(tmp_path / "out", f"pretrain.continue_from={model}")
    assert "layers 1" in message
    assert "set pretrain.architecture to that" in message
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "holds no safetensors" in refused(tmp_path / "out", f"pretrain.continue_from={model}")


def test_a_tokenizer_that_cannot_be_adopted_is_refused_before_the_corpus(tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "vocab.txt").write_text("[PAD]\n[UNK]\n가\n", encoding="utf-8")
    assert "sep_token not found in the vocabulary" in refused(
        tmp_path / "out", f"tokenizer.adopt={tmp_path / 'foreign'}"
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(("hidden", "heads"), [(12, 3), (24, 4), (24, 8), (48, 16), (30, 4), (48, 5), (36, 4), (20, 4)])
def test_sizes_are_refused_exactly_where_the_model_does_not_compute(name, hidden, heads):
    architecture = ARCHITECTURES[name]
    sizes = {"layers": 1, "hidden": hidden, "heads": heads, "feed_forward": 16, "positions": 16, "dropout": 0.0}
    try:
        accepted = architecture.sizes.parse(known_sizes(name, sizes))
    except KobertError:
        accepted = None
    given = accepted or architecture.sizes.model_construct(**({"local_attention": 8} | sizes))
    try:
        model = architecture.build(given, ModelSpec(32, 0, 2, 3, 16, "eager"), ("tokens",))
        batch = {"input_ids": torch.ones(2, 8, dtype=torch.long), "attention_mask": torch.ones(2, 8, dtype=torch.bool),
                 "token_type_ids": torch.zeros(2, 8, dtype=torch.long)}  # fmt: skip
        computes = tuple(model.hidden(batch).shape) == (2, 8, hidden)
    except Exception:  # whatever transformers raises
        computes = False
    assert (accepted is not None) == computes
