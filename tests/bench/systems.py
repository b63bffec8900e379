"""`make systems`: what every system learns in the same minutes on the same machine, from one corpus with one tokenizer.

The minutes of a system are turned into tokens once: `speeds` measures each on an idle machine. A run of tokens gives the same model
when it is interrupted, or shares the machine. Every figure is kept in `build/systems/systems.json` as soon as it is known, and
every model in `build/systems/artifacts`: start it again and it goes on.

KOBERT_DATA names the folder of real data. SYSTEMS names some of the systems below (in quotation marks, comma between them),
SYSTEMS_MINUTES the minutes, longest first, and SYSTEMS_PARTS some of speeds, rates, models, scores. `rates` trains each system for a few
minutes at multiples of its recipe's learning rate. Prints the table, and draws `build/systems/systems.png`.
"""

from __future__ import annotations

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
from run import extract_klue

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.pretrain.estimate import estimate
from kobert_pipeline.recipe import Recipe, load_recipe
from kobert_pipeline.runner import run

ROOT = Path("build/systems")
ARTIFACTS, RESULT, PLOT = ROOT / "artifacts", ROOT / "systems.json", ROOT / "systems.png"
TEXT = Path(__file__).parent.parent / "real" / "text.yaml"
KLUE = ("ynat-v1", "klue-sts-v1.1", "klue-nli-v1.1", "klue-nli-v1.1-train", "klue-ner-v1.1")
BUSY = 15.0
"""Percent of the processors in use from which on nothing is timed."""
MULTIPLES = (0.5, 1.0, 2.0)
RATE_MINUTES = 3.0

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
    for part in os.environ.get("SYSTEMS_PARTS", "speeds models scores").split():
        for _ in PARTS[part](figures, names, minutes):
            write_json(RESULT, figures)
    rows = list(rows_of(figures, names, minutes))
    draw(figures, names, minutes)
    print(table(rows))  # noqa: T201


def recipe_of(name: str, *settings: str) -> Recipe:
    """The system's recipe on the corpus of `make real`."""
    system = SYSTEMS[name]
    path = ROOT / "recipes" / f"{system.recipe}.yaml"
    write_text(path, f"extends: [{system.recipe}, {TEXT}]\nname: systems-{system.recipe}\n")
    return load_recipe(str(path), (*system.settings, *settings))


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
    """The validation headline after a few minutes, by learning rate."""
    for name in names:
        recipe_rate = recipe_of(name).pretrain.learning_rate
        for multiple in MULTIPLES:
            folder = trained(figures, name, RATE_MINUTES, f"pretrain.learning_rate={recipe_rate * multiple:g}")
            summary = PretrainedRun(folder).summary
            figures.setdefault("rates", {}).setdefault(name, {})[f"{recipe_rate * multiple:g}"] = summary.last[
                summary.headline
            ]
            yield


def models(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    for number in minutes:
        for name in names:
            folder = trained(figures, name, number)
            summary = PretrainedRun(folder).summary
            figures.setdefault("models", {}).setdefault(name, {})[f"{number:g}"] = {
                "tokens": summary.tokens, "steps": summary.steps, "headline": summary.headline,
                "validation": summary.last[summary.headline], "chance": summary.chance.value,
            }  # fmt: skip
            yield


def trained(figures: Figures, name: str, minutes: float, *settings: str) -> Path:
    """The pretraining of as many tokens as the system trains on in `minutes`."""
    tokens = round(60 * minutes * figures["speeds"][name]["tokens/s"])
    recipe = recipe_of(name, f"pretrain.max_tokens={tokens}", "pretrain.measured_sentences=0", *settings)
    return run(recipe, ARTIFACTS, until="pretrain")["pretrain"]


def scores(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[None]:
    """YNAT with 1,000 labels, and the longest runs also on STS, NLI and NER with all labels at hand."""
    for number in minutes:
        for name in names:
            model = PretrainedRun(trained(figures, name, number)).model
            configs = [FEW_LABELS, *([ALL_LABELS] if number == max(minutes) else [])]
            found = [score for config in configs for score in scored(model, config)]
            figures.setdefault("scores", {}).setdefault(name, {})[f"{number:g}"] = dict(found)
            yield


FEW_LABELS: Figures = {
    "tasks": ["ynat"], "tfidf": False,
    "protocols": {"1,000 rows": {
        "train_rows": 1_000, "seeds": 3, "learning_rates": [1e-4, 3e-4, 1e-3], "epochs": [4, 12], "selection_rows": 500,
        "evaluations_per_epoch": 0,
    }},
}  # fmt: skip
ALL_LABELS: Figures = {
    "tasks": ["sts", "nli", "ner"], "held_out": ["ner"], "tfidf": False,
    "protocols": {"all rows": {"seeds": 1, "learning_rates": [3e-4], "evaluations_per_epoch": 0}},
    "settings": {"sts": {"epochs": 2}, "nli": {"epochs": 2}},
}  # fmt: skip


def scored(model: Path, config: Figures) -> Iterator[tuple[str, list[float]]]:
    """The title of a task's first metric -> the scores of its seeds."""
    folder = evaluate_model(
        str(model), EvaluationConfig.parse(config | {"data": os.environ["KOBERT_KLUE"]}), ARTIFACTS, 42
    )
    summary = Scores(folder).summary
    for result in summary.results:
        column = next(column for column in summary.columns if column.task == result.task)
        yield column.title, list(result.metrics[column.metric].per_seed)


PARTS: dict[str, Callable[[Figures, list[str], list[float]], Iterator[None]]] = {
    "speeds": speeds, "rates": rates, "models": models, "scores": scores,
}  # fmt: skip


# --- table and plot --------------------------------------------------------------------------------------------------


def rows_of(figures: Figures, names: list[str], minutes: list[float]) -> Iterator[Figures]:
    for number in minutes:
        for name in names:
            model = figures.get("models", {}).get(name, {}).get(f"{number:g}")
            if model is None:
                continue
            scores = figures.get("scores", {}).get(name, {}).get(f"{number:g}", {})
            yield {
                "system": name, "minutes": number, **figures["speeds"][name], "speed by FLOPs": _by_flops(figures, name),
                "tokens": f"{model['tokens'] / 1e6:.1f} M",
                "validation": f"{model['headline']} {model['validation']:.2f} ({model['chance']:.2f})",
                **{title: f"{sum(values) / len(values):.1f}" for title, values in scores.items()},
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
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(7, 5), layout="constrained")).add_subplot()
    for name in names:
        found = figures.get("scores", {}).get(name, {})
        points = sorted((float(number), scores["YNAT macro F1"]) for number, scores in found.items())
        if points:
            axes.errorbar(
                [number for number, _ in points], [sum(values) / len(values) for _, values in points],
                [(max(values) - min(values)) / 2 for _, values in points], marker="o", capsize=3, label=name,
            )  # fmt: skip
    axes.set(xlabel="minutes of pretraining on two cores", ylabel="YNAT macro F1 with 1,000 labels")
    axes.legend(fontsize="small", ncols=2)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)


if __name__ == "__main__":
    main()
