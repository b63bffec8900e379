"""`kobert serve`: a playground in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings


def serve(
    model: ModelName,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Open on this machine only.")] = 7860,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Play with a model in the browser: fill masks, cut text into pieces. Needs the extra `serve`."""
    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.report.playground import serve as serve_model

    serve_model(locate(model, settings or (), artifacts), port, title=model)
