"""What every benchmark does: runs the parts that BENCH names, prints each as a table, saves all figures."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from kobert_pipeline.ground.files import read_json, write_json

Table: TypeAlias = list[dict[str, Any]]
"""Rows of named figures; a row may lack some."""


def run_parts(parts: Mapping[str, Callable[[], Table]], result: Path, usual: str = "") -> None:
    """`usual`: the parts that run when BENCH names none; all of them where it is empty. Figures of parts that did not run
    this time stay in the file."""
    logging.disable(logging.WARNING)
    figures = read_json(result) if result.exists() else {}
    for name in os.environ.get("BENCH", usual or " ".join(parts)).split():
        figures[name] = parts[name]()
        write_json(result, figures)
        print(f"\n{name}\n{table(figures[name])}", flush=True)  # noqa: T201


def table(rows: Table) -> str:
    head = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name, "")) for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *cells])


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)
