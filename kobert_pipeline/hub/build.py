"""The hub stage: gathers what is to be published in `publish/`, offline, and loads it back. Only this file, `push.py` and
`fresh_process.py` do I/O in this package."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.artifacts import MANIFEST, Workspace
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.hub_folder import PUBLISH, OnnxFiles
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.files import atomic_path, write_text
from kobert_pipeline.hub.card import base_model, model_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.fresh_process import check_folder
from kobert_pipeline.hub.hub_scores import dev_scores, eval_results_file
from kobert_pipeline.hub.publishable import BINARY, CARD, EVAL_RESULTS, MANIFESTS, RECIPE, SCORES, STAGES, is_model_file
from kobert_pipeline.hub.published_recipe import published_recipe
from kobert_pipeline.hub.scan import leaks
from kobert_pipeline.uses import use_named

logger = logging.getLogger(__name__)

WriteOnnx = Callable[[Path, Path, Sequence[str]], OnnxFiles]
"""The folder of a model, the folder that gets its ONNX files, and their formats."""


def build(
    config: HubConfig, folders: dict[str, Path], out: Workspace, *, recipe: str, resolved: dict[str, Any],
    write_onnx: WriteOnnx | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fills `out` with `publish/`. Returns the manifest's summary.

    `folders`: stage -> finished artifact; `resolved`: the whole recipe; `write_onnx`: for `hub.onnx`. Raises KobertError when plain
    transformers cannot use the folder, or when a file would show a secret or a folder of this machine.
    """
    started = time.monotonic()
    folder = out.path / PUBLISH
    out.remove(PUBLISH)  # what an interrupted attempt left; copying again is cheap
    artifacts = ArtifactSet.read(folders).only(*STAGES)
    for reader in (TokenizerFolder, PretrainedRun):
        artifacts[reader].require_content()
    pretrain = artifacts[PretrainedRun]
    use = use_named(pretrain.summary.use)
    _copy_model(pretrain.model, folder)
    onnx = write_onnx(pretrain.model, folder, config.onnx) if config.onnx and write_onnx else None
    _write_records(config, artifacts, folder, recipe, resolved, onnx)
    _refuse_leaks(folder, out)
    _warn(config, artifacts)
    check_folder(folder, use, tokenizer=artifacts[TokenizerFolder].folder, export=pretrain.model)
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()
    }
    logger.info(
        "hub: %d files, %.1f MB, loaded back by plain transformers, in %.1f s",
        len(files),
        sum(files.values()) / 1e6,
        time.monotonic() - started,
    )
    return {"files": files, "load_back": "ok"} | ({"onnx": asdict(onnx)} if onnx else {})


def _warn(config: HubConfig, artifacts: ArtifactSet) -> None:
    """About what is published as it is, and what its user should know."""
    if not artifacts[TokenizerFolder].summary.nfc:
        logger.warning(
            "hub: the adopted tokenizer cuts decomposed Hangul (NFD) otherwise than composed; the card says to compose text first"
        )
    pretrain = artifacts[PretrainedRun]
    if pretrain.continued_from and not base_model(config, pretrain):
        logger.warning(
            "hub: the card cannot name the model that training continued from. Set hub.base_model: owner/name"
        )


def _copy_model(model: Path, folder: Path) -> None:
    """Copies what transformers reads. Logs the name of any other file in the model's folder."""
    if not model.is_dir():
        raise InputError("{model}: no such folder. Run the pretrain stage again.", model=model)
    for path in sorted(model.iterdir()):
        if path.is_file() and is_model_file(path.name):
            _copy(path, folder / path.name)
        else:
            logger.warning("hub: %s is not a file of a model and is not copied", path.name)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _write_records(
    config: HubConfig, artifacts: ArtifactSet, folder: Path, recipe: str, resolved: Mapping[str, Any], onnx: OnnxFiles | None
) -> None:  # fmt: skip
    """The card, the scores, the recipe, and the manifest of every stage."""
    write_text(folder / CARD, model_card(config, recipe, artifacts, onnx=onnx))
    configs = {stage: found.config for stage, found in artifacts.by_stage.items()} | {"hub": config.content()}
    write_text(folder / RECIPE, published_recipe(recipe, resolved, configs))
    for stage, found in artifacts.by_stage.items():
        _copy(found.folder / MANIFEST, folder / MANIFESTS / f"{stage}.json")
    scored = artifacts.get(Scores)
    if scored and (scores := scored.file(SCORES)):
        _copy(scores, folder / SCORES)
    if entries := eval_results_file(dev_scores(artifacts)):
        write_text(folder / EVAL_RESULTS, entries)


def _refuse_leaks(folder: Path, out: Workspace) -> None:
    """Raises KobertError for a file that holds a secret, or that shows on whose machine it was made."""
    places = sorted({str(place) for place in (Path.home(), out.path.resolve().parents[1]) if place != Path("/")})
    texts = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(BINARY)]
    for path in texts:
        if found := leaks(path.read_text(encoding="utf-8"), places=places):
            raise KobertError(
                "{path}: would publish {problem}. Change the name of the source or setting that contains it, and run the recipe again.",
                path=path.relative_to(folder),
                problem=found[0],
            )
