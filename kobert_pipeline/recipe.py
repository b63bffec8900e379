"""A recipe: all settings of a run, as YAML. `extends: NAME or PATH` starts from another recipe, or from a list of recipes, of
which a later one overrides an earlier one."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, model_validator

from corpora.config import CorporaConfig
from klue_eval.config import TEXT_TO_TEXT, EvaluationConfig
from klue_eval.tasks import not_for_decoders
from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.ground.config import Config, nearest
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.ground.layers import assign, load_yaml, merge
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.ground.pointers import run_name
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TEACHER
from kobert_pipeline.pretrain.config import PretrainConfig
from tokenizer.config import TokenizerConfig

RECIPES = Path(__file__).parent / "recipes"
TAG_DIGITS = 8
"""Of the hash that tags a run with settings of its own."""


class ReportConfig(Config):
    """Settings of the page of a run. They do not decide any artifact."""

    compare_with: tuple[str, ...] = ()
    """Tokenizers to compare with the run's own: folders, `tokenizer.json` or `vocab.txt` files, or Hub ids. `${NAME}` is
    replaced by an environment variable."""


class Recipe(Config):
    """One section per stage. The defaults suit most runs."""

    name: str = Field(pattern=r"^[\w.-]+$")
    description: str = ""
    seed: int = Field(42, ge=0, lt=2**32)
    corpora: CorporaConfig
    tokenizer: TokenizerConfig
    dataset: DatasetConfig = DatasetConfig()
    pretrain: PretrainConfig
    klue_eval: EvaluationConfig = EvaluationConfig()
    hub: HubConfig = HubConfig()
    report: ReportConfig = ReportConfig()
    execution: ExecutionConfig = ExecutionConfig()
    _tag: str = PrivateAttr("")

    @property
    def run_name(self) -> str:
        """The name of the run: the recipe's, with the tag of a run that was tagged or has settings of its own."""
        return run_name(self.name, self._tag)

    def tagged(self, tag: str) -> Self:
        """The same recipe under the name of another run. Raises RecipeError for a tag that cannot be in the name of a file."""
        if not re.fullmatch(r"[\w.-]*", tag):
            raise RecipeError("--tag {tag}: a tag has letters, digits, `.`, `-` and `_`", tag=tag)
        copy = self.model_copy()
        copy._tag = tag
        return copy

    def deciding(self) -> dict[str, Any]:
        """The settings that decide what is made: without workers, paths and what a page compares with."""
        return {name: value for name, value in self.content().items() if name not in ("execution", "report")}

    @model_validator(mode="after")
    def _the_store_has_what_the_objective_reads(self) -> Recipe:
        for name in self.pretrain.annotations:
            if name not in self.dataset.annotations:
                raise RecipeError(
                    "pretrain.objective reads {name}, which the token store lacks; set dataset.morphemes: true",
                    name=name,
                )
        return self

    @model_validator(mode="after")
    def _what_writes_has_a_lossless_tokenizer(self) -> Recipe:
        name = self.pretrain.objective["name"]
        if OBJECTIVES[name].writes and self.tokenizer.model != "bpe":
            raise RecipeError(
                "pretrain.objective: {name!r} writes text, and WordPiece does not give spaces back; set tokenizer.model: bpe",
                name=name,
            )
        return self

    @model_validator(mode="after")
    def _a_decoder_is_scored_on_whole_texts(self) -> Recipe:
        name = self.pretrain.architecture["name"]
        architecture, trainings = ARCHITECTURES[name], self.klue_eval.trainings
        if TEXT_TO_TEXT in trainings and not architecture.writes_targets:
            raise RecipeError(
                "klue_eval.protocols: training text_to_text needs an encoder-decoder, and architecture {name!r} is none; set training: finetune",
                name=name,
            )
        decodes = (architecture.causal or architecture.writes_targets) and trainings != {TEXT_TO_TEXT}
        if decodes and (problem := not_for_decoders(self.klue_eval.tasks)):
            raise RecipeError(
                "pretrain.architecture: {name!r} is a decoder, or has one. {problem}", name=name, problem=problem
            )
        return self

    @model_validator(mode="after")
    def _only_a_run_from_another_model_has_a_base(self) -> Recipe:
        is_taught = bool(getattr(self.pretrain.options, TEACHER, ""))
        if self.hub.base_model and self.pretrain.continue_from is None and not is_taught:
            raise RecipeError(
                "hub.base_model: {model}, but the weights begin at random. Set pretrain.continue_from, or leave it out.",
                model=self.hub.base_model,
            )
        return self

    @model_validator(mode="after")
    def _checkpoints_are_reached(self) -> Recipe:
        last = self.pretrain.max_steps
        beyond = [step for step in self.hub.steps if last is not None and step > last]
        if beyond:
            raise RecipeError(
                "hub.checkpoints: step {step} is beyond pretrain.max_steps {last}", step=beyond[0], last=last
            )
        return self

    @model_validator(mode="after")
    def _shares_are_of_sources(self) -> Recipe:
        names, shares = [source.name for source in self.corpora.sources], self.pretrain.source_shares
        for name in shares:
            if name not in names:
                raise RecipeError(
                    "pretrain.source_shares.{name}: no such source; {meant}", name=name, meant=nearest(name, names)
                )
        total = sum(shares.values())
        if total > 1 + 1e-6 or (shares and len(shares) < len(names) and total > 1 - 1e-9):
            raise RecipeError(
                "pretrain.source_shares add up to {total:g}; leave a part of the whole to the sources that are not named",
                total=total,
            )
        if shares and len(shares) == len(names) and abs(total - 1) > 1e-6:
            raise RecipeError("pretrain.source_shares name every source and add up to {total:g}, not to 1", total=total)
        return self

    @model_validator(mode="after")
    def _seeds_of_all_runs_exist(self) -> Recipe:
        last = self.seed + max(protocol.seeds for protocol in self.klue_eval.protocols.values()) - 1
        if last >= 2**32:
            raise RecipeError(
                "seed: {seed} and the runs of klue_eval reach seed {last}, and 2^32 - 1 is the last one",
                seed=self.seed,
                last=last,
            )
        return self


def shipped_recipes() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def is_recipe(name: str) -> bool:
    """Whether `load_recipe` would find a recipe of this name: one that is shipped, or a file."""
    return name in shipped_recipes() or Path(name).expanduser().is_file()


def recipe_name(file: str) -> str:
    """The name of a recipe that sets none: its file's name without the ending. Other names stay as they are."""
    path = Path(file)
    stem = path.stem if path.suffix in (".yaml", ".yml") else path.name
    return re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", stem))


def load_recipe(name: str, settings: tuple[str, ...] = (), tag: str = "") -> Recipe:
    """Loads a shipped recipe by its name, or a YAML file by its path. `settings` are `--set` assignments, `tag` names the run.

    A run whose settings differ from the recipe's is tagged with their hash, if it has no other tag.
    """
    written = _resolve(name, Path.cwd(), ())
    values = written
    for assignment in settings:
        values = assign(values, assignment)
    recipe = Recipe.parse(values)
    return recipe.tagged(tag or (_tag_of(recipe, written) if settings else ""))


def _tag_of(recipe: Recipe, written: dict[str, Any]) -> str:
    """Empty if the settings are those that are written in the recipe's file."""
    try:
        same = Recipe.parse(written).deciding() == recipe.deciding()
    except RecipeError:  # the file needs the settings
        same = False
    return "" if same else fingerprint_of(recipe.deciding())[:TAG_DIGITS]


def _resolve(name: str, base: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    path = _recipe_path(name, base)
    if path in seen:
        raise RecipeError(
            "{name}: recipes extend each other in a circle: {circle}",
            name=name,
            circle=" -> ".join(part.name for part in (*seen, path)),
        )
    values = load_yaml(path)
    values.setdefault("name", recipe_name(path.name))
    parents = values.pop("extends", [])
    inherited: dict[str, Any] = {}
    for parent in parents if isinstance(parents, list) else [parents]:
        inherited = merge(inherited, _resolve(str(parent), path.parent, (*seen, path)))
        inherited.pop("name")  # a recipe does not inherit the name
    return merge(inherited, values)


def _recipe_path(name: str, base: Path) -> Path:
    if name in shipped_recipes():
        return RECIPES / f"{name}.yaml"
    path = base / Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    if Path(name).suffix in (".yaml", ".yml"):
        raise RecipeError("{name}: no such recipe file. `kobert init {name}` writes one to start from.", name=name)
    recipe, _, tag = name.rpartition(":")
    if is_recipe(recipe):
        raise RecipeError(
            "{name}: this is the name of a run, not of a recipe. `kobert run {recipe} --tag {tag}` makes it.",
            name=name,
            recipe=recipe,
            tag=tag,
        )
    meant = nearest(name, shipped_recipes(), otherwise=say("`kobert recipes` lists the shipped ones."))
    raise RecipeError("{name}: neither a shipped recipe nor a file; {meant}", name=name, meant=meant)
