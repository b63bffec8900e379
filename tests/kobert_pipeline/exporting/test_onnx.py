"""`kobert export`: ONNX files answer as torch does, for any batch and length; what cannot be exported is said in one line."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_exports import export_classifier, export_tiny
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.exporting.export_card import EXAMPLE
from kobert_pipeline.exporting.exported_folder import ExportOptions, export_model
from kobert_pipeline.exporting.int8 import quantise
from kobert_pipeline.exporting.lost_score import lost_score, read_labelled
from kobert_pipeline.exporting.onnx_file import Graph, write_onnx
from kobert_pipeline.exporting.session import TOLERANCE, Session
from kobert_pipeline.exporting.source_model import SENTENCES, load_source
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.extras import require_extra

for package in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(package, reason="needs the extra onnx")

LABELS = ("나쁨", "좋음")
SHAPES = ((1, 3), (2, 17), (5, 48))
ENCODER_DECODERS = [name for name, architecture in ARCHITECTURES.items() if architecture.writes_targets]
WITHOUT_CACHE = ("gpt",)
"""Decoders that transformers gives no cache."""
WITH_CACHE = [name for name, architecture in ARCHITECTURES.items() if architecture.causal and name not in WITHOUT_CACHE]


@pytest.fixture(scope="module")
def exports(tiny: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Name of an architecture -> the folder of its model, made once."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = export_tiny(name, tmp_path_factory.mktemp(name), tiny, tiny_bytes)
        return made[name]

    return folder


def batches(source: Any) -> Any:
    """Random tokens with padding, of lengths that the exporter did not see."""
    generator = torch.Generator().manual_seed(1)
    for rows, length in SHAPES:
        ids = torch.randint(5, source.network.config.vocab_size, (rows, length), generator=generator)
        mask = torch.ones_like(ids)
        mask[-1, max(1, length // 2) :] = 0
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
        yield {name: known[name] for name in source.inputs}


def assert_equal_answers(model: Path, exported: Path, *, head: bool = True) -> None:
    source, session = load_source(model, head=head), Session(exported / "onnx" / "model.onnx")
    assert (session.inputs, session.outputs) == (source.inputs, source.outputs)
    for batch in batches(source):
        for expected, found in zip(source.answer(batch), session(batch), strict=True):
            assert expected.shape == found.shape
            scale = max(1.0, float(expected.abs().max()))
            assert float((expected - found).abs().max()) <= TOLERANCE * scale


@pytest.mark.system
@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in ENCODER_DECODERS])
def test_every_architecture_answers_as_torch_does(name: str, exports: Any, tmp_path: Path) -> None:
    export_model(exports(name), tmp_path / "out", ExportOptions())
    assert_equal_answers(exports(name), tmp_path / "out")


@pytest.mark.system
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta"])
def test_hidden_states_and_task_heads_answer_as_torch_does(name: str, exports: Any, tmp_path: Path) -> None:
    export_model(exports(name), tmp_path / "states", ExportOptions(head=False))
    assert_equal_answers(exports(name), tmp_path / "states", head=False)
    classifier = export_classifier(exports(name), tmp_path / "classifier", LABELS)
    export_model(classifier, tmp_path / "labels", ExportOptions())
    assert_equal_answers(classifier, tmp_path / "labels")


@pytest.mark.system
@pytest.mark.parametrize("name", WITH_CACHE)
def test_a_decoder_with_a_cache_writes_what_torch_writes(name: str, exports: Any, tmp_path: Path) -> None:
    """Two texts of different lengths, padded in front; each new token is read alone."""
    from kobert_pipeline.exporting.cached_decoder import empty_cache

    export_model(exports(name), tmp_path / "out", ExportOptions(cache=True))
    source, session = load_source(exports(name)), Session(tmp_path / "out" / "onnx" / "model.onnx")
    source.tokenizer.padding_side = "left"
    batch = source.tokenizer(["날씨가", "오늘은 아침부터 비가"], padding=True, return_tensors="pt")
    expected = source.network.generate(
        batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=6, do_sample=False, use_cache=False,
        eos_token_id=None, pad_token_id=source.tokenizer.pad_token_id,
    )  # fmt: skip
    ids, mask, past, written = batch["input_ids"], batch["attention_mask"], empty_cache(source, 2), []
    for _ in range(6):
        logits, *past = session(dict(zip(session.inputs, (ids, mask, *past), strict=True)))
        ids = logits[:, -1:].argmax(-1)
        mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
        written.append(ids)
    assert torch.equal(torch.cat(written, dim=1), expected[:, -6:])


@pytest.mark.parametrize(
    ("name", "cache", "message"),
    [
        *((name, False, "is an encoder–decoder model") for name in ENCODER_DECODERS),
        *(
            (name, True, "has no cache: it reads the whole text for each token. Leave out --cache")
            for name in WITHOUT_CACHE
        ),
    ],
)
def test_what_has_no_such_file_is_refused_by_name(
    name: str, cache: bool, message: str, exports: Any, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        export_model(exports(name), tmp_path / "out", ExportOptions(cache=cache))
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def classified(exports: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A classifier, and a table of rows that it labels itself, so that torch scores 100."""
    place = tmp_path_factory.mktemp("classified")
    model = export_classifier(exports("bert"), place / "model", LABELS)
    source = load_source(model)
    words = [word for text in SENTENCES for word in text.split()]
    texts = [f"{one} {other}" for one, other in itertools.pairwise(words)][:40]
    margin = source.answer(source.batch(texts))[0] @ torch.tensor([-1.0, 1.0])
    with torch.no_grad():
        source.network.classifier.bias[1] -= margin.median() + 1e-3  # half of the texts get each label
    source.network.save_pretrained(model)
    labels = source.answer(source.batch(texts))[0].argmax(-1).tolist()
    rows = [f"{text}\t{LABELS[label]}\t{'train' if number % 2 else 'test'}" for number, (text, label) in enumerate(zip(texts, labels, strict=True))]  # fmt: skip
    table = place / "rows.tsv"
    table.write_text("\n".join(["text\tlabel\tsplit", *rows]), encoding="utf-8")
    return model, table


@pytest.mark.system
def test_int8_is_measured_listed_on_the_card_and_its_example_runs(classified: Any, tmp_path: Path) -> None:
    model, table = classified
    arguments = [
        "export",
        str(model),
        "--format",
        "onnx",
        "--format",
        "onnx-int8",
        "--task",
        str(table),
        "--max-loss",
        "100",
    ]
    result = CliRunner().invoke(cli.app, [*arguments, "--to", str(tmp_path / "out")])
    assert result.exit_code == 0, result.exception
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "out" / "onnx").iterdir()}
    assert sizes["model_int8.onnx"] < sizes["model.onnx"]
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert all(f"`onnx/{name}`" in card for name in sizes)
    assert "torch 100.00, on 20 rows" in card
    (example,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) == 6
    done = subprocess.run(
        [sys.executable, "-P", "-c", example], cwd=tmp_path / "out", capture_output=True, text=True, check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.stdout.strip() == "(1, 2)", done.stderr


@pytest.mark.system
def test_eight_bits_hold_rows_and_keep_multiplications_of_inputs_with_outliers(exports: Any, tmp_path: Path) -> None:
    """Special tokens are a thousand times as large as the others. The second table is multiplied as well."""
    import onnx
    from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

    generator, size = np.random.default_rng(0), 4_200
    weights = {
        name: generator.normal(size=(rows, 32)).astype(np.float32)
        for name, rows in {"words": size, "shared": size, "square": 32}.items()
    }
    weights["words"][:5] *= 1_000
    nodes = [
        make_node("Gather", ["words", "input_ids"], ["a"], name="a"),
        make_node("Gather", ["shared", "input_ids"], ["b"], name="b"),
        make_node("Transpose", ["shared"], ["turned"], name="turned", perm=[1, 0]),
        make_node("MatMul", ["b", "turned"], ["logits"], name="even"),
        make_node("MatMul", ["a", "square"], ["states"], name="outliers"),
    ]
    initializers = [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()]
    inputs = [make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["batch", "length"])]
    outputs = [make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("a", "logits", "states")]
    model = make_model(
        make_graph(nodes, "g", inputs, outputs, initializers), opset_imports=[make_opsetid("", 18)], ir_version=10
    )
    full, small = tmp_path / "full.onnx", tmp_path / "small.onnx"
    onnx.save(model, full)
    quantise(load_source(exports("bert")), full, small)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["full.onnx", "small.onnx"]
    assert small.stat().st_size < 0.5 * full.stat().st_size
    ids = torch.arange(0, size, 30).reshape(1, -1)
    expected, found = (
        dict(zip(each.outputs, each({"input_ids": ids}), strict=True)) for each in map(Session, (full, small))
    )
    for name, most in {"a": 0.02, "states": 0.02, "logits": 0.1}.items():
        apart = (found[name][0] - expected[name][0]).norm(dim=1) / expected[name][0].norm(dim=1)
        assert apart.max() < most
    operators = [node.op_type for node in onnx.load(small).graph.node]
    assert (operators.count("MatMulInteger"), operators.count("MatMul")) == (1, 1)


@pytest.mark.system
def test_a_score_that_falls_too_far_leaves_nothing_behind(
    classified: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that is scored answers every text with the other label."""
    model, table = classified
    source = load_source(model)
    data = read_labelled(source, str(table))
    lost = lost_score(source, Opposite(source), data)  # type: ignore[arg-type]
    assert (lost.torch, lost.onnx, lost.rows, lost.metric) == (100.0, 0.0, 20, "macro F1")
    from kobert_pipeline.exporting import exported_folder

    monkeypatch.setattr(exported_folder, "lost_score", lambda *_: lost)
    options = ExportOptions(("onnx", "onnx-int8"), task=str(table))
    with pytest.raises(KobertError, match=r"int8 loses 100\.00 points of macro F1.*--accept-loss"):
        export_model(model, tmp_path / "out", options)
    assert list(tmp_path.iterdir()) == []


class Opposite:
    """A session that is always wrong."""

    outputs = ("logits",)

    def __init__(self, source: Any) -> None:
        self.source = source

    def __call__(self, batch: Any) -> list[torch.Tensor]:
        return [-self.source.answer({name: batch[name] for name in self.source.inputs})[0]]


def refusal(model: Path, folder: Path, **options: Any) -> str:
    """What the user is told. Nothing may be left behind."""
    with pytest.raises(KobertError) as caught:
        export_model(model, folder / "out", ExportOptions(**options))
    assert "\n" not in str(caught.value)
    assert not [path for path in folder.iterdir() if path.name.startswith("out")]
    return str(caught.value)


def test_what_cannot_be_exported_is_named_in_one_line(exports: Any, tmp_path: Path) -> None:
    bert = exports("bert")
    assert "does not write text" in refusal(bert, tmp_path, cache=True)
    assert "--task measures what int8 costs" in refusal(bert, tmp_path, task="rows.csv")
    (tmp_path / "rows.csv").write_text("text,label\n가,나쁨\n나,좋음\n", encoding="utf-8")
    message = refusal(bert, tmp_path, formats=("onnx-int8",), task=str(tmp_path / "rows.csv"))
    assert "answers no labelled task" in message
    changed = shutil.copytree(bert, tmp_path / "changed")
    config = json.loads((changed / "config.json").read_text(encoding="utf-8"))
    (changed / "config.json").write_text(json.dumps(config | {"architectures": None}), encoding="utf-8")
    assert "--no-head" in refusal(changed, tmp_path)
    (changed / "config.json").write_text(json.dumps(config | {"architectures": ["BertForSequenceClassification"]}), encoding="utf-8")  # fmt: skip
    assert "do not include classifier.bias" in refusal(changed, tmp_path)
    (changed / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMultipleChoice"]}), encoding="utf-8")  # fmt: skip
    assert "BertForMultipleChoice compares several texts" in refusal(changed, tmp_path)
    (changed / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    assert "encoder–decoder" in refusal(changed, tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="is there already, and not empty"):
        export_model(bert, tmp_path / "full", ExportOptions())
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


class Unsupported(torch.nn.Module):
    """Its length decides how often it computes, which no graph can hold."""

    def forward(self, *columns: torch.Tensor) -> tuple[torch.Tensor, ...]:
        total = columns[0].float()
        for _ in range(int(columns[0].max())):
            total = total + 1
        return (total,)


@pytest.mark.system
def test_an_operation_that_onnx_cannot_hold_and_an_old_opset_are_named(exports: Any, tmp_path: Path) -> None:
    ids = torch.tensor([[1, 2, 3], [3, 2, 1]])
    graph = Graph(
        Unsupported(),
        (ids,),
        ("input_ids",),
        ("logits",),
        ({0: "batch", 1: "length"},),
    )
    with pytest.raises(InputError, match="odd-architecture cannot be written as ONNX with opset 18: ") as caught:
        write_onnx(graph, "odd-architecture", tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model.onnx").exists()
    assert "bert cannot be written as ONNX with opset 7" in refusal(exports("bert"), tmp_path, opset=7)


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(
        KobertError, match=r"ONNX export needs no-such-package\..*pip install 'kobert-pipeline\[onnx\]'"
    ):
        require_extra("onnx", "ONNX export", "json", "no_such_package")


def test_a_format_that_is_misspelt_is_named() -> None:
    result = CliRunner().invoke(cli.app, ["export", "nowhere", "--format", "onnx-int4"])
    assert "did you mean `onnx-int8`?" in str(result.exception)


def test_the_readme_shows_the_example_of_the_card() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    example = EXAMPLE.format(trust="", file="quickstart-onnx/onnx/model.onnx").replace("  # this folder", "")
    shown = example.replace('"."', '"quickstart-onnx"')
    assert f"```python\n{shown}```" in readme
