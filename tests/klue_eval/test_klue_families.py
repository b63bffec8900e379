"""Model families: SentencePiece models are scored, XLNet as what it is, and decoders on whole texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sentencepiece_layouts import LAYOUTS, write_layout
from transformers import AutoModel, XLNetConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from klue_eval.batches import batch_of, encode_rows
from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE, read_split
from klue_eval.encoders import accepted_inputs, load_model, load_tokenizer, require_tasks
from klue_eval.heads import HEADS
from klue_eval.model_folders import untrained_identity
from klue_eval.tasks import TASKS
from klue_eval.token_reader import Reader
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer

TEXTS = [
    text for name, key in (("ynat", "title"), ("sts", "sentence1")) for text in (
        row[key] for row in read_split(name, SAMPLE, "train").rows
    )
]  # fmt: skip


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pytest.importorskip("sentencepiece", reason="SentencePiece is not installed (the extra `sentencepiece`)")
    torch.manual_seed(0)
    return write_layout(request.param, tmp_path / "model", TEXTS).parent


def test_a_sentencepiece_model_is_scored(layout: Path, tmp_path: Path) -> None:
    config = EvaluationConfig.parse(
        {
            "tasks": ["ynat", "ner", "dp", "mrc"], "data": SAMPLE, "tfidf": False, "precision": "32-true",
            "protocols": {"quick": {"seeds": 1, "train_rows": 4, "evaluations_per_epoch": 1}},
            "settings": {name: {"epochs": 1, "max_length": 64} for name in ("ynat", "ner", "dp")},
        }
    )  # fmt: skip
    results = read_json(evaluate_model(str(layout), config, tmp_path, 42) / "scores.json")["results"]
    assert [result["task"] for result in results] == ["ynat", "ner", "dp", "mrc"]
    assert all(result["diverged_seeds"] == 0 for result in results)
    assert results[0]["unknown_share"]["scored"] < 0.15


@torch.no_grad()
def test_padding_changes_no_score(layout: Path) -> None:
    """XLNet's classifier reads the last position, which must be a token."""
    task, rows = TASKS["ynat"], sorted(read_split("ynat", SAMPLE, "dev").rows, key=lambda row: len(row["title"]))
    reader = Reader(load_tokenizer(layout), 64)
    model = load_model(task, layout, "random", task.defaults, reader).eval()
    known = accepted_inputs(model.encoder, ("input_ids", "token_type_ids"))
    encoded = encode_rows(task, [rows[0], rows[-1]], reader, task.defaults).only(known)
    lengths = encoded.lengths
    assert lengths[0] < lengths[1]
    together, alone = (
        model.predict(**batch_of(encoded, numbers, HEADS[task.head].collate))[0]["logits"]
        for numbers in (torch.tensor([0, 1]).numpy(), torch.tensor([0]).numpy())
    )
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("kind", ["openai-gpt", "gpt2", "llama", "gpt_neox", "opt", "modernbert-decoder"])
def test_a_decoder_is_refused_for_tasks_about_tokens_in_one_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING[kind](pad_token_id=1).to_json_string())
    with pytest.raises(InputError, match=f"{kind} is a decoder here.*not on ner, mrc; set klue_eval.tasks") as refused:
        require_tasks(tmp_path, ["ynat", "ner", "mrc"])
    assert "\n" not in str(refused.value)
    require_tasks(tmp_path, ["ynat", "sts", "nli", "re"])


def test_an_encoder_that_is_configured_as_a_decoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["bert"](is_decoder=True).to_json_string())
    with pytest.raises(InputError, match="bert is a decoder here"):
        require_tasks(tmp_path, ["ner"])


@pytest.mark.parametrize("kind", ["openai-gpt", "gpt2", "llama"])
@torch.no_grad()
def test_a_decoder_is_scored_by_its_last_token_whatever_padding_follows(
    kind: str, tmp_path: Path, tiny_bytes: Any
) -> None:
    """transformers' classifier of a model without padding of its own takes the tokenizer's."""
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CONFIG_MAPPING[kind](vocab_size=640, pad_token_id=None, **sizes)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    auto_tokenizer(tiny_bytes.tokenizer).save_pretrained(tmp_path)
    reader = Reader(load_tokenizer(tmp_path), 128)
    for name in ("ynat", "nli"):
        task, rows = TASKS[name], read_split(name, SAMPLE, "dev").rows[:3]
        model = load_model(task, tmp_path, "pretrained", task.defaults, reader).eval()
        encoded = encode_rows(task, rows, reader, task.defaults).only(["input_ids"])
        numbers = torch.arange(3).numpy()
        together = model.predict(**batch_of(encoded, numbers, HEADS[task.head].collate))
        for number in range(3):
            alone = model.predict(**batch_of(encoded, numbers[number : number + 1], HEADS[task.head].collate))[0][
                "logits"
            ]
            assert together[number]["logits"] == pytest.approx(alone, abs=1e-5)


def test_a_model_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    AutoModel.from_config(XLNetConfig(n_layer=1, d_model=16, d_head=8, n_head=2, vocab_size=9)).save_pretrained(
        tmp_path
    )
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(InputError, match="no tokenizer next to the model"):
        load_tokenizer(tmp_path)


DECIDE = (
    "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "added_tokens.json",
    "special_tokens_map.json", "bpe.codes", "tokenizer_78b3253a26.model", "tokenizer_config.json",
)  # fmt: skip


@pytest.mark.parametrize("file", DECIDE)
def test_every_file_that_a_tokenizer_reads_decides_the_untrained_model(file: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["roberta"]().to_json_string())
    identities = {untrained_identity(tmp_path)}
    for content in ('{"<s>": 0}', '{"<s>": 1}'):
        (tmp_path / file).write_text(content)
        identities.add(untrained_identity(tmp_path))
    assert len(identities) == 3


@pytest.mark.parametrize("file", ["README.md", "notes.txt", "chat_template.jinja", "model.safetensors"])
def test_other_files_do_not_decide_the_untrained_model(file: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["roberta"]().to_json_string())
    before = untrained_identity(tmp_path)
    (tmp_path / file).write_text("something")
    assert untrained_identity(tmp_path) == before


def test_a_chat_template_does_not_decide_the_untrained_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG_MAPPING["roberta"]().to_json_string())
    found = set()
    for settings in ({"do_lower_case": False}, {"do_lower_case": False, "chat_template": "{{ messages }}"}):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        found.add(untrained_identity(tmp_path))
    assert len(found) == 1
