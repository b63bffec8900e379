"""The first screen of a page: what the run made, when, where, with which version, and how to load the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.amounts import shown_bytes, shown_seconds
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.report.bilingual import Said, joined, say
from kobert_pipeline.report.numbers import shown_count
from kobert_pipeline.report.picture import StageBox
from kobert_pipeline.uses import use_named
from kobert_pipeline.uses.use import loading_code


@dataclass(frozen=True)
class About:
    description: str
    """The recipe's; empty if the recipe is not at hand."""
    lead: Said
    facts: list[tuple[Said, Said]]
    code: str
    """Python that loads the model; empty if its files are not at hand."""


def about(
    recipe: str, description: str, artifacts: ArtifactSet, stages: list[StageBox], *, public: bool, repo: str
) -> About:
    """`repo`: the name of a public page's model on the Hub. A page that is not public names the folder on this machine."""
    place = repo if public else _place(artifacts)
    facts = [*_made(stages), *_used(recipe, artifacts, place, public)]
    return About(description, _lead(artifacts, stages), facts, _code(artifacts, place))


def _lead(artifacts: ArtifactSet, stages: list[StageBox]) -> Said:
    run = artifacts.get(PretrainedRun)
    if run is None:
        return say("A run of kobert-pipeline, from raw Korean text to a language model. It is not finished.")
    return say(
        "A Korean **{architecture}** of **{parameters}** parameters, trained with the objective **{objective}**{corpus}: from raw text to {goal} in **{time}** of computing.",
        architecture=run.summary.architecture,
        parameters=shown_count(run.summary.parameters),
        objective=run.summary.objective,
        corpus=_of_corpus(artifacts.get(Corpus)),
        goal=say("KLUE scores") if Scores in artifacts else say("a trained model"),
        time=shown_seconds(sum(stage.seconds or 0 for stage in stages)),
    )


def _of_corpus(corpus: Corpus | None) -> Said:
    if corpus is None:
        return Said("", "")
    total = corpus.summary.total
    return say(" on **{documents}** documents ({bytes} of text)", documents=f"{total.kept:,}", bytes=shown_bytes(total.bytes))  # fmt: skip


# --- when, where, with what ------------------------------------------------------------------------------------------


def _made(stages: list[StageBox]) -> Iterator[tuple[Said, Said]]:
    """Runs of older versions recorded less, and then less is shown."""
    if last := max((stage.finished for stage in stages), default=""):
        yield say("finished"), Said(last, last)
    for words, values in (
        (say("machine"), {stage: "; ".join(filter(None, (stage.hardware, stage.machine))) for stage in stages}),
        (say("made with"), {stage: stage.made_with for stage in stages}),
    ):
        if any(values.values()):
            yield words, _by_stage(values)


def _by_stage(values: Mapping[StageBox, str]) -> Said:
    """The value that all stages share; several values each with their stages."""
    groups: dict[str, list[StageBox]] = {}
    for stage, value in values.items():
        if value:
            groups.setdefault(value, []).append(stage)
    if len(groups) == 1:
        return say(next(iter(groups)))
    return joined(
        (
            say("{value} ({stages})", value=value, stages=joined(stage.title for stage in made))
            for value, made in groups.items()
        ),
        "; ",
    )


# --- the model ---------------------------------------------------------------------------------------------------------


def _place(artifacts: ArtifactSet) -> str:
    """The folder to publish, or the exported model; empty if neither came with its files."""
    hub, run = artifacts.get(HubFolder), artifacts.get(PretrainedRun)
    places = [hub.publish if hub else None, run.model if run else None]
    return next((_shown(place) for place in places if place and (place / "config.json").is_file()), "")


def _shown(place: Path) -> str:
    """As it is typed in the folder in which the command ran."""
    return str(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)


def _used(recipe: str, artifacts: ArtifactSet, place: str, public: bool) -> Iterator[tuple[Said, Said]]:
    run = artifacts.get(PretrainedRun)
    if run is None or not place:
        return
    yield say("model"), say("`{place}`", place=place)
    if not public:
        command = use_named(run.summary.use).command.name
        yield say("try it"), say('`kobert {command} {recipe} "…"`', command=command, recipe=recipe)


def _code(artifacts: ArtifactSet, place: str) -> str:
    run, tokenizer = artifacts.get(PretrainedRun), artifacts.get(TokenizerFolder)
    if run is None or not place:
        return ""
    trust = tokenizer is not None and tokenizer.morpheme == "inference"
    return loading_code(use_named(run.summary.use).class_for(run.summary.architecture), place, trust)
