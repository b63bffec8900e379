"""The pipeline: STAGES, one row a stage, in order. Reading this file is reading the pipeline.

Stages meet on disk. What one stage needs of another besides files (the objective's special tokens, a way to load the
tokenizer) is handed over here, so that no stage imports another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_pipeline.ground import addresses as pretrained
from kobert_pipeline.ground.addresses import expand_variables
from kobert_pipeline.ground.artifacts import Workspace
from kobert_pipeline.ground.files import FileHashes
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.recipe import Recipe

ADOPT, CONTINUE_FROM = "tokenizer.adopt", "pretrain.continue_from"


@dataclass(frozen=True)
class Context:
    """What a stage's build is given: the recipe, the finished folders it reads, and where it may write."""

    recipe: Recipe
    folders: Mapping[str, Path]
    fingerprints: Mapping[str, str]
    root: Path
    out: Workspace


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
    for path in _evaluation_files(recipe):
        found[f"decontaminate {path.name}"] = hashes[path]
    return found


def _evaluation_files(recipe: Recipe) -> list[Path]:
    """What the corpus is decontaminated against: by default the dev and test files of the data it is evaluated on."""
    from corpora.phases.decontamination import evaluation_files
    from klue_eval.data import HUB, resolve_folder

    against = recipe.corpora.decontaminate.against
    if against is None:
        return []
    if against == "klue_eval":
        data = expand_variables(recipe.klue_eval.data, "klue_eval.data")
        return [] if data.startswith(HUB) else evaluation_files(resolve_folder(data))
    return evaluation_files(Path(expand_variables(against, "corpora.decontaminate.against")).expanduser())


def _corpora_config(recipe: Recipe) -> dict[str, Any]:
    return recipe.corpora.content()


def _build_corpora(context: Context) -> dict[str, Any]:
    from corpora.build import build

    evaluation = _evaluation_files(context.recipe)
    return build(context.recipe.corpora, context.out, execution=context.recipe.execution, evaluation=evaluation)


# --- tokenizer -------------------------------------------------------------------------------------------------------


def special_tokens(recipe: Recipe) -> tuple[str, ...]:
    return OBJECTIVES[recipe.pretrain.objective["name"]].special_tokens


def placeholders(recipe: Recipe) -> tuple[str, ...]:
    """What stands in the corpus for personal data: one piece each."""
    from corpora.personal_data import PLACEHOLDERS

    return tuple(PLACEHOLDERS.values()) if recipe.corpora.mask_personal_data else ()


def _tokenizer_config(recipe: Recipe) -> dict[str, Any]:
    tokens = {"special_tokens": list(special_tokens(recipe)), "placeholders": list(placeholders(recipe))}
    return recipe.tokenizer.content() | tokens


def _tokenizer_files(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    name = recipe.tokenizer.adopt
    return {} if name is None else pretrained.identity(name, ADOPT, pretrained.TOKENIZER, hashes)


def _build_tokenizer(context: Context) -> dict[str, Any]:
    from tokenizer.adopt import adopt
    from tokenizer.build import build

    name = context.recipe.tokenizer.adopt
    if name is not None:
        folder = pretrained.local_folder(name, ADOPT, pretrained.TOKENIZER, context.out.identity.inputs)
        return adopt(folder, context.folders["corpora"], context.out, special_tokens=special_tokens(context.recipe))
    return build(
        context.recipe.tokenizer, context.folders["corpora"], context.out,
        special_tokens=special_tokens(context.recipe), placeholders=placeholders(context.recipe),
        execution=context.recipe.execution,
    )  # fmt: skip


# --- dataset ---------------------------------------------------------------------------------------------------------


def _build_dataset(context: Context) -> dict[str, Any]:
    from kobert_pipeline.dataset.build import build
    from tokenizer.load import load_tokenizer

    return build(
        context.recipe.dataset, context.folders["corpora"], context.folders["tokenizer"], context.out,
        load=load_tokenizer, execution=context.recipe.execution,
    )  # fmt: skip


# --- pretrain --------------------------------------------------------------------------------------------------------


def _pretrain_files(recipe: Recipe, hashes: FileHashes) -> dict[str, str]:
    """What the objective needs besides the store, and the checkpoint that training goes on from."""
    config = recipe.pretrain
    found = OBJECTIVES[config.objective["name"]].inputs(config.options)
    if config.continue_from is None:
        return found
    return found | pretrained.identity(config.continue_from, CONTINUE_FROM, pretrained.WEIGHTS, hashes)


def _build_pretrain(context: Context) -> dict[str, Any]:
    from kobert_pipeline.pretrain.build import build

    name, patterns = context.recipe.pretrain.continue_from, (*pretrained.WEIGHTS, *pretrained.TOKENIZER)
    inputs = context.out.identity.inputs
    start = None if name is None else pretrained.local_folder(name, CONTINUE_FROM, patterns, inputs)
    return build(
        context.recipe.pretrain, context.folders["tokenizer"], context.folders["dataset"], context.out,
        seed=context.recipe.seed, start=start,
    )  # fmt: skip


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
        libraries=identity.libraries, data_hashes=data, execution=context.recipe.execution,
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
        "corpora", 3, ("ftfy", "kss", "mecab-python3", "mwparserfromhell", "python-mecab-ko-dic", "rensa", "selectolax"), (), False,
        _corpora_config, _corpora_files, _build_corpora,
    ),
    Stage(
        "tokenizer", 5, ("tokenizers", "mecab-python3", "python-mecab-ko-dic"), ("corpora",), False,
        _tokenizer_config, _tokenizer_files, _build_tokenizer,
    ),
    Stage(
        "dataset", 3, ("tokenizers", "mecab-python3", "python-mecab-ko-dic"), ("corpora", "tokenizer"), False,
        lambda recipe: recipe.dataset.content(), _no_files, _build_dataset,
    ),
    Stage(
        "pretrain", 4, ("torch", "transformers", "lightning"), ("tokenizer", "dataset"), True,
        lambda recipe: recipe.pretrain.content(), _pretrain_files, _build_pretrain,
    ),
    Stage(
        "klue_eval", 3, ("torch", "transformers", "lightning", "scikit-learn"), ("pretrain",), True,
        lambda recipe: recipe.klue_eval.content(), _klue_files, _build_klue_eval,
    ),
    Stage(
        "hub", 2, ("huggingface-hub",), ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval"), False,
        lambda recipe: recipe.hub.content() | {"recipe": recipe.name}, _no_files, _build_hub,
    ),
)  # fmt: skip
