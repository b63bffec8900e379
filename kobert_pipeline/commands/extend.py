"""`kobert extend`: new pieces for a checkpoint, from the words of a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings, local_folder
from kobert_pipeline.ground.messages import say

NEXT = """\
tokenizer:
  adopt: {folder}
pretrain:
  continue_from: {folder}"""


def extend(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A Hugging Face folder or Hub id with a WordPiece tokenizer.")
    ],
    recipe: RecipeName,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", callback=local_folder, help="Where to write the extended model and tokenizer."),
    ],
    pieces: Annotated[int, typer.Option(min=1, help="How many new pieces at most.")] = 2_000,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Give a checkpoint pieces for the words of a recipe's corpus. Each starts as the mean of the pieces that it replaces."""
    from kobert_pipeline.commands.locate import model_of, on_hub
    from kobert_pipeline.extending import extend as extend_model
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run as run_stages

    place = model_of(model, artifacts)
    if not Path(place).is_dir():
        on_hub(place)
    loaded = load_recipe(recipe, tuple(settings or ()))
    corpora = run_stages(loaded, artifacts, until="corpora")["corpora"]
    extend_model(place, corpora, out, pieces, loaded.execution)
    typer.echo(
        say("Model:  {folder}", folder=out)
        + "\n"
        + say("To train it further, set in a recipe:")
        + "\n"
        + NEXT.format(folder=json.dumps(str(out), ensure_ascii=False))
    )
