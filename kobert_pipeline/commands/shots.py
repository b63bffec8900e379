"""`kobert eval MODEL --shots`: scores by the likelihood of label words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from kobert_pipeline.ground.errors import KobertError

TRAINS = (
    "task",
    "kind",
    "epochs",
    "rescore",
    "recipe",
    "perturb",
    "workers",
    "export",
    "train_rows",
    "held_out",
    "trust_remote_code",
)
"""Options of evaluations that train."""


def require_shots(given: Mapping[str, Any]) -> None:
    """Raises KobertError for options of `kobert eval`, by name, that do not go together."""
    if given["model"] is None:
        raise KobertError("Name a model: kobert eval MODEL --shots 0,1,4,16.")
    if given["shots"] is None:
        raise KobertError("--rows belongs to --shots. For the number of training rows there is --train-rows.")
    for name in TRAINS:
        if given[name]:
            raise KobertError(
                "--shots trains nothing, so --{option} does not go with it. Leave one of them out.",
                option=name.replace("_", "-"),
            )


def score_shots(
    model: str, shots: str, tasks: Sequence[str] | None, data: str, seeds: int | None, rows: int | None, out: Path | None
) -> None:  # fmt: skip
    """Prints the table. With `out`, also writes it there, with the scores as JSON."""
    from klue_eval.few_shot.likelihoods import as_records, few_shot_table, score_by_likelihood
    from klue_eval.few_shot.prompt_rows import PROMPTED
    from kobert_pipeline.ground.files import write_json, write_text
    from kobert_pipeline.training.quiet import quiet

    numbers = _numbers(shots)
    with quiet():
        scores = score_by_likelihood(
            model, tasks or tuple(PROMPTED), numbers, data=data, rows=rows, seeds=seeds or 1
        )  # fmt: skip
    typer.echo(few_shot_table(scores))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "few_shot.json", as_records(scores))
        write_text(out / "few_shot.md", few_shot_table(scores))


def _numbers(text: str) -> list[int]:
    """`0,1,4` -> [0, 1, 4]. Raises KobertError for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise KobertError(
            "--shots {text}: give numbers of examples with commas between them, such as 0,1,4,16.", text=text
        )
    return sorted({int(part) for part in parts})
