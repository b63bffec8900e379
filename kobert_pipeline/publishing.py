"""Publishing a run: collects its artifacts and its public page, asks about licences and personal data, and sends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.finished import FinishedRun, find_run
from kobert_pipeline.ground.contents.tokenizer_folder import TOKENIZER
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.hub.bundle import Bundle, dataset_bundle, model_bundle, tokenizer_bundle
from kobert_pipeline.hub.checkpoints_on_the_way import Checkpoint, checkpoints_of
from kobert_pipeline.hub.folder_bundle import folder_bundle
from kobert_pipeline.hub.fresh_process import check_published
from kobert_pipeline.hub.licences import UNKNOWN, problems
from kobert_pipeline.hub.publishable import CARD, VOCABULARY, Kind
from kobert_pipeline.hub.push import Destination, Published, find_token, push
from kobert_pipeline.hub.scan import leaks
from kobert_pipeline.hub.wording import counts
from kobert_pipeline.morphology.byte_level import spelled
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.report.page import public_page
from kobert_pipeline.runner import states

NEEDS: dict[Kind, tuple[str, ...]] = {
    "model": ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval", "hub"),
    "tokenizer": ("corpora", "tokenizer"),
    "dataset": ("corpora",),
}
"""Stages that must be complete."""


@dataclass(frozen=True)
class Question:
    """A warning that the user has to answer before anything is sent."""

    name: str
    """The value of `--accept` that answers it."""
    text: str

    def __str__(self) -> str:
        return say("{text} If this is intended: --accept {name}", text=self.text, name=self.name)


def finished_run(name: str, settings: Sequence[str], artifacts: Path, kind: Kind) -> FinishedRun:
    """The run to publish, with the settings that its recipe has. Raises KobertError if it is not finished."""
    run = find_run(name, settings, artifacts, NEEDS[kind][-1], strict=True)
    if run is None:
        raise KobertError(
            "The run is not finished: {what}. Run `kobert run {name} --until {stage}` first.",
            what=_missing(name, settings, artifacts, kind),
            name=name,
            stage=NEEDS[kind][-1],
        )
    if missing := [stage for stage in NEEDS[kind] if stage not in run.folders]:
        raise KobertError(
            "{run}: its {missing} is no longer in {artifacts}. Run the recipe again.",
            run=run.name,
            missing=missing[0],
            artifacts=artifacts,
        )
    return run


def _missing(name: str, settings: Sequence[str], artifacts: Path, kind: Kind) -> str:
    """The first stage that is missing, and why."""
    try:
        found = states(load_recipe(name, tuple(settings)), artifacts)
    except KobertError:  # without the raw data or the recipe nothing more is known
        return say("there is no {stage} for these settings", stage=NEEDS[kind][-1])
    needed = [state for state in found if state.stage.name in NEEDS[kind]]
    return next((f"{each.stage.name}: {'; '.join(each.reasons)}" for each in needed if not each.complete), say("it has parts of other runs"))  # fmt: skip


def gather(run: FinishedRun, artifacts: Path, kind: Kind, repo: str) -> Bundle:
    """What would be published. Raises KobertError for a text that contains a secret or a folder of this machine."""
    if kind == "dataset":
        bundle = dataset_bundle(run.hub, run.name, run.folders, repo=repo)
    elif kind == "tokenizer":
        bundle = tokenizer_bundle(run.hub, run.name, run.folders, repo=repo)
    else:
        page = public_page(run.name, run.folders, run.compare_with, run.description, repo)
        bundle = model_bundle(run.hub, run.name, run.folders, repo=repo, page=page)
    refuse_leaks(bundle, artifacts)
    return bundle


def gather_folder(folder: Path, artifacts: Path) -> Bundle:
    """What would be published of a fine-tuned model in a folder of its own. Raises KobertError as `gather` does."""
    bundle = folder_bundle(folder)
    refuse_leaks(bundle, artifacts)
    return bundle


def gather_checkpoints(run: FinishedRun, artifacts: Path, repo: str) -> list[Checkpoint]:
    """The models of steps on the way that `hub.checkpoints` names. Raises KobertError as `gather` does."""
    found = checkpoints_of(run.hub, run.name, run.folders, repo=repo)
    for checkpoint in found:
        refuse_leaks(checkpoint.bundle, artifacts)
    return found


def refuse_leaks(bundle: Bundle, artifacts: Path, secrets: Iterable[str] = ()) -> None:
    """Raises KobertError for the first file that contains a secret or a folder of this machine."""
    places = sorted({str(place) for place in (Path.home(), artifacts.resolve()) if place != Path("/")})
    for name, text in bundle.texts().items():
        if leaked := leaks(text, places=places, secrets=secrets):
            raise KobertError(
                "{name}: would publish {problem}. Nothing was sent. Remove it from the recipe (or rename the source) and run it again.",
                name=name,
                problem=leaked[0],
            )


def questions(bundle: Bundle) -> list[Question]:
    """What the user has to answer: licences that do not fit, and texts that look like personal data."""
    asked = []
    if lines := licence_problems(bundle):
        asked.append(Question("licences", say("Licences: {problems}.", problems="; ".join(lines))))
    if lines := personal_data(bundle):
        asked.append(Question("personal-data", say("Looks like personal data: {places}.", places="; ".join(lines))))
    return asked


def licence_problems(bundle: Bundle) -> list[str]:
    """One line per problem. The texts of a dataset keep their licences; a model or a tokenizer has one licence."""
    if not bundle.sources and bundle.license == UNKNOWN:
        return [say("the card names no licence: write `license: …` into its head")]
    if bundle.kind == "dataset":
        return [line for name, licence in bundle.sources.items() for line in problems(licence, {name: licence})]
    return problems(bundle.license, bundle.sources)


def personal_data(bundle: Bundle) -> list[str]:
    """`README.md (phone 1)`, `vocab.txt (email 2)`: kinds and counts, never the data."""
    from corpora.personal_data import mask

    name, pieces = _vocabulary(bundle.texts())
    kinds_of = {CARD: mask(bundle.card)[1], name: Counter[str]()}
    for piece in pieces:
        kinds_of[name] += mask(piece)[1]
    lines = [f"{name} ({counts(dict(sorted(kinds.items())))})" for name, kinds in kinds_of.items() if kinds]
    return lines if bundle.masked else [*lines, say("the texts, which the recipe says not to mask")]


def _vocabulary(texts: Mapping[str, str]) -> tuple[str, list[str]]:
    """The file that holds the vocabulary, and its pieces as text. Byte-level pieces are in tokenizer.json alone."""
    from tokenizers import Tokenizer

    if VOCABULARY in texts or TOKENIZER not in texts:
        return VOCABULARY, [piece.removeprefix("##") for piece in texts.get(VOCABULARY, "").splitlines()]
    return TOKENIZER, [spelled(piece) for piece in Tokenizer.from_str(texts[TOKENIZER]).get_vocab()]


def refuse_unanswered(open_questions: Iterable[Question], accepted: Iterable[str]) -> None:
    """Raises KobertError with every question that is not accepted."""
    unanswered = [question for question in open_questions if question.name not in set(accepted)]
    if unanswered:
        raise KobertError("\n".join([say("Nothing was sent."), *map(str, unanswered)]))


def publish(bundle: Bundle, to: Destination, artifacts: Path) -> Published:
    """Sends the bundle and loads it back from an empty cache. Raises KobertError with what failed and what to do."""
    token = find_token()
    refuse_leaks(bundle, artifacts, secrets=[token])
    published = push(bundle, to, token=token)
    check_published(bundle, published, token=token)
    return published
