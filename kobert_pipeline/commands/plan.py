"""`kobert plan`: what a recipe's pretraining takes, before it is run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, RecipeName, Settings
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.progress_line import padded

if TYPE_CHECKING:
    from kobert_pipeline.finished import FinishedRun
    from kobert_pipeline.pretrain.estimate import Estimate

GPUS = ("NVIDIA H200", "NVIDIA H100", "NVIDIA A100", "NVIDIA L40S", "NVIDIA RTX 4090")
"""GPUs that a plan names."""
NAMES = 21
"""Columns of the names of what is measured."""
Gpus = Annotated[
    list[str] | None, typer.Option("--gpu", metavar="NAME", help="Name this GPU, e.g. 'NVIDIA H200'. May be repeated.")
]


def plan(
    recipe: RecipeName, gpu: Gpus = None, settings: Settings = None, artifacts: Artifacts = DEFAULT_ARTIFACTS
) -> None:
    """Say what a recipe's pretraining takes on this machine, measured for about a minute, and on GPUs where it was measured."""
    from kobert_pipeline.finished import find_run
    from kobert_pipeline.handover import objective_folders
    from kobert_pipeline.pretrain.estimate import estimate

    run = find_run(recipe, settings or (), artifacts, "dataset", strict=True)
    if run is None:
        raise KobertError(
            "There is no token store for these settings, and a plan counts its tokens. Run `kobert run {recipe} --until dataset` first.",
            recipe=recipe,
        )
    if run.recipe is None:
        raise KobertError(
            "{name}: a finished run. A plan is made for a recipe; its settings are given with --set.", name=recipe
        )
    typer.echo(say("Training for about a minute to measure …"), err=True)
    logging.getLogger("kobert_pipeline.pretrain").setLevel(logging.WARNING)
    found = estimate(
        run.recipe.pretrain, run.folders["tokenizer"], run.folders["dataset"],
        seed=run.recipe.seed, folders=objective_folders(run.recipe, artifacts),
    )  # fmt: skip
    for line in (*described(found), *finished_stages(run), *on_gpus(run.recipe.name, found, tuple(gpu or GPUS))):
        typer.echo(line)


def described(found: Estimate) -> Iterator[str]:
    """What the pretraining takes on this machine."""
    from kobert_pipeline.ground.amounts import shown_memory, shown_seconds
    from kobert_pipeline.runner import hardware

    speed = found.tokens / found.seconds
    yield say(
        "pretrain on this machine ({machine}), from {steps} measured steps in {precision}:",
        machine=hardware(),
        steps=found.measured_steps,
        precision=found.precision,
    )
    for name, value in (
        (say("time"), say("{time} for {steps:,} steps, {speed:,.0f} tokens/s", time=shown_seconds(found.seconds), steps=found.steps, speed=speed)),
        (say("computation"), f"{found.flops / 1e15:.3g} petaFLOP"),
        (say("memory"), say("{size} at the peak so far", size=shown_memory(found.memory))),
        (say("disk"), shown_memory(found.disk)),
        (say("tokens"), say("{tokens:,}: {epochs:,.1f} epochs of {corpus:,}", tokens=found.tokens, epochs=found.epochs, corpus=found.corpus_tokens)),
        (say("tokens per parameter"), say("{share:,.2f} ({parameters:,} parameters)", share=found.tokens_per_parameter, parameters=found.parameters)),
    ):  # fmt: skip
        yield f"  {padded(name, NAMES)} {value}"


def finished_stages(run: FinishedRun) -> Iterator[str]:
    """What the stages before it took, as their artifacts say."""
    from kobert_pipeline.ground.amounts import shown_seconds
    from kobert_pipeline.ground.contents.cost import read_cost

    costs = {stage: cost for stage, folder in run.folders.items() if (cost := read_cost(folder))}
    if costs:
        took = ", ".join(f"{stage} {shown_seconds(cost.seconds)}" for stage, cost in costs.items())
        yield say("finished stages: {took}", took=took)
    yield say("klue_eval: not measured")


def on_gpus(recipe: str, found: Estimate, names: tuple[str, ...]) -> Iterator[str]:
    """A line for each GPU: the time of the same tokens at a speed that was measured, or that none was."""
    from kobert_pipeline.ground.amounts import shown_seconds
    from kobert_pipeline.measured import speeds

    for name in names:
        rows = [row for row in speeds(recipe) if row.machine == name and row.tokens_per_second]
        if not rows:
            yield say("one {gpu}: not measured", gpu=name)
        for row in rows:
            assert row.tokens_per_second is not None
            yield say(
                "one {gpu}: {time}{memory} at {speed:,} tokens/s, measured with {how}",
                gpu=name,
                time=shown_seconds(found.tokens / row.tokens_per_second),
                memory=f", {row.peak_gib:.1f} GiB" if row.peak_gib else "",
                speed=row.tokens_per_second,
                how=row.how,
            )
