"""Finished runs: what the commands that only read work on.

They look at artifacts alone: the raw data and the recipe's folder may be gone, and libraries may have been upgraded. What
differs between the run and this machine is said, not refused. Only `kobert run` builds anything again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.artifacts import MANIFEST, Manifest, is_complete, read_manifest
from kobert_pipeline.ground.contents.cost import read_cost
from kobert_pipeline.ground.errors import ArtifactMismatch, KobertError
from kobert_pipeline.ground.fingerprints import canonical_json
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.pointers import Pointer, pointers, record_of, run_name, split_name
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import Recipe, is_recipe, load_recipe, recipe_name
from kobert_pipeline.runner import begun, differences, identities
from kobert_pipeline.stages import STAGE_NAMES, STAGES, Stage

logger = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{6,64}")
"""The first digits of an artifact's fingerprint."""
SHOWN = 5
"""Differences that are listed."""
BY_STAGE: Mapping[str, Stage] = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class FinishedRun:
    """The artifacts of a run: one of them, and all that it was made from."""

    run_name: str
    """Of its recipe, with its tag if it has one: `bert-mini:wide`."""
    folders: Mapping[str, Path]
    """Stage -> finished artifact, in the order of the pipeline."""
    recipe: Recipe | None = None
    """None for a run that was found without its recipe."""
    differences: tuple[str, ...] = ()
    """Versions and settings of the run -> those of this machine and of the recipe."""

    @property
    def name(self) -> str:
        """Of its recipe."""
        return split_name(self.run_name)[0]

    @property
    def hub(self) -> HubConfig:
        """Raises KobertError if neither the recipe nor the folder to publish is there."""
        if self.recipe is not None:
            return self.recipe.hub
        config = dict(self._config("hub"))
        config.pop("recipe", None)
        return HubConfig.parse(config, "hub")

    @property
    def pretrain(self) -> PretrainConfig:
        """Raises KobertError if neither the recipe nor the pretraining is there."""
        return self.recipe.pretrain if self.recipe is not None else PretrainConfig.parse(self._config("pretrain"))

    @property
    def seed(self) -> int:
        return self.recipe.seed if self.recipe is not None else read_manifest(self._folder("pretrain")).seed

    @property
    def description(self) -> str:
        """The recipe's; empty without the recipe."""
        return "" if self.recipe is None else self.recipe.description

    @property
    def compare_with(self) -> tuple[str, ...]:
        """Tokenizers that the recipe compares with its own."""
        return () if self.recipe is None else self.recipe.report.compare_with

    def say_differences(self) -> None:
        """One line on stderr if the run was made with other versions or settings."""
        more = len(self.differences) - SHOWN
        lines = [*self.differences[:SHOWN], *([f"{more} more"] if more > 0 else [])]
        if lines:
            logger.warning(
                "%s: the last finished run is taken. What differs from now: %s", self.run_name, "; ".join(lines)
            )

    def _config(self, stage: str) -> Mapping[str, object]:
        return read_manifest(self._folder(stage)).config

    def _folder(self, stage: str) -> Path:
        if stage not in self.folders:
            raise KobertError(
                "{run}: the run has no {stage}, and its recipe is not here. Name the recipe's file.",
                run=self.name,
                stage=stage,
            )
        return self.folders[stage]


def find_run(
    name: str, settings: Sequence[str], root: Path, stage: str | None = None, *, strict: bool = False
) -> FinishedRun | None:
    """The run that a user names by a recipe, or by the name or id of a run in the artifacts folder `root`, up to `stage`;
    without `stage`, as far as it went. None if it did not get there.

    First come artifacts with the recipe's settings, whatever made them, then those that the recipe used last. Settings that
    are given, or `strict`, leave out the latter. Raises RecipeError for a recipe that cannot be read, and KobertError for a
    name that means nothing here.
    """
    if is_recipe(name):
        recipe = load_recipe(name, tuple(settings))
        return _of_recipe(recipe, root, stage, only_matching=bool(settings) or strict)
    if settings:
        raise KobertError(
            "--set changes a recipe, and {name} is not one. Name the recipe's file, or leave out --set.", name=name
        )
    if Pointer(root, recorded := _recorded(name)).path.is_file():
        last = _last_used(recorded, root, stage)
        return _run(recorded, root, last) if last else None
    _refuse_unknown_tag(recorded, root)
    if artifact := _by_id(name, root):
        found = _closure(artifact, root)
        return _run(_recipe_of(found) or name, root, found) if stage is None or stage in found else None
    load_recipe(name)  # raises the error that names what is known
    return None


def all_runs(root: Path) -> list[FinishedRun]:
    """Every run in the artifacts folder, as far as it went, by name. Damaged artifacts are left out, with a warning."""
    found = []
    for pointer in pointers(root):
        try:
            folders = _last_used(pointer.run, root, None)
        except ArtifactMismatch as error:
            logger.warning("%s: %s", pointer.run, error)
            continue
        found.append(FinishedRun(pointer.run, {stage: folders[stage] for stage in STAGE_NAMES if stage in folders}))
    return found


def _recorded(name: str) -> str:
    """`path/my.yaml` -> `my`, `path/my.yaml:wide` -> `my:wide`."""
    recipe, tag = split_name(name)
    return run_name(recipe_name(recipe), tag)


def _refuse_unknown_tag(name: str, root: Path) -> None:
    """Raises KobertError for a recipe that ran, but not with this tag."""
    recipe, tag = split_name(name)
    known = [other for pointer in pointers(root) for part, other in [split_name(pointer.run)] if part == recipe]
    if tag and known:
        tags = ", ".join(f"{recipe}:{other}" for other in known if other) or say("none has a tag")
        raise KobertError(
            "{name}: no run of {recipe} in {root} has this tag. Its runs: {tags}. `kobert runs` lists all.",
            name=name,
            recipe=recipe,
            root=root,
            tags=tags,
        )


def names_a_run(name: str, root: Path) -> bool:
    """Whether `find_run` looks for a run under this name: it is no folder of a model and no name on the Hub."""
    is_file = is_recipe(name) or Path(name).suffix in (".yaml", ".yml")
    return is_file or Pointer(root, _recorded(name)).path.is_file() or _by_id(name, root) is not None


def _of_recipe(recipe: Recipe, root: Path, stage: str | None, *, only_matching: bool) -> FinishedRun | None:
    matching = _best(matching_artifacts(recipe, root), recipe.run_name, root, stage)
    last = {} if only_matching or (matching and stage) else _last_used(recipe.run_name, root, stage)
    found = last if len(last) > len(matching) else matching
    return _run(recipe.run_name, root, found, recipe) if found else None


def _run(name: str, root: Path, found: Mapping[str, Path], recipe: Recipe | None = None) -> FinishedRun:
    folders = {stage: found[stage] for stage in STAGE_NAMES if stage in found}
    changed = [line for stage in folders for line in _changes(BY_STAGE[stage], folders[stage], recipe)]
    run = FinishedRun(name, folders, recipe, tuple(dict.fromkeys(changed)))
    run.say_differences()
    return run


def _changes(stage: Stage, folder: Path, recipe: Recipe | None) -> list[str]:
    """What differs in settings, versions and libraries. Inputs are not compared: they may be gone."""
    made = read_manifest(folder)
    config = made.config if recipe is None else stage.config(recipe)
    seed = made.seed if recipe is None or not stage.seeded else recipe.seed
    lines = differences(stage.spec.identity(config, made.inputs, seed), made)
    return [f"{stage.name} {line}" if line.startswith("code") else line for line in lines]


# --- artifacts with the settings of a recipe --------------------------------------------------------------------------


def matching_artifacts(
    recipe: Recipe, root: Path, same_inputs: Callable[[str, Manifest], bool] = lambda stage, made: True
) -> dict[str, list[Path]]:
    """Stage -> finished artifacts with the recipe's settings and seed, made from artifacts with its settings. Versions of the
    code and of libraries may differ. `same_inputs` may leave out those with other inputs from outside."""
    result: dict[str, list[Path]] = {}
    for stage in STAGES:
        config, seed = canonical_json(stage.config(recipe)), recipe.seed if stage.seeded else 0
        known = {name: {folder.name for folder in result[name]} for name in stage.after}
        result[stage.name] = [
            folder
            for folder, made in _artifacts(root, stage.name)
            if (canonical_json(made.config), made.seed) == (config, seed)
            and all(made.inputs.get(name, "")[:16] in names for name, names in known.items())
            and same_inputs(stage.name, made)
        ]
    return result


def usable_artifacts(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Stage -> the artifact that a command takes that only reads, for the stages that have one with the recipe's settings."""
    matching = matching_artifacts(recipe, root)
    return {stage: _best(matching, recipe.run_name, root, stage)[stage] for stage in STAGE_NAMES if matching[stage]}


def _artifacts(root: Path, stage: str) -> Iterator[tuple[Path, Manifest]]:
    """The finished artifacts of a stage; one with a damaged manifest is left out, with a warning."""
    for folder in sorted((root / stage).iterdir()) if (root / stage).is_dir() else ():
        if is_complete(folder):
            try:
                yield folder, read_manifest(folder)
            except ArtifactMismatch as error:
                logger.warning("%s", error)


def _best(matching: Mapping[str, Sequence[Path]], name: str, root: Path, stage: str | None) -> dict[str, Path]:
    """Of the wanted stage, or of the last one that there is, the artifact that the recipe used last, else the newest."""
    there = [each for each in STAGE_NAMES if matching[each] and stage in (None, each)]
    if not there:
        return {}
    folders, used = matching[there[-1]], Pointer(root, name).last().get(there[-1])
    return _closure(used if used is not None and used in folders else max(folders, key=_written), root)


def _written(folder: Path) -> float:
    return (folder / MANIFEST).stat().st_mtime


# --- what a recipe used last, and ids ---------------------------------------------------------------------------------


def _last_used(name: str, root: Path, stage: str | None) -> dict[str, Path]:
    """With what it was made from. Without a stage, the last one that was made from what the run used last. A recipe that ran only
    with tags or settings of its own used what the newest of these runs used."""
    record = record_of(name, root)
    used = {each: folder for each, folder in record.last().items() if is_complete(folder)}
    for each in reversed(STAGE_NAMES) if stage is None else (stage,):
        found = _closure(used[each], root) if each in used else {}
        if found and (stage is not None or all(used.get(part) == folder for part, folder in found.items())):
            return found
    return {}


def _closure(folder: Path, root: Path) -> dict[str, Path]:
    """The artifact and all that it was made from, as far as they are still there."""
    found, waiting = {}, [folder]
    while waiting:
        made = read_manifest(part := waiting.pop())
        found[made.stage] = part
        named = (root / stage / made.inputs[stage][:16] for stage in STAGE_NAMES if stage in made.inputs)
        waiting += [each for each in named if is_complete(each) and each.parent.name not in found]
    return found


def _by_id(name: str, root: Path) -> Path | None:
    """Raises KobertError for digits with which several artifacts begin."""
    if not ID.fullmatch(name):
        return None
    found = [
        folder
        for stage in STAGE_NAMES
        for folder in sorted((root / stage).glob(f"{name[:16]}*"))
        if is_complete(folder)
    ]
    if len(found) > 1:
        shown = ", ".join(f"{folder.parent.name}/{folder.name}" for folder in found)
        raise KobertError(
            "{name}: several artifacts begin with these digits: {shown}. Give more digits.", name=name, shown=shown
        )
    return found[0] if found else None


def _recipe_of(folders: Mapping[str, Path]) -> str:
    """The name of the recipe, which the folder to publish knows. Empty if there is none."""
    return str(read_manifest(folders["hub"]).config.get("recipe", "")) if "hub" in folders else ""


# --- what a run would build again ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeat:
    """A finished stage that would be built again, with the same settings and inputs."""

    stage: str
    seconds: float
    """What it took."""
    reasons: tuple[str, ...]


def repeats(recipe: Recipe, root: Path, wanted: Sequence[str]) -> list[Repeat]:
    """The stages among `wanted` that are finished for the same settings and the same data, but with other versions. A stage
    that was begun with the present versions is not one of them."""
    now = identities(recipe, root, wanted[-1])

    def same_inputs(stage: str, made: Manifest) -> bool:
        return stage in now and _outside(now[stage].inputs) == _outside(made.inputs)

    matching, found = matching_artifacts(recipe, root, same_inputs), []
    for stage in wanted:
        if matching[stage] and not begun(root, now[stage]):
            folder = _best(matching, recipe.run_name, root, stage)[stage]
            cost, changed = read_cost(folder), differences(now[stage], read_manifest(folder))
            found.append(Repeat(stage, cost.seconds if cost else 0.0, tuple(changed)))
    return found


def _outside(inputs: Mapping[str, str]) -> dict[str, str]:
    """Those that are not artifacts of stages."""
    return {name: value for name, value in inputs.items() if name not in STAGE_NAMES}
