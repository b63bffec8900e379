"""Where the model is that a user names by a recipe, a folder or a Hub id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.ground.contents.pretrained_run import exported_model
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.recipe import load_recipe, shipped_recipes
from kobert_pipeline.runner import finished_folders

STAGE = "pretrain"
CONFIG = "config.json"
MODEL = "model"


def locate(name: str, settings: Sequence[str], artifacts: Path) -> str:
    """The folder of a recipe's model, or of a model; any other name is a Hub id and stays as it is.

    Raises KobertError for a recipe that is not trained, and for a folder without a model.
    """
    if name in shipped_recipes() or Path(name).is_file() or Path(name).suffix in (".yaml", ".yml"):
        folders = finished_folders(load_recipe(name, tuple(settings)), artifacts)
        if STAGE not in folders:
            raise KobertError(
                f"{name}: no trained model for these settings. Run `kobert run {name} --until {STAGE}` first."
            )
        return str(exported_model(folders[STAGE]))
    if not Path(name).is_dir():
        return name
    folder = next((place for place in (Path(name), Path(name) / MODEL) if (place / CONFIG).is_file()), None)
    if folder is None:
        raise InputError(f"{name}: no {CONFIG}; name a folder that `save_pretrained` wrote, or that a run exported.")
    return str(folder)


def other_models(folder: str) -> list[str]:
    """The further models that the same run exported next to `model/`, such as a generator."""
    place = Path(folder)
    if place.name != MODEL or not place.is_dir():
        return []
    return sorted(str(other) for other in place.parent.iterdir() if other != place and (other / CONFIG).is_file())
