"""Where the model is that a user names by a recipe, a folder or a Hub id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kobert_pipeline.finished import find_run, names_a_run
from kobert_pipeline.ground.contents.pretrained_run import exported_model
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.hub_revisions import Repository, file_names, is_cached
from kobert_pipeline.ground.messages import say
from kobert_pipeline.recipe import is_recipe

STAGE = "pretrain"
CONFIG = "config.json"
MODEL = "model"


def locate(name: str, settings: Sequence[str], artifacts: Path) -> str:
    """The folder of a run's model, or of a model; any other name is a Hub id and stays as it is.

    Raises KobertError for a run or a folder without a model, and for an id that the Hub does not have.
    """
    if is_recipe(name) or not Path(name).is_dir():
        return _model_of_run(name, settings, artifacts) if names_a_run(name, artifacts) else on_hub(name)
    folder = next((place for place in (Path(name), Path(name) / MODEL) if (place / CONFIG).is_file()), None)
    if folder is None:
        raise InputError(
            "{name}: no {file}; name a folder that `save_pretrained` wrote, or that a run exported.",
            name=name,
            file=CONFIG,
        )
    return str(folder)


def on_hub(name: str) -> str:
    """The Hub id. Raises InputError, after one question, where neither the Hub nor its cache has such a model: transformers would
    ask again and again."""
    repository = Repository.parse(name)
    if not is_cached(repository):
        place = say(
            "{name}: neither a recipe (`kobert recipes` lists them), nor a folder, nor a model on the Hub", name=name
        )
        file_names(repository, place, "")
    return name


def model_of(name: str, artifacts: Path) -> str:
    """The folder of a run's model; every other name stays as it is. Raises KobertError for a run without a model."""
    is_run = not Path(name).is_dir() and names_a_run(name, artifacts)
    return _model_of_run(name, (), artifacts) if is_run else name


def _model_of_run(name: str, settings: Sequence[str], artifacts: Path) -> str:
    run = find_run(name, settings, artifacts, STAGE)
    if run is None:
        raise KobertError(
            "{name}: no trained model for these settings. Run `kobert run {name} --until {stage}` first.",
            name=name,
            stage=STAGE,
        )
    return str(exported_model(run.folders[STAGE]))


def other_models(folder: str) -> list[str]:
    """The further models that the same run exported next to `model/`, such as a generator."""
    place = Path(folder)
    if place.name != MODEL or not place.is_dir():
        return []
    return sorted(str(other) for other in place.parent.iterdir() if other != place and (other / CONFIG).is_file())
