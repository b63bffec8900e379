"""The runs of the speedrun's log as jobs of `sweep.py`: `python tests/bench/speedrun_jobs.py FILE`. Most valuable first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from systems import FEW_LABELS

from kobert_pipeline.ground.files import write_text
from kobert_pipeline.pretrain.config import PretrainConfig

FULL = 8_200_000
"""Tokens of 25 minutes of the recipe on two cores: 2,000 batches."""
ROWS, LENGTH = 32, 128

Job = dict[str, Any]


def job(
    name: str, share: float = 0.5, *, rate: float = 4e-3, patch: str = "", seed: int = 42, scores: bool = False,
    mask: float = 0.3, rows: int = ROWS, sizes: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Job:  # fmt: skip
    """`share`: of FULL. The usual optimizer is muon."""
    base: dict[str, Any] = {
        "objective": {"name": "mlm", "mlm_probability": mask, **(options or {})},
        "architecture": {"name": "modernbert", "size": "mini", **(sizes or {})},
        "phases": [{"max_length": LENGTH, "batch_size": rows}],
        "optimizer": "muon", "learning_rate": rate, "schedule": "wsd", "warmup_share": 0.05,
        "max_tokens": round(share * FULL), "precision": "fp32", "measured_sentences": 0,
    }  # fmt: skip
    patches = "__".join(["same_validation", *([patch] if patch else [])])
    return {
        "name": f"speedrun/{name}", "store": "main", "pretrain": complete(base | settings), "seed": seed,
        "patch": f"speedrun_candidates:{patches}", "teacher": None, "scores": [FEW_LABELS] if scores else [], "keep": False,
    }  # fmt: skip


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    return PretrainConfig.parse(settings, "pretrain").model_dump(mode="json")


def adamw(name: str, share: float = 1.0, *, rate: float = 2e-3, **named: Any) -> Job:
    return job(name, share, rate=rate, optimizer="adamw", **named)


def phases(*parts: Sequence[Any]) -> list[dict[str, Any]]:
    """(share, tokens a row, rows, mask) -> phases."""
    return [
        {"share": share, "max_length": length, "batch_size": rows, "objective": {"mlm_probability": mask}}
        for share, length, rows, mask in parts
    ]


FALLING = phases((0.5, LENGTH, ROWS, 0.3), (0.3, LENGTH, ROWS, 0.15), (0.2, LENGTH, ROWS, 0.05))
HALF_AS_MUCH = phases((0.6, LENGTH, ROWS, 0.4), (0.4, LENGTH, ROWS, 0.2))
DOWN_TO_15 = phases((0.7, LENGTH, ROWS, 0.3), (0.3, LENGTH, ROWS, 0.15))
SHORT_FIRST = phases((0.5, 64, 2 * ROWS, 0.3), (0.5, LENGTH, ROWS, 0.3))


def bar() -> Iterator[Job]:
    """Today's recipe, and its own best rate."""
    yield adamw("today/8.2", scores=True)
    for seed in (43, 44):
        yield adamw(f"today/8.2/seed-{seed}", seed=seed)


def rates() -> Iterator[Job]:
    yield job("split/4e-3")
    yield job("fused/4e-3", patch="whole_matrices")
    for rate in (2e-3, 8e-3, 1.6e-2):
        yield job(f"split/{rate:g}", rate=rate)
    for name, rate in (
        ("half", 8e-3),
        ("quarter", 8e-3),
        ("double", 4e-3),
        ("half", 4e-3),
        ("double", 2e-3),
        ("quarter", 1.6e-2),
    ):
        yield job(f"split/{rate:g}/rest-{name}", rate=rate, patch=f"rest_{name}")
    for rate in (1e-3, 3e-3, 4e-3):
        yield adamw(f"adamw/{rate:g}/8.2", rate=rate)
    yield adamw("today/4.1", 0.5)


def leading() -> Iterator[Job]:
    """Muon for other numbers of tokens, and with labels."""
    yield job("split/4e-3/8.2", 1.0, scores=True)
    yield job("split/8e-3/8.2", 1.0, rate=8e-3)
    yield job("split/4e-3/6.1", 0.75)
    yield job("split/4e-3/seed-43", seed=43)


STACK = "unigram_bias__momentum_warmup"
WITH_NEIGHBOURS = f"{STACK}__neighbours_3__three_iterations"
MINUTES_13, MINUTES_19 = 0.45, 0.68
"""Shares of tokens that take Muon about 13 and 19 minutes where AdamW takes 25 for all."""


def stacks() -> Iterator[Job]:
    """What probably wins, together."""
    usual: Any = {"schedule": "linear", "epsilon": 1e-8}
    yield job("stack-a", MINUTES_13, patch=STACK, phases=DOWN_TO_15, **usual)
    yield job("stack-b", MINUTES_13, patch=WITH_NEIGHBOURS, phases=DOWN_TO_15, **usual)
    yield job("stack-c", MINUTES_13, patch=WITH_NEIGHBOURS, mask=0.2, rate=6e-3, **usual)
    yield job("stack-d", MINUTES_13, patch=WITH_NEIGHBOURS, mask=0.2, rows=16, **usual)
    yield job("stack-e", MINUTES_13, patch=f"{WITH_NEIGHBOURS}__rest_half", mask=0.2, rate=8e-3, **usual)
    yield job("stack-f", MINUTES_13, patch=f"{STACK}__neighbours_10__zero_outputs", phases=DOWN_TO_15, **usual)
    yield job(
        "stack-g",
        MINUTES_13,
        patch=WITH_NEIGHBOURS,
        phases=phases((0.7, LENGTH, 64, 0.3), (0.3, LENGTH, 64, 0.15)),
        rate=8e-3,
        **usual,
    )
    yield job("stack-a/19-minutes", MINUTES_19, patch=STACK, phases=DOWN_TO_15, scores=True, **usual)
    yield job("stack-b/19-minutes", MINUTES_19, patch=WITH_NEIGHBOURS, phases=DOWN_TO_15, scores=True, **usual)
    yield job("stack-b/25-minutes", 0.88, patch=WITH_NEIGHBOURS, phases=DOWN_TO_15, scores=True, **usual)
    yield job("stack-c/19-minutes", MINUTES_19, patch=WITH_NEIGHBOURS, mask=0.2, rate=6e-3, **usual)


def one_change() -> Iterator[Job]:
    """Half of today's tokens, one thing changed."""
    yield job("linear", schedule="linear")
    yield job("neighbours", patch="neighbours")
    yield job("unigram-bias", patch="unigram_bias")
    yield job("rows-16", rows=16)
    yield job("rows-16/2.8e-3", rows=16, rate=2.8e-3)
    yield job("rows-64", rows=64)
    yield job("rows-64/8e-3", rows=64, rate=8e-3)
    yield job("mask-15", mask=0.15)
    yield job("mask-20", mask=0.2)
    yield job("mask-40", mask=0.4)
    yield job("mask-30-15", phases=DOWN_TO_15)
    yield job("mask-30-15-5", phases=FALLING)
    yield job("mask-40-20", phases=HALF_AS_MUCH)
    yield job("epsilon-1e-8", epsilon=1e-8)
    yield job("momentum-warmup", patch="momentum_warmup")
    yield job("cosine", schedule="cosine")
    yield job("decay-70", patch="decay_70")
    yield job("always-mask", options={"mask_share": 1.0, "random_share": 0.0})
    yield job("zero-outputs", patch="zero_outputs")
    yield job("neighbours-3", patch="neighbours_3")
    yield job("neighbours-10", patch="neighbours_10")
    yield job("warmup-0", warmup_share=0.0)
    yield job("window-32", sizes={"local_attention": 32})
    yield job("untied", patch="untied")
    yield job("decay-1", patch="matrices_decay_1")
    yield job("cautious-decay", patch="matrices_decay_1__cautious_decay")
    yield job("vanishing-decay", patch="matrices_decay_1__vanishing_decay")
    yield job("three-iterations", patch="three_iterations")
    yield job("rows-normed", patch="rows_normed")
    yield job("eojeol", options={"unit": "eojeol"}, scores=True)
    yield job("short-first", phases=SHORT_FIRST)
    yield job("batch-ramp", batch_warmup={"share": 0.3, "start": 0.25})
    yield job("average", patch="average__constant_rate")
    yield job("soft-cap", patch="soft_cap")
    yield job("value-embeddings", patch="value_embeddings")


SHAPES = {
    "3x320": ({"layers": 3, "hidden": 320, "heads": 5, "feed_forward": 640}, 1.0),
    "2x384": ({"layers": 2, "hidden": 384, "heads": 6, "feed_forward": 768}, 1.04),
    "3x256": ({"layers": 3, "hidden": 256, "heads": 4, "feed_forward": 512}, 1.41),
    "4x256-wide": ({"feed_forward": 768}, 0.88),
}
"""Sizes, and how many tokens they train on while 4 x 256 trains on one."""


def shapes() -> Iterator[Job]:
    for name, (sizes, speed) in SHAPES.items():
        yield job(f"shape-{name}", 0.5 * speed, sizes=sizes)


NARROW = {"hidden": 128, "heads": 2, "feed_forward": 256}
WIDE = {"hidden": 512, "heads": 8, "feed_forward": 1024}


def transfer() -> Iterator[Job]:
    """Rates by width and batch: half of the width, four times the rows, both; and twice the width, to try the rule on. As many
    tokens each."""
    for optimizer, given in (("adamw", (1e-3, 2e-3, 4e-3)), ("muon", (4e-3, 8e-3, 1.6e-2))):
        for rate in given:
            yield job(f"transfer/{optimizer}/256/rows-128/{rate:g}", rate=rate, rows=128, optimizer=optimizer)
            yield job(f"transfer/{optimizer}/128/rows-32/{rate:g}", rate=rate, sizes=NARROW, optimizer=optimizer)
            yield job(
                f"transfer/{optimizer}/128/rows-128/{2 * rate:g}",
                rate=2 * rate,
                rows=128,
                sizes=NARROW,
                optimizer=optimizer,
            )
            yield job(
                f"transfer/{optimizer}/512/rows-128/{rate / 2:g}",
                rate=rate / 2,
                rows=128,
                sizes=WIDE,
                optimizer=optimizer,
            )
    for rate in (1e-3, 4e-3):
        yield adamw(f"transfer/adamw/256/rows-32/{rate:g}", 0.5, rate=rate)


def jobs() -> list[Job]:
    """Without a second job of the same name."""
    first, later = list(one_change())[:18], list(one_change())[18:]
    found = [*bar(), *rates(), *leading(), *stacks(), *first, *transfer(), *shapes(), *later]
    return list({each["name"]: each for each in found}.values())


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), "".join(json.dumps(each) + "\n" for each in jobs()))
