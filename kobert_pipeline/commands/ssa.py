"""`kobert ssa`: how sensible and specific people found the replies of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Sheets = Annotated[
    list[Path],
    typer.Argument(
        metavar="CSV...", help="Sheets that `kobert chat MODEL --sheet` wrote, one filled in by each rater."
    ),
]


def ssa(sheets: Sheets) -> None:
    """Read filled sheets of `kobert chat --sheet`: sensibleness, specificity and their average, with confidence intervals."""
    from kobert_pipeline.uses.ssa import ssa as rated

    typer.echo("\n".join(rated(sheets).lines()))
