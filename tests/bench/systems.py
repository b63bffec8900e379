"""`make systems`: what every system learns in the same minutes on the same machine, from one corpus with one tokenizer.

The minutes of a system are turned into tokens once: `speeds` measures each on an idle machine. A run of tokens gives the same model
when it is interrupted, or shares the machine, or trains on a GPU, but for rounding. `rates` trains each system for the fewest of
the minutes at multiples of its recipe's learning rate, and the best one (by YNAT with 1,000 labels) counts from then on.

Every figure is kept in `build/systems/systems.json` as soon as it is known, and every model in `build/systems/artifacts`: start it
again and it goes on. On two cores that takes more than ten hours. With a GPU, after `speeds`, in two rounds of three steps: the part
`jobs` writes `build/systems/jobs.jsonl`, `sweep.py` runs it, the part `results` reads what it found.

KOBERT_DATA names the folder of real data. SYSTEMS names some of the systems below (in quotation marks, comma between them),
SYSTEMS_MINUTES the minutes, longest first, and SYSTEMS_PARTS some of speeds, rates, models, jobs, results. Prints the table,
and draws `build/systems/systems.png`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from parts import table

sys.path.insert(0, str(Path(__file__).parent.parent / "real"))
import sweep
from run import extract_klue
from sweep import scored

from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.pretrain.estimate import estimate
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run

ROOT = Path("build/systems")
ARTIFACTS, RESULT, PLOT = ROOT / "artifacts", ROOT / "systems.json", ROOT / "systems.png"
RESULTS = Path("build/sweep") / sweep.RESULTS
TEXT = Path(__file__).parent.parent / "real" / "text.yaml"
KLUE = ("ynat-v1", "klue-sts-v1.1", "klue-nli-v1.1", "klue-nli-v1.1-train", "klue-ner-v1.1")
BUSY = 15.0
"""Percent of the processors in use from which on nothing is timed."""
MULTIPLES = (1.0, 0.5, 2.0)

Figures = dict[str, Any]


@dataclass(frozen=True)
class System:
    recipe: str
    settings: tuple[str, ...] = ()


SYSTEMS = {
    "ModernBERT": System("modernbert-mini"),
    "ELECTRA": System("electra-mini"),
    "ELECTRA x ModernBERT": System("electra-mini", ("pretrain.architecture={name: modernbert, size: mini}",)),
    "ELECTRA x BERT": System("electra-mini", ("pretrain.architecture={name: bert, size: mini, dropout: 0.0}",)),
    "BERT": System("bert-mini"),
    "BERT without NSP": System("bert-mini", ("pretrain.objective={name: mlm, mlm_probability: 0.3}",)),
    "RoBERTa": System("roberta-mini"),
    "DeBERTa": System("deberta-mini"),
    "DeBERTaV3": System("debertav3-mini"),
    "ALBERT": System("albert-mini"),
    "SpanBERT": System("spanbert-mini"),
    "ERNIE 1.0": System("ernie-mini"),
    "XLNet": System("xlnet-mini"),
}


def main() -> None:
    data = Path(os.environ.setdefault("KOBERT_DATA", "../shared/data"))
    if not data.is_dir():
        sys.exit(f"KOBERT_DATA names {data}, which is missing")
    os.environ["KOBERT_KLUE"] = str(extract_klue(data, Path("build/klue"), KLUE))
    logging.basicConfig(level=logging.WARNING)
    minutes = [float(number) for number in os.environ.get("SYSTEMS_MINUTES", "25 10").split()]
    names = [name.strip() for name in os.environ.get("SYSTEMS", ",".join(SYSTEMS)).split(",")]
    figures = read_json(RESULT) if RESULT.exists() else {}
    for part in os.environ.get("SYSTEMS_PARTS", "speeds rates models").split():
        for _ in PARTS[part](figures, names, minutes):
            write_json(RESULT, figures)
    rows = list(rows_of(figures, names, minutes))
    draw(figures, names, minutes)
    print(table(rows))  # noqa: T201


def recipe_of(name: str, *settings: str) -> Recipe:
    """The system's recipe on the corpus of `make real`, in float32."""
    system = SYSTEMS[name]
    path = ROOT / "recipes" / f"{system.recipe}.yaml"
    write_text(path, f"extends: [{system.recipe}, {TEXT}]\nname: systems-{system.recipe}\n")
    return load_recipe(str(path), (*system.settings, "pretrain.precision=fp32", *settings))


def timed_recipe(figures: Figures, name: str, minutes: float, rate: float) -> Recipe:
    """The pretraining of as many tokens as the system trains on in `minutes`."""
    tokens = round(60 * minutes * figures["speeds"][name]["tokens/s"])
    return recipe_of(
        name, f"pretrain.max_tokens={tokens}", "pretrain.measured_sentences=0", f"pretrain.learning_rate={rate:g}"
    )


def rates_of(name: str) -> list[float]:
    """The recipe's learning rate first."""
    return [recipe_of(name).pretrain.learning_rate * multiple for multiple in MULTIPLES]


def best_rate(figures: Figures, name: str) -> float:
    """By YNAT after the fewest minutes; the recipe's, where no rates are compared."""
    runs = figures.get("runs", {}).get(name, {})
    compared = runs.get(min(runs, key=float), {}) if runs else {}
    found = {rate: sum(one["scores"][YNAT]) for rate, one in compared.items() if YNAT in one.get("scores", {})}
    return float(max(found, key=lambda rate: found[rate])) if found else rates_of(name)[0]


# --- parts -----------------------------------------------------------------------------------------------------------


def speeds(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    """Tokens per second of each system, validation included, from about a minute of steps, and what they compute."""
    for name in names:
        folders = run(recipe_of(name), ARTIFACTS, until="dataset")
        if name in figures.setdefault("speeds", {}):
            continue
        if psutil.cpu_percent(5) > BUSY:
            sys.exit("The machine is busy: speeds are measured on an idle one.")
        recipe = recipe_of(name, f"pretrain.max_minutes={max(minutes)}")
        found = estimate(recipe.pretrain, folders["tokenizer"], folders["dataset"], seed=recipe.seed)
        per_second = found.tokens / found.seconds
        figures["speeds"][name] = {
            "parameters": found.parameters, "tokens/s": per_second, "MFLOP/token": found.flops / found.tokens / 1e6,
        }  # fmt: skip
        yield


def rates(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    for name in names:
        for rate in rates_of(name):
            yield from one_run(figures, name, min(minutes), rate, [FEW_LABELS])


def models(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    """The longest runs: YNAT with 1,000 labels, and STS, NLI and NER with all labels at hand."""
    for name in names:
        yield from one_run(figures, name, max(minutes), best_rate(figures, name), [FEW_LABELS, ALL_LABELS])


def one_run(figures: Figures, name: str, minutes: float, rate: float, configs: list[Figures]) -> Iterator[None]:
    folder = run(timed_recipe(figures, name, minutes, rate), ARTIFACTS, until="pretrain")["pretrain"]
    found, summary = entry(figures, name, minutes, rate), PretrainedRun(folder).summary
    found |= {
        "tokens": summary.tokens, "steps": summary.steps, "headline": summary.headline,
        "validation": summary.last[summary.headline], "chance": summary.chance.value,
    }  # fmt: skip
    yield
    for config in configs:
        found.setdefault("scores", {}).update(
            scored(PretrainedRun(folder).model, config, os.environ["KOBERT_KLUE"], ARTIFACTS)
        )
        yield


def entry(figures: Figures, name: str, minutes: float, rate: float) -> Figures:
    """What is known of one run."""
    found: Figures = figures.setdefault("runs", {}).setdefault(name, {}).setdefault(f"{minutes:g}", {})
    return found.setdefault(f"{rate:g}", {})


def jobs(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    """What `sweep.py` has to find out: the longest runs of systems whose rates are compared, then the rates of the others."""
    long, short = [], []
    for rank in range(len(MULTIPLES)):
        for name in names:
            rate = rates_of(name)[rank]
            if "scores" not in entry(figures, name, min(minutes), rate):
                short.append(job_of(figures, name, min(minutes), rate, [FEW_LABELS]))
    for name in names:
        rate = best_rate(figures, name)
        if "scores" in entry(figures, name, min(minutes), rate):
            long.append(job_of(figures, name, max(minutes), rate, [FEW_LABELS, ALL_LABELS]))
    lines = [json.dumps(job, ensure_ascii=False) for job in [*long, *short]]
    write_text(ROOT / "jobs.jsonl", "\n".join([*lines, ""]))
    yield


def job_of(figures: Figures, name: str, minutes: float, rate: float, configs: list[Figures]) -> Figures:
    recipe = timed_recipe(figures, name, minutes, rate)
    return {
        "name": f"systems/{name}/{minutes:g}/{rate:g}", "store": "main", "seed": recipe.seed,
        "pretrain": recipe.pretrain.model_dump(mode="json", exclude_none=True), "scores": configs,
    }  # fmt: skip


def results(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    """Reads what `sweep.py` found."""
    for line in sweep.read(RESULTS):
        kind, *run_name = line["name"].split("/")
        if kind != "systems":
            continue
        found = entry(figures, run_name[0], float(run_name[1]), float(run_name[2]))
        if line["what"] == "trained":
            found |= {name: line[name] for name in ("tokens", "steps", "headline", "chance")}
            found["validation"] = line["last"][line["headline"]]
        if line["what"] == "scored":
            found.setdefault("scores", {})[line["title"]] = line["values"]
    yield


YNAT = "YNAT macro F1, 1,000 rows"
FEW_LABELS: Figures = {
    "tasks": ["ynat"], "tfidf": False, "precision": "32-true",
    "protocols": {"1,000 rows": {
        "train_rows": 1_000, "seeds": 3, "learning_rates": [1e-4, 3e-4, 1e-3], "epochs": [4, 12], "selection_rows": 500,
        "evaluations_per_epoch": 0,
    }},
}  # fmt: skip
ALL_LABELS: Figures = {
    "tasks": ["sts", "nli", "ner"], "held_out": ["ner"], "tfidf": False, "precision": "32-true",
    "protocols": {"all rows": {"seeds": 1, "learning_rates": [3e-4], "evaluations_per_epoch": 0}},
    "settings": {"sts": {"epochs": 2}, "nli": {"epochs": 2}},
}  # fmt: skip


PARTS: dict[str, Callable[[Figures, list[str], list[float]], Iterator[None]]] = {
    "speeds": speeds, "rates": rates, "models": models, "jobs": jobs, "results": results,
}  # fmt: skip


# --- table and plot --------------------------------------------------------------------------------------------------


def rows_of(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[Figures]:
    for number in minutes:
        for name in names:
            rate = best_rate(figures, name)
            found = entry(figures, name, number, rate)
            if not found:
                continue
            yield {
                "system": name, "minutes": number, "learning rate": f"{rate:g}", **figures["speeds"][name],
                "speed by FLOPs": _by_flops(figures, name), "tokens": f"{found['tokens'] / 1e6:.1f} M",
                "validation": f"{found['headline']} {found['validation']:.2f} ({found['chance']:.2f})",
                **{title: f"{sum(values) / len(values):.1f}" for title, values in found.get("scores", {}).items()},
            }  # fmt: skip


def _by_flops(figures: Figures, name: str) -> Any:
    """FLOP/s beside BERT's: 1 if the system is as fast as its FLOPs predict."""
    speeds = figures["speeds"]
    if "BERT" not in speeds:
        return ""
    own, bert = (one["tokens/s"] * one["MFLOP/token"] for one in (speeds[name], speeds["BERT"]))
    return own / bert


def draw(figures: Figures, names: list[str], minutes: list[float]) -> None:
    """YNAT with 1,000 labels by minutes, a line for each system."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(9, 5), layout="constrained")).add_subplot()
    for name, colour in zip(names, colormaps["tab20"].colors, strict=False):
        found = [
            (number, entry(figures, name, number, best_rate(figures, name)).get("scores", {}))
            for number in sorted(minutes)
        ]
        points = [(number, scores[YNAT]) for number, scores in found if YNAT in scores]
        if points:
            axes.errorbar(
                [number for number, _ in points], [sum(values) / len(values) for _, values in points],
                [(max(values) - min(values)) / 2 for _, values in points], marker="o", capsize=3, label=name, color=colour,
            )  # fmt: skip
    axes.set(xlabel="minutes of pretraining on two cores", ylabel="YNAT macro F1 with 1,000 labels")
    figure.legend(fontsize="small", loc="outside right upper")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)


if __name__ == "__main__":
    main()
