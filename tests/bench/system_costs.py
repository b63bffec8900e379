"""What a pass of each small encoder costs next to BERT's: CPU seconds and FLOPs of a thousand tokens, and how fast it is for its FLOPs.

CPU seconds of one thread, each pass right after one of BERT's, so that other programs of the machine touch both alike. SYSTEMS
and KOBERT_DATA are those of `make systems`, whose corpus and store it reads.

    python tests/bench/system_costs.py
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from parts import table
from systems import ARTIFACTS, KLUE, SYSTEMS, Figures, extract_klue, recipe_of

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.pretrain.data import BatchStream
from kobert_pipeline.pretrain.flops import Cost
from kobert_pipeline.pretrain.models import build_models, objective_of
from kobert_pipeline.pretrain.sums import total_loss
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.runner import run

PASSES = 5
BASE = "BERT"


def main() -> None:
    data = Path(os.environ.setdefault("KOBERT_DATA", "../shared/data"))
    os.environ["KOBERT_KLUE"] = str(extract_klue(data, Path("build/klue"), KLUE))
    torch.set_num_threads(1)
    names = [name.strip() for name in os.environ.get("SYSTEMS", ",".join(SYSTEMS)).split(",")]
    base, base_flops = pass_of(BASE)
    rows = [row(name, base, base_flops) for name in names]
    print(table(rows))  # noqa: T201


def row(name: str, base: Callable[[], float], base_flops: float) -> Figures:
    one, flops = pass_of(name)
    one(), base()  # not timed
    pairs = [(one(), base()) for _ in range(PASSES)]
    by_flops = statistics.median(bert / own for own, bert in pairs) * flops / base_flops
    return {
        "system": name, "CPU s": f"{1_000 * statistics.median(own for own, _ in pairs):.3f}",
        "GFLOP": f"{flops / 1e6:.1f}", "speed by FLOPs": f"{by_flops:.2f}",
    }  # fmt: skip


def pass_of(name: str) -> tuple[Callable[[], float], float]:
    """A function that passes forward and back over the first batch, in fp32, and returns the CPU seconds of a token; and
    the FLOPs of a token."""
    recipe = recipe_of(name, "pretrain.precision=fp32")
    folders, config = run(recipe, ARTIFACTS, until="dataset"), recipe.pretrain
    objective, info = objective_of(config), tokenizer_info(folders["tokenizer"])
    stream = BatchStream(Store(folders["dataset"]), objective, config, info, recipe.seed)
    models: Any = build_models(config, info, {}, info.vocab_size)
    batch, _ = next(iter(stream))
    tokens = int(batch["attention_mask"].sum())

    def step(given: Any) -> None:
        total_loss(objective.loss(models, given, torch.Generator(), stream.options[0])).backward()
        models.zero_grad()

    def timed() -> float:
        began = time.process_time()
        step(batch)
        return (time.process_time() - began) / tokens

    samples = [stream.longest_examples(length, 4) for length in (config.max_length, config.max_length // 2)]
    return timed, float(Cost.measured(step, samples).flops(batch)) / tokens


if __name__ == "__main__":
    main()
