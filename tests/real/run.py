"""`make real`: runs both mini recipes on real text and prints the tables of the README's "What to expect on two cores".

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`, `klue/*.tar.zst`). The figures are also written to
`build/bench/real.json`.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.contents.corpus import NOT_REASONS
from kobert_pipeline.ground.contents.scores import PRETRAINED, RANDOM, Column, ScoreSummary, parse_scores
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.report.page import write_page
from kobert_pipeline.runner import run

HERE = Path(__file__).parent
ARTIFACTS = Path(os.environ.get("KOBERT_ARTIFACTS", "artifacts"))
RECIPES = ("bert-mini", "modernbert-mini")
KLUE = ("ynat-v1", "klue-sts-v1.1")


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name in ("corpora", "tokenizer", "klue_eval", "kobert_pipeline"):
        logging.getLogger(name).setLevel(logging.INFO)
    data = Path(os.environ.setdefault("KOBERT_DATA", "../shared/data"))
    if not data.is_dir():
        sys.exit(f"KOBERT_DATA names {data}, which is missing")
    os.environ["KOBERT_KLUE"] = str(extract_klue(data, Path("build/klue")))
    figures = {}
    for name in RECIPES:
        recipe = load_recipe(str(HERE / f"{name}.yaml"))
        folders = run(recipe, ARTIFACTS)
        write_page(ARTIFACTS / "reports" / f"{recipe.name}.html", recipe.name, folders, recipe.report.compare_with)
        figures[name] = {stage: figures_of(folder) for stage, folder in folders.items()}
    write_json(Path("build/bench/real.json"), figures)
    print(markdown(figures))  # noqa: T201


def extract_klue(data: Path, target: Path, names: Sequence[str] = KLUE) -> Path:
    """Unpacks the archives of KLUE that `target` does not have. Returns `target`."""
    for name in names:
        done = target / f".{name}"
        if done.exists():
            continue
        with (
            zstandard.open(data / "klue" / f"{name}.tar.zst", "rb") as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            archive.extractall(target, filter="data")
        done.touch()
    return target


def figures_of(folder: Path) -> dict[str, Any]:
    """Time, peak memory and summary of an artifact."""
    times = read_json(folder / "run.json")
    return {"seconds": times["seconds"], "peak_mib": times["peak_mib"], "summary": read_manifest(folder).summary}


# --- the README's tables ---------------------------------------------------------------------------------------------


def markdown(figures: dict[str, Any]) -> str:
    return "\n\n".join([_corpus(figures), _runs(figures), _stages(figures), _scores(figures)])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _corpus(figures: dict[str, Any]) -> str:
    sources = figures[RECIPES[0]]["corpora"]["summary"]["sources"]
    rows = []
    for name, source in sources.items():
        counts = source["counts"]
        reasons = [
            f"{reason} {count:,}" for reason, count in sorted(counts.items()) if count and reason not in NOT_REASONS
        ]
        size = f"{counts['raw_bytes'] / 1e6:.1f} MB → {counts['bytes'] / 1e6:.1f} MB"
        rows.append(
            [
                name,
                f"{counts['documents']:,} → {counts['kept']:,}",
                size,
                f"{counts['sentences']:,}",
                ", ".join(reasons),
                f"{source['dropped_sentences'].get('duplicate', 0):,}",
            ]
        )
    return _table(
        ["source", "documents read → kept", "text", "sentences", "dropped documents", "repeated sentences"], rows
    )


def _runs(figures: dict[str, Any]) -> str:
    def row(label: str, value: Any) -> list[str]:
        return [label, *(value(figures[name]) for name in RECIPES)]

    def validation(run: dict[str, Any], term: str, which: int) -> float:
        return float(run["pretrain"]["summary"]["validation"][which].get(term, float("nan")))

    def nsp(run: dict[str, Any]) -> str:
        accuracy = validation(run, "nsp_accuracy", -1)
        return "–" if math.isnan(accuracy) else f"{accuracy:.3f}"

    rows = [
        row("parameters", lambda run: f"{run['pretrain']['summary']['parameters']:,}"),
        row(
            "tokens per eojeol", lambda run: f"{run['tokenizer']['summary']['training_text']['pieces_per_eojeol']:.2f}"
        ),
        row("unigram entropy, nats", lambda run: f"{run['pretrain']['summary']['unigram_entropy']:.2f}"),
        row(
            "validation MLM loss, start → end",
            lambda run: f"{validation(run, 'mlm', 0):.2f} → **{validation(run, 'mlm', -1):.2f}**",
        ),
        row("validation accuracy of masked tokens", lambda run: f"{validation(run, 'mlm_accuracy', -1):.3f}"),
        row("validation NSP accuracy", nsp),
        row("steps", lambda run: f"{run['pretrain']['summary']['steps']:,}"),
        row("tokens seen", lambda run: f"{run['pretrain']['summary']['tokens'] / 1e6:.1f} M"),
        row(
            "tokens/s, validation included",
            lambda run: f"{run['pretrain']['summary']['tokens'] / run['pretrain']['seconds']:,.0f}",
        ),
    ]
    return _table(["pretraining", *RECIPES], rows)


def _stages(figures: dict[str, Any]) -> str:
    rows = []
    for stage in figures[RECIPES[0]]:
        cells = [
            f"{figures[name][stage]['seconds']:,.0f} s, {figures[name][stage]['peak_mib'] / 1024:.1f} GiB"
            for name in RECIPES
        ]
        shared = stage in ("corpora", "tokenizer", "dataset")
        rows.append([stage, cells[0], "shared" if shared else cells[1]])
    return _table(["stage: seconds, peak memory", *RECIPES], rows)


def _scores(figures: dict[str, Any]) -> str:
    """Official scores of the last checkpoint; in brackets, the learning rate and the epochs that were chosen."""
    scores = {name: parse_scores(figures[name]["klue_eval"]["summary"]) for name in RECIPES}
    kinds = [(name, kind) for name in RECIPES for kind in (PRETRAINED, RANDOM)]
    first = scores[RECIPES[0]]
    rows = []
    for protocol, tasks in first.baseline.items():
        for column in first.columns:
            if column.task in tasks:
                cells = [_score(scores[name], protocol, column, kind) for name, kind in kinds]
                rows.append([f"{column.title}, {protocol}", *cells, f"{tasks[column.task][column.metric]:.1f}"])
    return _table(["dev score, last checkpoint", *(f"{name}, {kind}" for name, kind in kinds), "TF-IDF"], rows)


def _score(scores: ScoreSummary, protocol: str, column: Column, initialisation: str) -> str:
    wanted = (protocol, column.task, initialisation)
    for result in scores.results:
        if (result.protocol, result.task, result.initialisation) == wanted:
            figures = result.metrics[column.metric]
            spread = "" if figures.spread is None else f" ± {figures.spread:.1f}"
            return f"{figures.last_mean:.1f}{spread} ({result.learning_rate:g} × {result.epochs})"
    return "–"


if __name__ == "__main__":
    main()
