"""`kobert export`: a model as ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings
from kobert_pipeline.ground.messages import say

DEFAULT_LOSS = 0.5


def export(
    model: ModelName,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="FORMAT", help="onnx (the default) or onnx-int8. May be repeated."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="A new folder. Default: the model's name and -onnx.")
    ] = None,
    head: Annotated[bool, typer.Option("--head/--no-head", help="With its head, or hidden states alone.")] = True,
    cache: Annotated[bool, typer.Option("--cache", help="A decoder reads and returns its cache.")] = False,
    opset: Annotated[int, typer.Option(min=7, help="Version of ONNX's operators.")] = 18,
    task: Annotated[
        str | None, typer.Option(metavar="FILE", help="Measure what int8 costs on a labelled file, as `kobert eval`.")
    ] = None,
    max_loss: Annotated[
        float, typer.Option("--max-loss", min=0, metavar="POINTS", help="Points of score that int8 may lose on --task.")
    ] = DEFAULT_LOSS,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Write int8 whatever it loses.")] = False,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Write a model as ONNX, which runs without torch. Needs the extra `onnx`."""
    from klue_eval.model_folders import resolve_model
    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.exporting.exported_folder import ExportOptions, as_formats, export_model
    from kobert_pipeline.ground.amounts import shown_bytes

    options = ExportOptions(as_formats(formats or ["onnx"]), head, cache, opset, task, max_loss, accept_loss)
    folder = to or Path(f"{Path(model).stem.replace(':', '-')}-onnx")
    done = export_model(resolve_model(locate(model, settings or (), artifacts)), folder, options)
    for file in done.files:
        typer.echo(f"{done.folder / file.name}: {shown_bytes(file.size)}, {file.measured}")
    typer.echo(say("{card} shows how to run it.", card=done.folder / "README.md"))
