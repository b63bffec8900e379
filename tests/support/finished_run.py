"""A small finished run: the hand-written manifests of `tests/kobert_pipeline/hub/small_run/`, with real files next to
them.

The model is a BERT with one layer, the tokenizer has a dozen pieces, the corpus has two documents.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kobert_pipeline.ground.artifacts import MANIFEST, RUN, Identity, Workspace, read_manifest
from kobert_pipeline.ground.files import read_json, write_text
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.hub.build import WriteOnnx, build
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.publishable import STAGES
from tokenizer.load import assemble, save

SMALL_RUN = Path(__file__).parents[1] / "kobert_pipeline" / "hub" / "small_run"
PIECES = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    "대한민국", "##의", "수도", "##는", "서울", "##이다", "이다", ".",
]  # fmt: skip
SIZES = {
    "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8, "max_position_embeddings": 32,
}  # fmt: skip
PLANTED = "달무리가 지면 비가 온다고 외할머니께서 늘 말씀하셨다"
"""A sentence that occurs in the corpus, in its dropped documents and in the tokenizer's golden file."""


def export_model(folder: Path) -> Path:
    """Writes a folder like the one that the pretraining stage exports."""
    from transformers import BertConfig, BertForPreTraining

    folder.mkdir(parents=True)
    save(assemble(PIECES), PIECES, (), folder, [])
    (folder / "golden.json").unlink()
    BertForPreTraining(BertConfig(vocab_size=len(PIECES), **SIZES)).save_pretrained(folder)
    return folder


def export_saying(folder: Path, *pieces: str) -> Path:
    """The same with a model that predicts two given pieces for every input, the likeliest first: all weights are zero
    but two biases of its head, 3 for the first piece and 2 for the second."""
    import torch
    from transformers import BertForPreTraining

    network = BertForPreTraining.from_pretrained(export_model(folder))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for bias, piece in zip((3.0, 2.0), pieces, strict=True):
            network.cls.predictions.bias[PIECES.index(piece)] = bias
    network.save_pretrained(folder)
    return folder


def export_classifier(folder: Path) -> Path:
    """The same with a model that has no head for masked language modelling."""
    from transformers import BertConfig, BertForSequenceClassification

    export_model(folder)
    BertForSequenceClassification(BertConfig(vocab_size=len(PIECES), **SIZES)).save_pretrained(folder)
    return folder


def finish(root: Path, model: Path) -> dict[str, Path]:
    """Returns stage -> artifact, up to the scores. Files are real if a test reads them."""
    folders = {"corpora": _corpora(root), "tokenizer": _tokenizer(root)}
    others = {"dataset": None, "pretrain": model, "klue_eval": None}
    return folders | {stage: _copied(root, stage, exported) for stage, exported in others.items()}


def _workspace(root: Path, stage: str) -> Workspace:
    """A workspace with the identity of the hand-written manifest, except for the fingerprint."""
    manifest = asdict(read_manifest(SMALL_RUN / stage))
    names = ("stage", "version", "config", "inputs", "seed", "libraries")
    return Workspace(root, Identity(**{name: manifest[name] for name in names}))


def _copied(root: Path, stage: str, model: Path | None) -> Path:
    """The files that lie next to the hand-written manifest, and the model."""
    with _workspace(root, stage) as out:
        for file in (SMALL_RUN / stage).iterdir():
            if file.name not in (MANIFEST, RUN):
                shutil.copy(file, out.path / file.name)
        if model is not None:
            shutil.copytree(model, out.path / "model")
        return out.finish(read_manifest(SMALL_RUN / stage).summary, read_json(SMALL_RUN / stage / RUN))


def _corpora(root: Path) -> Path:
    rows = [
        {"doc_id": f"d{number}", "source": "wiki", "title": "", "sentences": [PLANTED, f"문장 {number}입니다."]}
        for number in range(2)
    ]
    manifest = read_manifest(SMALL_RUN / "corpora")
    with _workspace(root, "corpora") as out:
        (out.path / "shards").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), out.path / "shards" / "00000.parquet")
        dropped = {"source": "wiki", "reason": "too_short", "doc_id": "d9", "text": PLANTED}
        write_text(out.path / "dropped.jsonl", canonical_json(dropped) + "\n")
        totals = manifest.summary["totals"] | {"kept": len(rows)}
        return out.finish(manifest.summary | {"totals": totals}, {})


def _tokenizer(root: Path) -> Path:
    with _workspace(root, "tokenizer") as out:
        save(assemble(PIECES), PIECES, (), out.path, [PLANTED, "대한민국의 수도는 서울이다."])
        return out.finish(read_manifest(SMALL_RUN / "tokenizer").summary, {})


def resolved(config: HubConfig, source_folder: str, workers: int) -> dict[str, Any]:
    """All settings of the small run, including those that belong to one machine."""
    settings: dict[str, Any] = {name: dict(read_manifest(SMALL_RUN / name).config) for name in STAGES}
    del settings["tokenizer"]["special_tokens"]
    settings["corpora"]["sources"] = [
        source | {"path": f"{source_folder}/{source['name']}.txt"} for source in settings["corpora"]["sources"]
    ]
    settings["klue_eval"]["data"] = f"{source_folder}/klue"
    settings["pretrain"]["checkpoint_minutes"] = 5.0 + workers
    hub = config.model_dump(mode="json")
    return {"name": "small", "seed": 42, "hub": hub, "execution": {"workers": workers}} | settings


def publish(
    root: Path,
    folders: dict[str, Path],
    config: HubConfig | None = None,
    source_folder: str = "/data/mine",
    workers: int = 1,
    write_onnx: WriteOnnx | None = None,
) -> Path:
    """Runs the hub stage and returns its folder `publish/`."""
    config = config or HubConfig()
    with Workspace(root, Identity("hub", 1, config.content(), {}, 0, {})) as out:
        settings = resolved(config, source_folder, workers)
        summary = build(config, folders, out, recipe="small", resolved=settings, write_onnx=write_onnx)
        return out.finish(summary, {}) / "publish"
