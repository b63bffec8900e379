"""`python tests/bench/distil_times.py MODELS`: how fast the bodies of the models in a folder answer, by torch, by onnxruntime, and in int8.

Other programs on the machine slow all alike: models take turns on one thread, and a figure is the median of BENCH_ROUNDS rounds in CPU time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from bench_distil import BATCH, LENGTH, SENTENCE, seconds_of
from parts import table
from transformers import AutoModel, AutoTokenizer

from kobert_pipeline.exporting.exported_folder import FILES, ExportOptions, export_model
from kobert_pipeline.exporting.lost_score import OnnxNetwork
from kobert_pipeline.exporting.session import Session

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "25"))
Figures = dict[str, Any]


def times(models: Path) -> Iterator[Figures]:
    """CPU milliseconds of one sentence, and sentences a CPU second in a batch of 32, on one thread; all take turns."""
    torch.set_num_threads(1)
    folders = sorted(path.parent for path in models.glob("*/config.json"))
    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    one = tokenizer([SENTENCE], return_tensors="pt")
    many = tokenizer([SENTENCE] * BATCH, return_tensors="pt", padding="max_length", max_length=LENGTH)
    with tempfile.TemporaryDirectory() as place:
        forms = {(path.name, form): network for path in folders for form, network in forms_of(path, Path(place))}
        spent: dict[Any, list[tuple[float, float]]] = {key: [] for key in forms}
        for _ in range(1 + ROUNDS):
            for key, network in forms.items():
                spent[key].append((seconds_of(network, one), seconds_of(network, many)))
    for (name, form), seconds in spent.items():
        single, batch = (statistics.median(kind) for kind in zip(*seconds[1:], strict=True))
        yield {"model": name, "form": form, "ms": round(1e3 * single, 2), "a second": round(BATCH / batch)}


def forms_of(folder: Path, place: Path) -> Iterator[tuple[str, Any]]:
    body = AutoModel.from_pretrained(folder).eval()
    yield "torch", body
    export_model(folder, place / folder.name, ExportOptions(tuple(FILES), head=False))
    for form, file in FILES.items():
        yield form, OnnxNetwork(Session(place / folder.name / file, threads=1), body.config)


if __name__ == "__main__":
    print(table(list(times(Path(sys.argv[1])))))  # noqa: T201
