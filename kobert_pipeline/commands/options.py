"""Arguments and options that several commands have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.ground.errors import KobertError

RECIPES = Path(__file__).parent.parent / "recipes"
SCHEME = re.compile(r"^[A-Za-z][\w+.-]+:/")
"""What an address begins with that is not a folder of this machine. A drive of Windows has one letter."""


def recipe_names(beginning: str) -> list[str]:
    """Shipped recipes, for the completion of a shell."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml") if path.stem.startswith(beginning))


def local_folder(folder: Path) -> Path:
    """Raises KobertError for an address such as s3://bucket/runs."""
    if SCHEME.match(str(folder)):
        address = str(folder).replace(":/", "://", 1)
        raise KobertError(
            "{address}: stages need a folder of a disk, because a finished one appears by a rename, which object stores do not have. "
            "Name a local folder or a mounted one, and copy finished folders there, e.g. with `aws s3 sync` or `rclone`.",
            address=address,
        )
    return folder


RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A shipped recipe's name, or a path to a YAML file.", autocompletion=recipe_names
    ),
]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A recipe that was run, a Hugging Face folder, or a Hub id.", autocompletion=recipe_names
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the recipe, e.g. pretrain.max_steps=100. May be repeated."
    ),
]
Artifacts = Annotated[
    Path,
    typer.Option(
        "--artifacts",
        metavar="DIR",
        envvar="KOBERT_ARTIFACTS",
        callback=local_folder,
        help="The folder in which stages work.",
    ),
]
DEFAULT_ARTIFACTS = Path("artifacts")
