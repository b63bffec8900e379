"""`kobert recipes`: the recipes that come with the project."""

from __future__ import annotations

import typer

from kobert_pipeline.ground.messages import say


def recipes() -> None:
    """List the shipped recipes, each with what it trains and what it costs."""
    from kobert_pipeline.ground.layers import load_yaml
    from kobert_pipeline.measured import shown_cost
    from kobert_pipeline.recipe import RECIPES, shipped_recipes

    names = shipped_recipes()
    width = max(map(len, names))
    for name in names:
        description = load_yaml(RECIPES / f"{name}.yaml")["description"]
        typer.echo(f"{name:{width}}  {description} " + say("Cost: {cost}.", cost=shown_cost(name)))
    typer.echo(
        "\n" + say("`kobert plan RECIPE` measures what a recipe costs on this machine. `kobert run RECIPE` runs it.")
    )
