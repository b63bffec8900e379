"""What each stage is given: its settings, its inputs from outside, and the arguments of its `build`.

Stages meet on disk. What one stage needs of another besides files (the objective's special tokens, a way to load the
tokenizer) is passed on here, so that no stage imports another.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.ground import addresses
from kobert_pipeline.ground.addresses import expand_variables
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.contents.pretrained_run import exported_model
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TEACHER
from kobert_pipeline.recipe import Recipe

ADOPT, CONTINUE_FROM, TAUGHT_BY = "tokenizer.adopt", "pretrain.continue_from", "pretrain.objective.teacher"


@dataclass(frozen=True)
class Context:
    """What a stage's build is given."""

    recipe: Recipe
    folders: Mapping[str, Path]
    """Stage -> its finished artifact, for the stages that this one reads."""
    fingerprints: Mapping[str, str]
    """Stage -> fingerprint."""
    root: Path
    """The artifacts folder."""
    out: Workspace
    """Where the stage may write."""


def no_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """The inputs of a stage that reads nothing but artifacts."""
    return {}


def nothing_to_check(recipe: Recipe, root: Path) -> None:
    """A stage whose settings say all that is needed."""


def _before_the_run(name: str, setting: str, patterns: Sequence[str]) -> tuple[Path, list[str]]:
    """A folder, or the files of these patterns, which are small, of a repository at its commit. And the names of all files.

    Raises InputError, in seconds, for one that is missing, may not be read, or has none of the patterns.
    """
    files = addresses.listed(name, setting)
    if not any(fnmatch.fnmatch(file, pattern) for file in files for pattern in patterns):
        raise InputError(
            "{setting}: {name}: holds none of {patterns}", setting=setting, name=name, patterns=", ".join(patterns)
        )
    inputs = addresses.commit(name, setting) if addresses.is_on_hub(name) else {}
    return addresses.local_folder(name, setting, patterns, inputs), files


# --- corpora ---------------------------------------------------------------------------------------------------------


def corpora_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.corpora.content()


def corpora_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """Sources keep their order; a file is known by its content and base name."""
    from corpora.inputs import input_files, library_versions

    files = input_files(recipe.corpora)
    inputs = {f"library {name}": version for name, version in library_versions(files).items()}
    for number, file in enumerate(files):
        name = f"{number:05d} {file.source.name}: {Path(file.address).name}"
        inputs[name] = hashes[Path(file.address)] if file.is_local else file.address
    for path in _evaluation_files(recipe):
        inputs[f"decontaminate {path.name}"] = hashes[path]
    if own := _own_texts(recipe):
        inputs["decontaminate own tasks"] = fingerprint_of({"texts": own})
    return inputs


def _evaluation_files(recipe: Recipe) -> list[Path]:
    """The files that the corpus must not repeat: by default the dev and test files of the evaluation's data."""
    from corpora.phases.decontamination import evaluation_files
    from klue_eval.data import HUB, resolve_folder

    against = recipe.corpora.decontaminate.against
    if against is None:
        return []
    if against == "klue_eval":
        data = expand_variables(recipe.klue_eval.data, "klue_eval.data")
        return [] if data.startswith(HUB) else evaluation_files(resolve_folder(data))
    return evaluation_files(Path(expand_variables(against, "corpora.decontaminate.against")).expanduser())


def _own_texts(recipe: Recipe) -> list[str]:
    """The scored rows of the recipe's own tasks: the corpus must not repeat them either. Raises InputError for a row that is wrong."""
    from klue_eval.task_data import read_own_task, task_of

    if recipe.corpora.decontaminate.against != "klue_eval":
        return []
    read = {name: read_own_task(name, own) for name, own in recipe.klue_eval.own_tasks.items()}
    return [text for name, rows in read.items() for row in rows.dev for text in task_of(name, rows).show(row).values()]


def check_corpora(recipe: Recipe, root: Path) -> None:
    from corpora.sources import check
    from kobert_pipeline.ground.parallel import require_engine

    require_engine(recipe.execution)
    for source in recipe.corpora.sources:
        check(source)


def build_corpora(context: Context) -> dict[str, Any]:
    from corpora.build import build

    recipe = context.recipe
    evaluation, own = _evaluation_files(recipe), _own_texts(recipe)
    return build(recipe.corpora, context.out, execution=recipe.execution, evaluation=evaluation, own_texts=own)


# --- tokenizer -------------------------------------------------------------------------------------------------------


def special_tokens(recipe: Recipe) -> tuple[str, ...]:
    """The special tokens that the recipe's objective needs."""
    return OBJECTIVES[recipe.pretrain.objective["name"]].special_tokens(recipe.pretrain.options)


def placeholders(recipe: Recipe) -> tuple[str, ...]:
    """The words that replace personal data in the corpus. Each becomes one piece."""
    from corpora.personal_data import PLACEHOLDERS

    return tuple(PLACEHOLDERS.values()) if recipe.corpora.mask_personal_data else ()


def open_end(recipe: Recipe) -> bool:
    """Whether the model goes on where a text ends, so that its tokenizer writes nothing there."""
    return OBJECTIVES[recipe.pretrain.objective["name"]].open_end


def tokenizer_config(recipe: Recipe) -> dict[str, Any]:
    tokens = {"special_tokens": list(special_tokens(recipe)), "placeholders": list(placeholders(recipe))}
    return recipe.tokenizer.content() | tokens | ({"open_end": True} if open_end(recipe) else {})


def tokenizer_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """The tokenizer that is adopted, if there is one."""
    name = recipe.tokenizer.adopt
    return {} if name is None else addresses.identity(name, ADOPT, addresses.TOKENIZER, hashes)


def check_tokenizer(recipe: Recipe, root: Path) -> None:
    from tokenizer.adopt import adoptable
    from tokenizer.byte_pairs import require_room_for_bytes
    from tokenizer.train import require_room

    name = recipe.tokenizer.adopt
    if name is None:
        require = require_room_for_bytes if recipe.tokenizer.model == "bpe" else require_room
        require(recipe.tokenizer, special_tokens(recipe), placeholders(recipe))
    else:
        folder, _ = _before_the_run(name, ADOPT, addresses.TOKENIZER)
        adoptable(folder, special_tokens(recipe))


def build_tokenizer(context: Context) -> dict[str, Any]:
    from tokenizer.adopt import adopt
    from tokenizer.build import build

    name = context.recipe.tokenizer.adopt
    if name is not None:
        folder = addresses.local_folder(name, ADOPT, addresses.TOKENIZER, context.out.identity.inputs)
        return adopt(folder, context.folders["corpora"], context.out, special_tokens=special_tokens(context.recipe))
    return build(
        context.recipe.tokenizer, context.folders["corpora"], context.out,
        special_tokens=special_tokens(context.recipe), placeholders=placeholders(context.recipe),
        open_end=open_end(context.recipe), execution=context.recipe.execution,
    )  # fmt: skip


# --- dataset ---------------------------------------------------------------------------------------------------------


def dataset_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.dataset.content()


def build_dataset(context: Context) -> dict[str, Any]:
    from kobert_pipeline.dataset.build import build
    from tokenizer.load import load_tokenizer

    return build(
        context.recipe.dataset, context.folders["corpora"], context.folders["tokenizer"], context.out,
        load=load_tokenizer, execution=context.recipe.execution,
    )  # fmt: skip


# --- pretrain --------------------------------------------------------------------------------------------------------


def pretrain_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.pretrain.content()


def pretrain_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """What the objective needs besides the store, and the checkpoint from which training continues."""
    config = recipe.pretrain
    _require_another_teacher(recipe)
    inputs = OBJECTIVES[config.objective["name"]].inputs.identity(config.options, hashes)
    if config.continue_from is None:
        return inputs
    return inputs | addresses.identity(config.continue_from, CONTINUE_FROM, addresses.WEIGHTS, hashes)


def _require_another_teacher(recipe: Recipe) -> None:
    """Raises InputError for a recipe that names itself as its teacher, or begins with the teacher's own weights."""
    teacher, start = getattr(recipe.pretrain.options, TEACHER, ""), recipe.pretrain.continue_from
    if teacher and teacher in (recipe.name, recipe.run_name):
        raise InputError(
            "{setting}: {teacher} is this recipe itself. Name another run, a folder, or hub:owner/name.",
            setting=TAUGHT_BY,
            teacher=teacher,
        )
    if teacher and start is not None and _is_same(teacher, start):
        raise InputError(
            "{setting}: {teacher} is also {other}: the student would begin as its teacher. Leave one out.",
            setting=TAUGHT_BY,
            teacher=teacher,
            other=CONTINUE_FROM,
        )


def _is_same(one: str, other: str) -> bool:
    if addresses.is_on_hub(one) or addresses.is_on_hub(other):
        return one == other
    first, second = (Path(expand_variables(name, TAUGHT_BY)).expanduser().resolve() for name in (one, other))
    return first == second


def check_pretrain(recipe: Recipe, root: Path) -> None:
    from kobert_pipeline.pretrain.frozen_models import require_frozen, setting_of
    from kobert_pipeline.pretrain.machine import require_machine
    from kobert_pipeline.pretrain.models import require_start

    config = recipe.pretrain
    require_machine(config)
    if config.continue_from is not None:
        require_start(config, *_before_the_run(config.continue_from, CONTINUE_FROM, addresses.SETTINGS))
    checkpoints = OBJECTIVES[config.objective["name"]].inputs.addresses(config.options, root)
    for name, address in checkpoints.items():
        require_frozen(config, name, *_before_the_run(address, setting_of(name), addresses.SETTINGS))


def objective_folders(recipe: Recipe, root: Path) -> Mapping[str, Path]:
    """What the objective reads besides the store, such as a teacher: name -> folder."""
    inputs, options = OBJECTIVES[recipe.pretrain.objective["name"]].inputs, recipe.pretrain.options
    return inputs.folders(options, inputs.identity(options, FileHashes(root)), root)


def build_pretrain(context: Context) -> dict[str, Any]:
    from kobert_pipeline.pretrain.build import build

    config, inputs = context.recipe.pretrain, context.out.identity.inputs
    name, patterns = config.continue_from, (*addresses.WEIGHTS, *addresses.TOKENIZER)
    start = None if name is None else addresses.local_folder(name, CONTINUE_FROM, patterns, inputs)
    return build(
        config, context.folders["tokenizer"], context.folders["dataset"], context.out,
        seed=context.recipe.seed, start=start, keep=context.recipe.hub.steps,
        folders=OBJECTIVES[config.objective["name"]].inputs.folders(config.options, inputs, context.root),
    )  # fmt: skip


# --- klue_eval -------------------------------------------------------------------------------------------------------


def klue_eval_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.klue_eval.content()


def klue_eval_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """The data of every task, and the teachers of protocols that distil."""
    from klue_eval.build import hash_inputs

    return hash_inputs(recipe.klue_eval, hashes.root)


def check_klue_eval(recipe: Recipe, root: Path) -> None:
    from klue_eval.comparisons import check_data

    check_data(recipe.klue_eval, recipe.seed)


def build_klue_eval(context: Context) -> dict[str, Any]:
    from klue_eval.build import build

    identity = context.out.identity
    data = {name: value for name, value in identity.inputs.items() if name not in context.folders}
    return build(
        context.recipe.klue_eval, exported_model(context.folders["pretrain"]), context.out, root=context.root,
        model_identity=context.fingerprints["pretrain"], seed=context.recipe.seed,
        libraries=identity.libraries, data_hashes=data, execution=context.recipe.execution,
    )  # fmt: skip


# --- hub -------------------------------------------------------------------------------------------------------------


def hub_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.hub.content() | {"recipe": recipe.name}


def hub_inputs(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """The libraries that write ONNX files, if there are any."""
    from kobert_pipeline.exporting.onnx_libraries import onnx_versions, require_onnx

    if not recipe.hub.onnx:
        return {}
    require_onnx("hub.onnx")
    return onnx_versions()


def check_hub(recipe: Recipe, root: Path) -> None:
    name = recipe.pretrain.architecture["name"]
    if recipe.hub.onnx and ARCHITECTURES[name].writes_targets:
        raise InputError(
            "hub.onnx: architecture {name} is an encoder–decoder, which has no ONNX file. Leave it out.", name=name
        )


def build_hub(context: Context) -> dict[str, Any]:
    from kobert_pipeline.exporting.exported_folder import onnx_files
    from kobert_pipeline.hub.build import build

    return build(
        context.recipe.hub, dict(context.folders), context.out, recipe=context.recipe.name,
        resolved=context.recipe.model_dump(mode="json"), write_onnx=onnx_files,
    )  # fmt: skip
