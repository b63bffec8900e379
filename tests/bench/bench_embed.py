"""Sentence embeddings of one encoder by several trainings: the table of the embedding package's README.

`python tests/bench/bench_embed.py NAME=FOLDER ...` trains each encoder without labels (`simcse`) and with them (`nli`, `sts`, both), and
measures what `kobert embed` measures. KOBERT_KLUE is KLUE's folder. Of BENCH_RATES, `sts` takes the one with the highest Spearman on
1,000 pairs of KLUE-STS's training rows that it was not trained on; dev decides nothing. BENCH_CORPUS is a text file of sentences for
`simcse`. BENCH_MAX_STEPS ends every training earlier, to try it out. Prints a table and saves `build/bench/embed.json` after every row; what is finished is not repeated.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from parts import table

from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.embedding_folder import embed_model
from kobert_pipeline.embedding.measured_model import AFTER, BEFORE
from kobert_pipeline.embedding.pair_files import FIRST, SCORE, SECOND, klue_pairs
from kobert_pipeline.ground.files import read_json, write_json, write_text

KLUE = os.environ.get("KOBERT_KLUE", "build/klue")
CORPUS = os.environ.get("BENCH_CORPUS", "")
RATES = [float(rate) for rate in os.environ.get("BENCH_RATES", "1e-4 3e-4 1e-3").split()]
MAX_STEPS = int(os.environ["BENCH_MAX_STEPS"]) if "BENCH_MAX_STEPS" in os.environ else None
RESULT = Path(os.environ.get("BENCH_RESULT", "build/bench/embed.json"))
CHOSEN_ON = 1_000
"""Pairs on which the learning rate is chosen."""
TRAININGS: dict[str, tuple[str, ...]] = {"sts": ("sts",), "nli": ("nli",), "nli, sts": ("nli", "sts")}

Figures = dict[str, Any]


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(1)
    rows: list[Figures] = read_json(RESULT)["rows"] if RESULT.exists() else []
    for name, folder in (given.split("=", 1) for given in sys.argv[1:]):
        for row in rows_of(name, Path(folder), {row["model"] for row in rows}):
            rows.append(row)
            write_json(RESULT, {"rows": rows})
            print(table(rows), flush=True)  # noqa: T201


def rows_of(name: str, encoder: Path, done: set[str]) -> Iterator[Figures]:
    if CORPUS and f"{name}, simcse" not in done:
        trained = [each | {"sentences": 20_000} for each in steps(("simcse",), RATES[0])]
        figures = embedded(encoder, trained, klue=KLUE)
        yield {"model": f"{name}, simcse", "learning rate": f"{RATES[0]:g}"} | figures[AFTER]
    for what, methods in TRAININGS.items():
        if f"{name}, {what}" not in done:
            rate = chosen(encoder) if "sts" in methods else RATES[0]
            figures = embedded(encoder, steps(methods, rate), klue=KLUE)
            yield {"model": f"{name}, {what}", "learning rate": f"{rate:g}"} | figures[AFTER]
    if f"{name}, mean" not in done:
        figures = embedded(encoder, [], klue=KLUE)
        yield {"model": f"{name}, mean"} | figures[BEFORE]
        yield from (
            {"model": words} | found for words, found in figures.items() if words != BEFORE and words not in done
        )


def steps(methods: tuple[str, ...], rate: float) -> list[Figures]:
    return [{"method": method, "learning_rate": rate, "max_steps": MAX_STEPS} for method in methods]


@functools.cache
def chosen(encoder: Path) -> float:
    """The rate of `sts` with the highest Spearman on training pairs that are not trained on."""
    pairs = klue_pairs(KLUE, "train")
    with tempfile.TemporaryDirectory() as place:
        files = {"sts_train": pairs[:-CHOSEN_ON], "sts_dev": pairs[-CHOSEN_ON:]}
        for setting, part in files.items():
            lines = [
                "\t".join((FIRST, SECOND, SCORE)),
                *(f"{first}\t{second}\t{score}" for first, second, score in part),
            ]
            write_text(Path(place) / f"{setting}.tsv", "\n".join(lines) + "\n")
        given = {setting: str(Path(place) / f"{setting}.tsv") for setting in files}
        found = {rate: embedded(encoder, steps(("sts",), rate), **given)[AFTER]["sts_dev: Spearman"] for rate in RATES}
    return max(found, key=lambda rate: found[rate])


def embedded(encoder: Path, trained: list[Figures], **settings: Any) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as place:
        config = EmbeddingConfig.parse({"steps": trained} | settings)
        return dict(embed_model(encoder, Path(place) / "out", config, Path(CORPUS) if CORPUS else None))


if __name__ == "__main__":
    main()
