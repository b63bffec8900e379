"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name, or a path to a YAML file.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A recipe that was run, a Hugging Face folder, or a Hub id.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the recipe, e.g. pretrain.max_steps=100. May be repeated."
    ),
]
Artifacts = Annotated[
    Path,
    typer.Option("--artifacts", metavar="DIR", envvar="KOBERT_ARTIFACTS", help="The folder in which stages work."),
]
DEFAULT_ARTIFACTS = Path("artifacts")
