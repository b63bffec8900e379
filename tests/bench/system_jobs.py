"""Settings of the small encoders that are worth a try, as jobs of `sweep.py`: which bring ALBERT, BERT and XLNet below the unigram
entropy soonest, and what single options of DeBERTa, DeBERTaV3 and ELECTRA are worth. Most valuable first.

    python tests/bench/system_jobs.py jobs.jsonl
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kobert_pipeline.recipe import load_recipe

TOKENS = 8_000_000
"""About what two cores train on in 25 minutes."""
ALL = (
    "precision=fp32",
    f"max_tokens={TOKENS}",
    "validation_steps=500",
    "validation_tokens=65536",
    "measured_sentences=0",
)

SOP = "objective={{name: mlm_sop, mlm_probability: {share}{more}}}"
ALBERT = {
    "recipe": (),
    "30 %": (SOP.format(share=0.3, more=""),),
    "30 %, rate 2e-3, warm-up 10 %": (SOP.format(share=0.3, more=""), "learning_rate=2e-3", "warmup_share=0.1"),
    "30 %, rate 5e-4": (SOP.format(share=0.3, more=""), "learning_rate=5e-4"),
    "30 %, muon": (SOP.format(share=0.3, more=""), "optimizer=muon"),
    "30 %, muon, rate 4e-3": (SOP.format(share=0.3, more=""), "optimizer=muon", "learning_rate=4e-3"),
    "30 %, n-grams": (SOP.format(share=0.3, more=", unit: ngram, max_span: 3"),),
    "30 %, batch 32": (SOP.format(share=0.3, more=""), "phases=[{max_length: 128, batch_size: 32}]"),
    "30 %, 2 groups": (SOP.format(share=0.3, more=""), "architecture.groups=2"),
    "30 %, 4 groups": (SOP.format(share=0.3, more=""), "architecture.groups=4"),
    "30 %, warm-up 20 %": (SOP.format(share=0.3, more=""), "warmup_share=0.2"),
    "30 %, muon, rate 2e-3, n-grams": (
        SOP.format(share=0.3, more=", unit: ngram, max_span: 3"), "optimizer=muon", "learning_rate=2e-3",
    ),
    "30 %, no sentence order": ("objective={name: mlm, mlm_probability: 0.3}",),
    "sinusoids": (),
    "30 %, no sentence order, muon, rate 2e-3, sinusoids": (
        "objective={name: mlm, mlm_probability: 0.3}", "optimizer=muon", "learning_rate=2e-3",
    ),
}  # fmt: skip
BERT = {
    "recipe": (),
    "rate 1e-3": ("learning_rate=1e-3",),
    "rate 2e-3, warm-up 10 %": ("learning_rate=2e-3", "warmup_share=0.1"),
    "rate 2.5e-4": ("learning_rate=2.5e-4",),
    "muon": ("optimizer=muon",),
    "muon, rate 2e-3": ("optimizer=muon", "learning_rate=2e-3"),
    "rate 1e-3, warm-up 20 %": ("learning_rate=1e-3", "warmup_share=0.2"),
    "no next sentence, sinusoids": ("objective={name: mlm, mlm_probability: 0.3}",),
}
XLNET = {
    "recipe": (),
    "rate 1e-3": ("learning_rate=1e-3",),
    "rate 2e-3": ("learning_rate=2e-3",),
    "muon, rate 1e-3": ("optimizer=muon", "learning_rate=1e-3"),
    "rate 1e-3, batch 32": ("learning_rate=1e-3", "phases=[{max_length: 128, batch_size: 32}]"),
}
DEBERTA = {
    f"{'decoder' if passes else 'plain'}, rate {rate:g}": (
        f"architecture.mask_decoder_passes={passes}",
        f"learning_rate={rate}",
    )
    for rate in (1e-3, 2e-3, 5e-4)
    for passes in (0, 2)
}
V3 = "objective={{name: replaced_tokens, generator_width: 1, generator_depth: 0.5, embedding_sharing: {sharing}}}"
DEBERTAV3 = {sharing: (V3.format(sharing=sharing),) for sharing in ("gradient_disentangled", "shared", "none")} | {
    "gradient_disentangled, decoder": ("architecture.mask_decoder_passes=2",)
}
ELECTRA = {
    "recipe": (),
    "width 1/2": ("objective.generator_width=0.5",),
    "weight 10": ("objective.discriminator_weight=10",),
    "rate 2e-3": ("learning_rate=2e-3",),
    "width 1/2, weight 10": ("objective.generator_width=0.5", "objective.discriminator_weight=10"),
    "rate 5e-4": ("learning_rate=5e-4",),
    "x ModernBERT, width 1, depth 1/2, rate 1e-3": (
        "architecture={name: modernbert, size: mini}", "objective.generator_width=1", "objective.generator_depth=0.5",
        "learning_rate=1e-3",
    ),
}  # fmt: skip
SYSTEMS = {
    "albert": ALBERT, "bert": BERT, "deberta": DEBERTA, "debertav3": DEBERTAV3, "xlnet": XLNET, "electra": ELECTRA,
}  # fmt: skip
SINUSOIDS = "speedrun_candidates:sinusoid_positions"
FEW_LABELS: dict[str, Any] = {
    "tasks": ["ynat"], "tfidf": False,
    "protocols": {"1,000 rows": {
        "train_rows": 1_000, "seeds": 3, "learning_rates": [1e-4, 3e-4, 1e-3], "epochs": [12], "selection_rows": 500,
        "evaluations_per_epoch": 0,
    }},
}  # fmt: skip
SCORED = {
    "deberta": ("plain, rate 0.001", "decoder, rate 0.001"), "debertav3": tuple(DEBERTAV3),
    "electra": ("recipe", "width 1/2", "weight 10", "x ModernBERT, width 1, depth 1/2, rate 1e-3"),
}  # fmt: skip
"""What is judged after fine-tuning, because the loss of pretraining compares nothing."""


def main(path: Path) -> None:
    os.environ.setdefault("KOBERT_CORPUS", ".")
    path.write_text("".join(json.dumps(job, ensure_ascii=False) + "\n" for job in jobs()), encoding="utf-8")


def jobs() -> Iterator[dict[str, Any]]:
    """Those of all systems in turn, so that a sweep that ends early has tried each of them."""
    tries = [
        (place / len(settings), system, title)
        for system, settings in SYSTEMS.items()
        for place, title in enumerate(settings)
    ]
    for _, system, title in sorted(tries, key=lambda one: one[0]):
        settings = tuple(f"pretrain.{setting}" for setting in (*SYSTEMS[system][title], *ALL))
        yield {
            "name": f"{system}/{title}", "store": "main", "seed": 42, "teacher": None, "keep": False,
            "patch": SINUSOIDS if "sinusoids" in title else None,
            "pretrain": load_recipe(f"{system}-mini", settings).pretrain.model_dump(mode="json"),
            "scores": [FEW_LABELS] if title in SCORED.get(system, ()) else [],
        }  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
