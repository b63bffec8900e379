"""The hub stage: gathers what is to be published in `publish/`, offline, and loads it back. The only I/O of this package
besides what `push.py` and `fresh_process.py` do."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import MANIFEST, Manifest, Workspace, read_manifest
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.files import atomic_path, write_text
from kobert_pipeline.hub.bundle import GOLDEN
from kobert_pipeline.hub.card import model_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.files import BINARY, CARD, MANIFESTS, PUBLISH, RECIPE, SCORES, STAGES, is_model_file
from kobert_pipeline.hub.fresh_process import check_folder
from kobert_pipeline.hub.published_recipe import published_recipe
from kobert_pipeline.hub.scan import leaks
from kobert_pipeline.uses import use_named

logger = logging.getLogger(__name__)


def build(
    config: HubConfig, folders: dict[str, Path], out: Workspace, *, recipe: str, resolved: dict[str, Any]
) -> dict[str, Any]:
    """Fills `out` with `publish/`. Returns the manifest's summary.

    `folders` maps stages to finished artifacts, `resolved` is the whole recipe. Raises KobertError when plain
    transformers cannot use the folder, or when a file would show a folder of this machine.
    """
    started = time.monotonic()
    folder = out.path / PUBLISH
    out.remove(PUBLISH)  # an interrupted attempt: copying again is cheap
    manifests = {stage: read_manifest(folders[stage]) for stage in STAGES if stage in folders}
    _copy_model(folders["pretrain"] / "model", folder)
    _write_records(config, folders, manifests, folder, recipe, resolved)
    _refuse_leaks(folder, out)
    use = use_named(manifests["pretrain"].summary["use"])
    check_folder(folder, use, golden=folders["tokenizer"] / GOLDEN, export=folders["pretrain"] / "model")
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()
    }
    logger.info(
        "hub: %d files, %.1f MB, loaded back by plain transformers, in %.1f min",
        len(files),
        sum(files.values()) / 1e6,
        (time.monotonic() - started) / 60,
    )
    return {"files": files, "load_back": "ok"}


def _copy_model(model: Path, folder: Path) -> None:
    """Copies what transformers reads; anything else in the model's folder stays behind, by name."""
    if not model.is_dir():
        raise InputError(f"{model}: no such folder. Run the pretrain stage again.")
    for path in sorted(model.iterdir()):
        if path.is_file() and is_model_file(path.name):
            _copy(path, folder / path.name)
        else:
            logger.warning("hub: %s is no file of a model and stays behind", path.name)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _write_records(
    config: HubConfig,
    folders: Mapping[str, Path],
    manifests: Mapping[str, Manifest],
    folder: Path,
    recipe: str,
    resolved: Mapping[str, Any],
) -> None:
    """The card, the scores, the recipe, and the manifest of every stage."""
    write_text(folder / CARD, model_card(config, recipe, manifests))
    configs = {stage: manifest.config for stage, manifest in manifests.items()} | {"hub": config.content()}
    write_text(folder / RECIPE, published_recipe(recipe, resolved, configs))
    for stage in manifests:
        _copy(folders[stage] / MANIFEST, folder / MANIFESTS / f"{stage}.json")
    if "klue_eval" in folders and (folders["klue_eval"] / SCORES).is_file():
        _copy(folders["klue_eval"] / SCORES, folder / SCORES)


def _refuse_leaks(folder: Path, out: Workspace) -> None:
    """What is published must hold no secret, and must not tell whose machine it was made on."""
    places = sorted({str(place) for place in (Path.home(), out.path.resolve().parents[1]) if place != Path("/")})
    texts = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in BINARY]
    for path in texts:
        if found := leaks(path.read_text(encoding="utf-8"), places=places):
            raise KobertError(
                f"{path.relative_to(folder)}: would publish {found[0]}. Name that source or setting without it, and run the recipe again."
            )
