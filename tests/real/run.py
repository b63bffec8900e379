"""`make real`: both mini recipes on real text, and the figures of the README's "What to expect on two cores".

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`, `klue/*.tar.zst`). Writes `build/bench/real.json`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import zstandard

from kobert_pipeline.artifacts import read_json, read_manifest, write_json
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
        write_page(ARTIFACTS / "reports" / f"{recipe.name}.html", recipe.name, folders)
        figures[name] = {stage: figures_of(folder) for stage, folder in folders.items()}
    write_json(Path("build/bench/real.json"), figures)
    print(json.dumps(figures, indent=1, ensure_ascii=False))  # noqa: T201


def extract_klue(data: Path, target: Path) -> Path:
    for name in KLUE:
        if (target / name).is_dir():
            continue
        with (
            zstandard.open(data / "klue" / f"{name}.tar.zst", "rb") as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            archive.extractall(target, filter="data")
    return target


def figures_of(folder: Path) -> dict[str, Any]:
    times = read_json(folder / "run.json")
    return {"seconds": times["seconds"], "peak_mib": times["peak_mib"], "summary": read_manifest(folder).summary}


if __name__ == "__main__":
    main()
