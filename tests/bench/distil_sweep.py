"""Students of modernbert-mini next to the same sizes trained alone, as jobs of `sweep.py`: what two cores learn in 25 and 60 minutes.

`speeds FOLDER` measures the CPU seconds that a token takes each of them, as a share of modernbert-mini's; FOLDER holds `tokenizer/` and
`dataset/`. Models take turns on one thread, so that other programs on the machine slow them alike. `jobs FILE` writes the jobs:
each trains on as many tokens as it would in its minutes, and a student pays for its teacher. `jobs FILE MINUTES` writes fewer jobs of that
length, for a machine without a GPU. `table RESULTS ...` prints what they found.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parts import table

from klue_eval.config import EvaluationConfig
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import load_recipe

PER_SECOND = float(os.environ.get("BENCH_TOKENS_PER_SECOND", "5450"))
"""Of modernbert-mini on two idle cores, in float32."""
SPEEDS = Path(os.environ.get("BENCH_SPEEDS", "build/bench/distil_speeds.json"))
TEACHER, TEACHER_MINUTES = "products/teacher", 120
TEACHER_FOLDER = "${TMPDIR:-/tmp}/kobert-sweep/models/products-teacher"
"""Where `sweep.py` puts it."""
ROUNDS = 7

Figures = dict[str, Any]
SIZES: Mapping[str, Figures] = {
    "whole": {},
    "half": {"layers": 2},
    "narrow": {"layers": 2, "hidden": 128, "heads": 4, "feed_forward": 256},
}
"""What differs from modernbert-mini's 4 layers of 256. `narrow` has half the layers and half the width."""


@dataclass(frozen=True)
class Way:
    """How a model is trained."""

    objective: Figures
    taught: bool = False


ALONE = Way({"name": "mlm"})
DISTIL = Way({"name": "distillation", "masked_only": True}, taught=True)
LAYERS = Way({"name": "layer_distillation", "start": "teacher_layers"}, taught=True)
LAYERS_NARROW = Way({"name": "layer_distillation"}, taught=True)
WAYS = {
    "half": {"alone": ALONE, "distillation": DISTIL, "layers": LAYERS},
    "narrow": {"alone": ALONE, "layers": LAYERS_NARROW},
}

BEST = {"half": "distillation", "narrow": "layers"}
"""The way of which each size learns YNAT from the teacher, too."""


def config_of(size: str, way: Way, *, rate: float = 1.0, **budget: Any) -> PretrainConfig:
    """The settings of modernbert-mini in float32 with this size and objective, and `rate` times its learning rate."""
    base = load_recipe("modernbert-mini", ("pretrain.precision=fp32", "pretrain.measured_sentences=0")).pretrain
    values = base.model_dump(mode="json") | {"max_steps": None} | budget
    return PretrainConfig.parse(
        values | {
            "objective": {"mlm_probability": 0.3} | way.objective,
            "architecture": values["architecture"] | SIZES[size],
            "learning_rate": base.learning_rate * rate,
        }
    )  # fmt: skip


# --- speeds ----------------------------------------------------------------------------------------------------------


def speeds(folder: Path) -> Figures:
    """`half, alone` -> CPU seconds of a token, as a share of the whole model's trained alone."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        teacher = untrained(folder, Path(place))
        configs = {
            f"{size}, {name}": config_of(size, way, max_steps=100) for size in WAYS for name, way in WAYS[size].items()
        }
        steps = {
            name: step_of(config, folder, teacher)
            for name, config in ({"whole, alone": config_of("whole", ALONE, max_steps=100)} | configs).items()
        }
        spent: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(1 + ROUNDS):
            for name, step in steps.items():
                spent[name].append(step())
    medians = {name: statistics.median(each[1:]) for name, each in spent.items()}
    return {name: seconds / medians["whole, alone"] for name, seconds in medians.items()}


def untrained(folder: Path, place: Path) -> Path:
    """A teacher with random weights is as fast as a trained one."""
    from kobert_pipeline.pretrain.models import architecture_of, build_models
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

    config, info = config_of("whole", ALONE, max_steps=1), tokenizer_info(folder / "tokenizer")
    models = build_models(config, info, {}, info.vocab_size)
    architecture_of(config).export(dict(models.roles.items()), place)
    return place / "model"


def step_of(config: PretrainConfig, folder: Path, teacher: Path) -> Any:
    """A function that trains one step and returns its CPU seconds by token."""
    import torch

    from kobert_pipeline.dataset.store import Store
    from kobert_pipeline.pretrain.data import BatchStream
    from kobert_pipeline.pretrain.models import build_models, objective_of
    from kobert_pipeline.pretrain.sums import total_loss
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
    from kobert_pipeline.training.optimizer import adamw

    info, objective, generator = tokenizer_info(folder / "tokenizer"), objective_of(config), torch.Generator()
    batch, tokens, _ = BatchStream(Store(folder / "dataset"), objective, config, info, 42).sample(0)
    models = build_models(config, info, {"teacher": teacher}, info.vocab_size)
    optimizer = adamw(models, learning_rate=1e-4)

    def step() -> float:
        began = time.process_time()
        total_loss(objective.loss(models, batch, generator, config.options)).backward()
        optimizer.step()
        optimizer.zero_grad()
        return (time.process_time() - began) / tokens

    return step


# --- jobs ------------------------------------------------------------------------------------------------------------

GRID: Figures = {
    "seeds": 3,
    "learning_rates": [1e-4, 3e-4, 1e-3],
    "epochs": [4, 12],
    "selection_rows": 500,
    "evaluations_per_epoch": 0,
}
ALL: Figures = {"seeds": 1, "learning_rates": [3e-4], "evaluations_per_epoch": 0}
FEW_LABELS: Figures = {"tasks": ["ynat"], "tfidf": False, "protocols": {"1,000 rows": {"train_rows": 1_000} | GRID}}
ALL_LABELS: Figures = {
    "tasks": ["ynat", "sts", "ner"], "held_out": ["ner"], "tfidf": False, "protocols": {"all rows": ALL},
    "settings": {"ynat": {"epochs": 2}, "sts": {"epochs": 2}},
}  # fmt: skip
TAUGHT: Figures = {
    "tasks": ["ynat"], "tfidf": False, "settings": {"ynat": {"epochs": 2}},
    "protocols": {
        "taught, 1,000 rows": {"train_rows": 1_000, "distil": {"teacher": TEACHER_FOLDER}} | GRID,
        "taught, all rows": {"distil": {"teacher": TEACHER_FOLDER}} | ALL,
    },
}  # fmt: skip
"""Task distillation: on YNAT the student imitates the teacher, which is fine-tuned first."""

SHORT: Figures = {
    "phases": [{"max_length": 128, "share": 1.0, "batch_size": 16}],
    "validation_tokens": 65_536,
}
LITTLE: Figures = {"train_rows": 1_000, "seeds": 3, "epochs": [8], "evaluations_per_epoch": 0}
SEARCHED = {"learning_rates": [3e-4, 1e-3], "selection_rows": 500}
CHOSEN = {"learning_rates": [1e-3]}
"""What the teacher's search chose. Students take it over."""
SHORT_TEACHER, SHORT_FEW = (
    {"tasks": ["ynat"], "tfidf": False, "protocols": {"1,000 rows": LITTLE | rates}} for rates in (SEARCHED, CHOSEN)
)
SHORT_TAUGHT: Figures = {
    "tasks": ["ynat"], "tfidf": False,
    "protocols": {"taught, 1,000 rows": LITTLE | CHOSEN | {"distil": {"teacher": TEACHER_FOLDER}}},
}  # fmt: skip
SHORT_ALL: Figures = {
    "tasks": ["ynat"], "tfidf": False, "protocols": {"all rows": ALL}, "settings": {"ynat": {"epochs": 1}},
}  # fmt: skip
SHORT_OTHERS: Figures = {
    "tasks": ["sts", "ner"], "tfidf": False, "held_out": ["ner"], "protocols": {"4,000 rows": ALL | {"train_rows": 4_000}},
    "settings": {"sts": {"epochs": 2}, "ner": {"epochs": 2}},
}  # fmt: skip


def jobs(shares: Mapping[str, float]) -> Iterator[Figures]:
    """The most valuable first: the teacher, then both sizes by each way for 60 minutes, then for 25, then at twice the rate."""
    yield job(TEACHER, config_of("whole", ALONE, max_tokens=tokens_of(TEACHER_MINUTES)), keep=True)
    for minutes in (60, 25):
        for size, ways in WAYS.items():
            for name, way in ways.items():
                taught = minutes == 60 and name == BEST[size]
                yield student(size, name, way, minutes, shares, taught=taught, keep=taught and size == "half")
    for size in WAYS:
        yield job(
            f"products/{size}-alone-60-same-tokens",
            config_of(size, ALONE, max_tokens=tokens_of(60, shares[f"{size}, {BEST[size]}"])),
        )
    for name in ("alone", "distillation"):
        yield student("half", name, WAYS["half"][name], 60, shares, rate=2.0)
    yield job(f"{TEACHER}-rate-x2", config_of("whole", ALONE, rate=2.0, max_tokens=tokens_of(TEACHER_MINUTES)))


def short_jobs(shares: Mapping[str, float], minutes: float) -> Iterator[Figures]:
    """Each model by each way for the same minutes, and what it scores with little searching; the teacher is there. The most valuable first.

    Batches have half the sequences of modernbert-mini's, so that so few tokens are more steps.
    """
    made = {
        (size, name): job(
            f"products/{size}-{name}-{minutes:g}",
            config_of(size, way, max_tokens=tokens_of(minutes, shares[f"{size}, {name}"]), **SHORT),
            teacher=TEACHER if way.taught else None,
            keep=True,
            scores=[SHORT_FEW],
        )
        for size, ways in WAYS.items()
        for name, way in ways.items()
    }
    best, alone = (made.pop(("half", name)) for name in (BEST["half"], "alone"))
    yield from (scoring(TEACHER, SHORT_TEACHER, "few"), alone, best, scoring(best["name"], SHORT_TAUGHT, "taught"))
    yield from made.values()
    names = [best["name"], TEACHER, alone["name"], *(one["name"] for one in made.values())]
    yield from (scoring(name, SHORT_ALL, "all") for name in names[:2])
    yield from (scoring(name, SHORT_OTHERS, "others") for name in names)
    yield from (scoring(name, SHORT_ALL, "all") for name in names[2:])


def scoring(name: str, settings: Figures, what: str) -> Figures:
    EvaluationConfig.parse(settings)
    return {"name": f"{name}, {what}", "model": name, "scores": [settings]}


def student(
    size: str, name: str, way: Way, minutes: int, shares: Mapping[str, float], *, rate: float = 1.0, **others: bool
) -> Figures:
    config = config_of(size, way, rate=rate, max_tokens=tokens_of(minutes, shares[f"{size}, {name}"]))
    slug = f"products/{size}-{name}-{minutes}" + ("" if rate == 1 else f"-rate-x{rate:g}")
    return job(slug, config, teacher=TEACHER if way.taught else None, **others)


def tokens_of(minutes: float, share: float = 1.0) -> int:
    return round(60 * minutes * PER_SECOND / share)


def job(
    name: str,
    config: PretrainConfig,
    *,
    teacher: str | None = None,
    keep: bool = False,
    taught: bool = False,
    scores: Sequence[Figures] = (),
) -> Figures:
    scores = scores or [FEW_LABELS, ALL_LABELS, *([TAUGHT] if taught else [])]
    for settings in scores:
        EvaluationConfig.parse(settings)
    pretrain = config.model_dump(mode="json")
    return {
        "name": name, "store": "main", "pretrain": pretrain, "seed": 42, "patch": None, "teacher": teacher, "scores": list(scores),
        "keep": keep,
    }  # fmt: skip


# --- table -----------------------------------------------------------------------------------------------------------


def rows_of(results: Sequence[Path]) -> Iterator[Figures]:
    """A row for each model that was trained, with the means of its scores over seeds."""
    found: dict[str, Figures] = {}
    lines = [line for path in results for line in path.read_text(encoding="utf-8").splitlines()]
    for line in map(json.loads, lines):
        if line["name"].startswith("products/"):
            row = found.setdefault(line["name"].partition(", ")[0], {})
            if line["what"] == "trained":
                row |= {name: line[name] for name in ("parameters", "tokens")} | {
                    "loss": line["last"][line["headline"]]
                }
            elif line["what"] == "scored":
                row[line["title"]] = statistics.fmean(line["values"])
    for name, row in found.items():
        yield {"model": name.removeprefix("products/")} | {
            title: f"{value / 1e6:.1f} M" if title in ("parameters", "tokens") else f"{value:.2f}" for title, value in row.items()
        }  # fmt: skip


def main() -> None:
    command, path = sys.argv[1], Path(sys.argv[2])
    if command == "speeds":
        write_json(SPEEDS, speeds(path))
        print(table([{"model": name, "share": share} for name, share in read_json(SPEEDS).items()]))  # noqa: T201
    elif command == "jobs":
        shares, minutes = read_json(SPEEDS), [float(given) for given in sys.argv[3:]]
        chosen = short_jobs(shares, minutes[0]) if minutes else jobs(shares)
        write_text(path, "".join(json.dumps(one) + "\n" for one in chosen))
    else:
        print(table(list(rows_of([Path(given) for given in sys.argv[2:]]))))  # noqa: T201


if __name__ == "__main__":
    main()
