"""The pipeline: STAGES, one row a stage, in order. Reading this file is reading the pipeline.

Stages meet on disk. What one stage needs of another besides files (the objective's special tokens, a way to load the
tokenizer) is handed over here, so that no stage imports another.
"""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from corpora.config import CorporaConfig
from klue_eval.config import EvaluationConfig
from kobert_pipeline.artifacts import (
    FileHashes,
    Identity,
    Manifest,
    Workspace,
    artifact_folder,
    is_complete,
    read_json,
    read_manifest,
    write_json,
)
from kobert_pipeline.config import Config, assign, load_yaml, merge, nearest
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.errors import KobertError, RecipeError
from kobert_pipeline.execution import ExecutionConfig, Meter
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.config import PretrainConfig
from tokenizer.config import TokenizerConfig

logger = logging.getLogger(__name__)


class Recipe(Config):
    """Everything about a run. Written as YAML; a recipe may begin from another with `extends: NAME or PATH`."""

    name: str = Field(pattern=r"^[\w.-]+$")
    description: str = ""
    seed: int = Field(42, ge=0)
    corpora: CorporaConfig
    tokenizer: TokenizerConfig
    dataset: DatasetConfig = DatasetConfig()
    pretrain: PretrainConfig
    klue_eval: EvaluationConfig = EvaluationConfig()
    hub: HubConfig = HubConfig()
    execution: ExecutionConfig = ExecutionConfig()


@dataclass(frozen=True)
class Context:
    """What a stage's build is given: the recipe, the finished folders it reads, and where it may write."""

    recipe: Recipe
    folders: Mapping[str, Path]
    fingerprints: Mapping[str, str]
    root: Path
    out: Workspace

    @property
    def workers(self) -> int:
        return self.recipe.execution.workers


@dataclass(frozen=True)
class Stage:
    name: str
    version: int
    """Raised whenever the same input and settings give another output; a golden test watches it."""
    libraries: tuple[str, ...]
    """Distributions whose version may change the output."""
    after: tuple[str, ...]
    """Stages whose artifacts it reads."""
    seeded: bool
    config: Callable[[Recipe], dict[str, Any]]
    files: Callable[[Recipe, FileHashes], dict[str, str]]
    """Inputs from outside the artifacts folder: name -> sha256."""
    build: Callable[[Context], dict[str, Any]]


# --- corpora ---------------------------------------------------------------------------------------------------------


def _corpora_files(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """Sources keep their order; files are known by content and base name."""
    from corpora.inputs import input_files

    found = {}
    for number, file in enumerate(input_files(recipe.corpora)):
        name = f"{number:05d} {file.source.name}: {Path(file.address).name}"
        found[name] = hashes[Path(file.address)] if file.is_local else file.address
    return found


def _corpora_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.corpora.content()


def _build_corpora(context: Context) -> dict[str, Any]:
    from corpora.build import build

    return build(context.recipe.corpora, context.out, workers=context.workers)


# --- tokenizer -------------------------------------------------------------------------------------------------------


def special_tokens(recipe: Recipe) -> tuple[str, ...]:
    return OBJECTIVES[recipe.pretrain.objective["name"]].special_tokens


def _build_tokenizer(context: Context) -> dict[str, Any]:
    from tokenizer.build import build

    return build(
        context.recipe.tokenizer, context.folders["corpora"], context.out,
        special_tokens=special_tokens(context.recipe), workers=context.workers,
    )  # fmt: skip


# --- dataset ---------------------------------------------------------------------------------------------------------


def _build_dataset(context: Context) -> dict[str, Any]:
    from kobert_pipeline.dataset.build import build
    from tokenizer.load import load_tokenizer

    return build(
        context.recipe.dataset, context.folders["corpora"], context.folders["tokenizer"], context.out,
        load=load_tokenizer, workers=context.workers,
    )  # fmt: skip


# --- pretrain --------------------------------------------------------------------------------------------------------


def _build_pretrain(context: Context) -> dict[str, Any]:
    from kobert_pipeline.pretrain.build import build

    return build(
        context.recipe.pretrain,
        context.folders["tokenizer"],
        context.folders["dataset"],
        context.out,
        seed=context.recipe.seed,
    )


# --- klue_eval -------------------------------------------------------------------------------------------------------


def _klue_files(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    from klue_eval.build import hash_data

    return hash_data(recipe.klue_eval, hashes.root)


def _build_klue_eval(context: Context) -> dict[str, Any]:
    from klue_eval.build import build

    identity = context.out.identity
    data = {name: value for name, value in identity.inputs.items() if name not in context.folders}
    return build(
        context.recipe.klue_eval, context.folders["pretrain"] / "model", context.out, root=context.root,
        model_identity=context.fingerprints["pretrain"], seed=context.recipe.seed,
        libraries=identity.libraries, data_hashes=data, workers=context.workers,
    )  # fmt: skip


# --- hub -------------------------------------------------------------------------------------------------------------


def _build_hub(context: Context) -> dict[str, Any]:
    from kobert_pipeline.hub.build import build

    return build(
        context.recipe.hub, dict(context.folders), context.out,
        recipe=context.recipe.name, resolved=context.recipe.model_dump(mode="json"),
    )  # fmt: skip


def _no_files(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    return {}


STAGES: tuple[Stage, ...] = (
    Stage(
        "corpora", 1, ("kss", "mecab-python3", "python-mecab-ko-dic"), (), False,
        _corpora_config, _corpora_files, _build_corpora,
    ),
    Stage(
        "tokenizer", 1, ("tokenizers", "mecab-python3", "python-mecab-ko-dic"), ("corpora",), False,
        lambda recipe: recipe.tokenizer.content() | {"special_tokens": list(special_tokens(recipe))}, _no_files, _build_tokenizer,
    ),
    Stage(
        "dataset", 1, ("tokenizers",), ("corpora", "tokenizer"), False,
        lambda recipe: recipe.dataset.content(), _no_files, _build_dataset,
    ),
    Stage(
        "pretrain", 1, ("torch", "transformers", "lightning"), ("tokenizer", "dataset"), True,
        lambda recipe: recipe.pretrain.content(), _no_files, _build_pretrain,
    ),
    Stage(
        "klue_eval", 1, ("torch", "transformers", "lightning", "scikit-learn"), ("pretrain",), True,
        lambda recipe: recipe.klue_eval.content(), _klue_files, _build_klue_eval,
    ),
    Stage(
        "hub", 1, ("huggingface-hub",), ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval"), False,
        lambda recipe: recipe.hub.content() | {"recipe": recipe.name}, _no_files, _build_hub,
    ),
)  # fmt: skip


# --- recipes ---------------------------------------------------------------------------------------------------------

RECIPES = Path(__file__).parent / "recipes"


def shipped_recipes() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name: str, settings: tuple[str, ...] = ()) -> Recipe:
    """A shipped recipe by its name, or a YAML file by its path, with `--set` assignments laid on top."""
    values = _resolve(name, Path.cwd(), ())
    for assignment in settings:
        values = assign(values, assignment)
    return Recipe.parse(values)


def _resolve(name: str, base: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    path = _recipe_path(name, base)
    if path in seen:
        raise RecipeError(
            f"{name}: recipes extend each other in a circle: {' -> '.join(part.name for part in (*seen, path))}"
        )
    values = load_yaml(path)
    values.setdefault("name", path.stem)
    parent = values.pop("extends", None)
    if parent is None:
        return values
    inherited = _resolve(str(parent), path.parent, (*seen, path))
    return merge({key: value for key, value in inherited.items() if key != "name"}, values)


def _recipe_path(name: str, base: Path) -> Path:
    if name in shipped_recipes():
        return RECIPES / f"{name}.yaml"
    path = base / Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    if Path(name).suffix in (".yaml", ".yml"):
        raise RecipeError(f"{name}: no such recipe file. `kobert init {name}` writes one to start from.")
    raise RecipeError(f"{name}: neither a shipped recipe nor a file; {nearest(name, shipped_recipes())}")


# --- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """A stage of a recipe as it stands on disk."""

    stage: Stage
    identity: Identity
    folder: Path
    complete: bool
    reasons: tuple[str, ...]
    """Why it would run; empty when complete."""


def identities(recipe: Recipe, root: Path, until: str = "hub") -> dict[str, Identity]:
    """What each stage up to `until` would be made from, in order. Needs the input files, not the artifacts.

    Raises InputError for a file that is missing, before anything runs.
    """
    hashes = FileHashes(root)
    result: dict[str, Identity] = {}
    for stage in STAGES[: [stage.name for stage in STAGES].index(until) + 1]:
        inputs = {name: result[name].fingerprint for name in stage.after} | stage.files(recipe, hashes)
        libraries = {name: _version(name) for name in stage.libraries}
        seed = recipe.seed if stage.seeded else 0
        result[stage.name] = Identity(stage.name, stage.version, stage.config(recipe), inputs, seed, libraries)
    return result


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def states(recipe: Recipe, root: Path) -> list[State]:
    """Every stage: complete, or missing and why."""
    last = _last_folders(recipe, root)
    result = []
    for stage, identity in zip(STAGES, identities(recipe, root).values(), strict=True):
        folder = artifact_folder(root, identity)
        complete = is_complete(folder)
        reasons = () if complete else tuple(_reasons(identity, last.get(stage.name), folder))
        result.append(State(stage, identity, folder, complete, reasons))
    return result


def _reasons(identity: Identity, last: Path | None, folder: Path) -> list[str]:
    if folder.with_name(folder.name + ".partial").is_dir():
        return ["begun, not finished: goes on where it stopped"]
    if last is None or not is_complete(last):
        return ["not built yet"]
    return _differences(identity, read_manifest(last)) or ["its folder is gone"]


def _differences(identity: Identity, before: Manifest) -> list[str]:
    """What changed since the artifact that the recipe last used."""
    lines = []
    if identity.version != before.version:
        lines.append(f"code version {before.version} -> {identity.version}")
    if identity.seed != before.seed:
        lines.append(f"seed {before.seed} -> {identity.seed}")
    for what, new, old in (
        ("setting", _flat(identity.config), _flat(before.config)),
        ("library", identity.libraries, before.libraries),
    ):
        lines += [
            f"{what} {key}: {old.get(key)} -> {new.get(key)}"
            for key in sorted({*new, *old})
            if new.get(key) != old.get(key)
        ]
    for key in sorted({*identity.inputs, *before.inputs}):
        if identity.inputs.get(key) != before.inputs.get(key):
            change = "is new" if key not in before.inputs else "is gone" if key not in identity.inputs else "changed"
            lines.append(f"input {key} {change}")
    return lines


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


def run(recipe: Recipe, root: Path, *, only: str | None = None, until: str | None = None) -> dict[str, Path]:
    """Builds what is missing, in order. Returns the folder of every finished stage of the recipe."""
    wanted = _wanted(only, until)
    all_identities = identities(recipe, root, wanted[-1])
    fingerprints = {name: identity.fingerprint for name, identity in all_identities.items()}
    folders: dict[str, Path] = {}
    for stage, identity in zip(STAGES, all_identities.values(), strict=False):
        folder = artifact_folder(root, identity)
        if is_complete(folder):
            if stage.name in wanted:
                logger.info("%s: up to date (%s)", stage.name, _shown(folder, root))
        elif stage.name in wanted:
            _require(stage, folders, recipe.name)
            folder = _build(stage, recipe, identity, folders, fingerprints, root)
        else:
            continue
        folders[stage.name] = folder
        _remember(recipe, root, folders)
    return folders


def _wanted(only: str | None, until: str | None) -> list[str]:
    names = [stage.name for stage in STAGES]
    for given in (only, until):
        if given is not None and given not in names:
            raise KobertError(f"{given}: no such stage; {nearest(given, names)}")
    if only is not None:
        return [only]
    return names[: names.index(until) + 1] if until is not None else names


def _require(stage: Stage, folders: Mapping[str, Path], recipe: str) -> None:
    missing = [name for name in stage.after if name not in folders]
    if missing:
        raise KobertError(
            f"{stage.name} needs {', '.join(missing)}, which is not built for these settings. Run `kobert run {recipe} --until {stage.name}`."
        )


def _build(
    stage: Stage,
    recipe: Recipe,
    identity: Identity,
    folders: Mapping[str, Path],
    fingerprints: Mapping[str, str],
    root: Path,
) -> Path:
    logger.info("%s: starts", stage.name)
    read = {name: folders[name] for name in stage.after}
    with Workspace(root, identity) as out:
        if is_complete(out.folder):  # another process finished it while this one came to the lock
            return out.folder
        with Meter() as meter:
            summary = stage.build(Context(recipe, read, fingerprints, root, out))
        finished = {"finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": platform.platform()}
        folder = out.finish(summary, finished | {"seconds": round(meter.seconds, 2), "peak_mib": round(meter.peak_mib)})
    logger.info(
        "%s: done in %s, peak memory %.1f GiB (%s)",
        stage.name,
        _duration(meter.seconds),
        meter.peak_mib / 1024,
        _shown(folder, root),
    )
    return folder


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _shown(folder: Path, root: Path) -> str:
    return f"{root.name}/{folder.relative_to(root).as_posix()}"


# --- what a recipe last used -----------------------------------------------------------------------------------------


def _pointer(recipe: Recipe, root: Path) -> Path:
    return root / "recipes" / f"{recipe.name}.json"


def _remember(recipe: Recipe, root: Path, folders: Mapping[str, Path]) -> None:
    known = {
        name: folder.relative_to(root).as_posix()
        for name, folder in (_last_folders(recipe, root) | dict(folders)).items()
    }
    write_json(_pointer(recipe, root), known)


def _last_folders(recipe: Recipe, root: Path) -> dict[str, Path]:
    try:
        return {name: root / folder for name, folder in read_json(_pointer(recipe, root)).items()}
    except FileNotFoundError:
        return {}
