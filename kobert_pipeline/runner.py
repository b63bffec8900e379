"""Runs a recipe: what each stage would be made from, what is finished, what has to be built, and why."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground.amounts import shown_memory, shown_seconds
from kobert_pipeline.ground.artifacts import (
    Identity,
    Manifest,
    Workspace,
    artifact_folder,
    is_complete,
    partial_folder,
    read_manifest,
)
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.pointers import Pointer
from kobert_pipeline.ground.release import made_with
from kobert_pipeline.handover import Context
from kobert_pipeline.recipe import Recipe
from kobert_pipeline.stages import STAGE_NAMES, STAGES, Stage
from kobert_pipeline.training.ranks import is_first

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """A stage of a recipe, as it is on disk."""

    stage: Stage
    identity: Identity
    folder: Path
    complete: bool
    reasons: tuple[str, ...]
    """Why it would run. Empty for a complete stage."""


def identities(recipe: Recipe, root: Path, until: str = "hub") -> dict[str, Identity]:
    """What each stage up to `until` would be made from, in order. Reads the input files, not the artifacts.

    Raises InputError for an input file that is missing.
    """
    hashes = FileHashes(root)
    result: dict[str, Identity] = {}
    for stage in STAGES[: STAGE_NAMES.index(until) + 1]:
        inputs = {name: result[name].fingerprint for name in stage.after} | stage.inputs(recipe, hashes)
        result[stage.name] = stage.spec.identity(stage.config(recipe), inputs, recipe.seed if stage.seeded else 0)
    return result


def states(recipe: Recipe, root: Path) -> list[State]:
    """Every stage of the recipe, in order."""
    last = Pointer(root, recipe.name).last() | Pointer(root, recipe.run_name).last()
    result = []
    for stage, identity in zip(STAGES, identities(recipe, root).values(), strict=True):
        folder = artifact_folder(root, identity)
        complete = is_complete(folder)
        reasons = () if complete else tuple(_reasons(identity, last.get(stage.name), folder))
        result.append(State(stage, identity, folder, complete, reasons))
    return result


def _reasons(identity: Identity, last: Path | None, folder: Path) -> list[str]:
    if partial_folder(folder).is_dir():
        return [say("begun, not finished: goes on where it stopped")]
    if last is None or not is_complete(last):
        return [say("not built yet")]
    return differences(identity, read_manifest(last)) or [say("its folder is gone")]


def begun(root: Path, identity: Identity) -> bool:
    """Whether the artifact is finished, or was begun and will go on."""
    folder = artifact_folder(root, identity)
    return is_complete(folder) or partial_folder(folder).is_dir()


def differences(identity: Identity, before: Manifest) -> list[str]:
    """What differs from an artifact that was made before, one line per setting, library or input."""
    lines = []
    if identity.version != before.version:
        lines.append(say("code version {old} -> {new}", old=before.version, new=identity.version))
    if identity.seed != before.seed:
        lines.append(say("seed {old} -> {new}", old=before.seed, new=identity.seed))
    for key, old, new in _moved(_flat(before.config), _flat(identity.config)):
        lines.append(say("setting {key}: {old} -> {new}", key=key, old=old, new=new))
    for key, old, new in _moved(before.libraries, identity.libraries):
        lines.append(say("library {key}: {old} -> {new}", key=key, old=old, new=new))
    lines += [_change(key, identity, before) for key, _, _ in _moved(before.inputs, identity.inputs)]
    return lines


def _moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Key, value before and value now, where they differ."""
    pairs = [(key, before.get(key), now.get(key)) for key in sorted({*before, *now})]
    return [(key, old, new) for key, old, new in pairs if old != new]


def _change(key: str, identity: Identity, before: Manifest) -> str:
    """What happened to an input."""
    if key not in before.inputs:
        return say("input {key} is new", key=key)
    return say("input {key} is gone", key=key) if key not in identity.inputs else say("input {key} changed", key=key)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {
            name: item
            for key, inner in value.items()
            for name, item in _flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()
        }
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return {
            name: item
            for number, inner in enumerate(value)
            for name, item in _flat(inner, f"{prefix}[{number}]").items()
        }
    return {prefix: value}


def run(
    recipe: Recipe, root: Path, *, only: str | None = None, until: str | None = None, wait: bool = False
) -> dict[str, Path]:
    """Builds what is missing, in order. Returns stage -> folder for every finished stage of the recipe. With `wait`, a stage that
    another process makes is waited for."""
    wanted = wanted_stages(only, until)
    all_identities = identities(recipe, root, wanted[-1])
    if not is_first():
        return _train_along(recipe, root, all_identities) if TRAINED_TOGETHER in wanted else {}
    _check_all(recipe, root, all_identities, wanted)
    fingerprints = {name: identity.fingerprint for name, identity in all_identities.items()}
    folders: dict[str, Path] = {}
    pointer = Pointer(root, recipe.run_name)
    for stage, identity in zip(STAGES, all_identities.values(), strict=False):
        folder = artifact_folder(root, identity)
        if is_complete(folder):
            if stage.name in wanted:
                logger.info("%s: up to date (%s)", stage.name, _shown(folder, root))
        elif stage.name in wanted:
            _require(stage, folders, recipe.name)
            folder = _build(stage, recipe, identity, folders, fingerprints, root, wait=wait)
        else:
            continue
        folders[stage.name] = folder
        pointer.remember(folders)
    return folders


def _check_all(recipe: Recipe, root: Path, all_identities: Mapping[str, Identity], wanted: Sequence[str]) -> None:
    """Raises KobertError, before the first stage is built, for what a later one would find wrong."""
    for stage, identity in zip(STAGES, all_identities.values(), strict=False):
        if stage.name in wanted and not is_complete(artifact_folder(root, identity)):
            stage.check(recipe, root)


TRAINED_TOGETHER = "pretrain"
"""The stage that all processes of a run compute. The first process alone computes the others."""
WAIT = 1.0
"""Seconds between two checks for what another process has to finish."""


def _train_along(recipe: Recipe, root: Path, all_identities: Mapping[str, Identity]) -> dict[str, Path]:
    """The work of a process that is not the first: it waits for the earlier stages, trains, and writes nothing."""
    logging.getLogger("kobert_pipeline").setLevel(logging.ERROR)
    stage = next(stage for stage in STAGES if stage.name == TRAINED_TOGETHER)
    folders = {name: artifact_folder(root, all_identities[name]) for name in stage.after}
    out = Workspace(root, all_identities[stage.name])
    while not all(is_complete(folder) for folder in folders.values()) or not (out.begun or is_complete(out.folder)):
        time.sleep(WAIT)
    if not is_complete(out.folder):
        fingerprints = {name: identity.fingerprint for name, identity in all_identities.items()}
        stage.build(Context(recipe, folders, fingerprints, root, out))
    return {}


def wanted_stages(only: str | None, until: str | None) -> list[str]:
    """The stages that `run` builds. Raises KobertError for a stage that does not exist."""
    for given in (only, until):
        if given is not None and given not in STAGE_NAMES:
            raise KobertError("{given}: no such stage; {meant}", given=given, meant=nearest(given, list(STAGE_NAMES)))
    if only is not None:
        return [only]
    return list(STAGE_NAMES if until is None else STAGE_NAMES[: STAGE_NAMES.index(until) + 1])


def _require(stage: Stage, folders: Mapping[str, Path], recipe: str) -> None:
    missing = [name for name in stage.after if name not in folders]
    if missing:
        raise KobertError(
            "{stage} needs {missing}, which is not built for these settings. Run `kobert run {recipe} --until {stage}`.",
            stage=stage.name,
            missing=", ".join(missing),
            recipe=recipe,
        )


def _build(
    stage: Stage,
    recipe: Recipe,
    identity: Identity,
    folders: Mapping[str, Path],
    fingerprints: Mapping[str, str],
    root: Path,
    *,
    wait: bool,
) -> Path:
    logger.info("%s: starts", stage.name)
    read = {name: folders[name] for name in stage.after}
    with Workspace(root, identity, wait=wait) as out:
        if is_complete(out.folder):  # another process finished it before this one got the lock
            return out.folder
        pointer = Pointer(root, recipe.run_name)
        pointer.remember_begun(out.folder)
        with Meter() as meter:
            summary = stage.build(Context(recipe, read, fingerprints, root, out))
        finished = {"finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": platform.platform()}
        finished |= {"hardware": hardware(), "made_with": made_with()}
        folder = out.finish(summary, finished | {"seconds": round(meter.seconds, 2), "peak_mib": round(meter.peak_mib)})
        pointer.remember({stage.name: folder})  # before the lock is released: `clean` may look at once
    logger.info(
        "%s: done in %s, peak memory %s (%s)",
        stage.name,
        shown_seconds(meter.seconds),
        shown_memory(meter.peak_mib * 2**20),
        _shown(folder, root),
    )
    return folder


def hardware() -> str:
    """The GPU, if torch is loaded and sees one; else the kind and the cores of the processor."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return f"{platform.machine()}, {os.cpu_count()} CPU cores"


def _shown(folder: Path, root: Path) -> str:
    return f"{root.name}/{folder.relative_to(root).as_posix()}"
