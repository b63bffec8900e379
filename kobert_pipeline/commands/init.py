"""`kobert init`: a commented recipe for a user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline.ground.errors import KobertError

TEMPLATE = """\
# A recipe for your own text. What it does not set comes from `{base}`. Every key can be set here, or for one run with
# `--set`, e.g.  kobert run {file} --set pretrain.max_steps=2000
extends: {base}
description: A language model of our own domain.

corpora:
  sources:
    # One entry per body of text: a file, folder, archive or glob. Text, JSONL, Parquet, CSV, wiki dumps, 모두의 말뭉치, HTML and
    # more, compressed or not, in UTF-8, CP949 or UTF-16; corpora/README.md lists them.
    - name: our-documents
      path: data/*.jsonl
      license: unknown            # SPDX identifier, shown in the model card
      # text_field: body
      # continuity: false         # for lines that do not continue each other, such as reviews

tokenizer:
  vocab_size: {vocab_size}              # lower it for a small corpus; the error says how many pieces your text supports

pretrain:
  max_steps: {max_steps}               # or max_minutes or max_tokens instead
  # learning_rate: {learning_rate}
  # phases: [{{max_length: 128, batch_size: 32}}]

klue_eval:
  # A folder with KLUE's files, or hub:klue to download them. The sample below works offline; its scores mean nothing.
  data: "package:klue_eval/sample"
  tasks: [ynat, sts, nli]         # also ner, re, dp, mrc, wos; without this line all eight

hub:
  license: unknown                # of the published model
"""


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the recipe, e.g. my.yaml.")],
    base: Annotated[
        str, typer.Option("--from", metavar="RECIPE", help="The shipped recipe to start from.")
    ] = "modernbert-mini",
) -> None:
    """Write a commented recipe for your own files."""
    write_recipe(file, base)
    typer.echo(f"Wrote {file}. Put your files under `path`, then: kobert run {file}")


def write_recipe(file: Path, base: str) -> None:
    """Writes a recipe that extends the shipped recipe `base`. Raises KobertError if the file exists."""
    from kobert_pipeline.ground.files import write_text
    from kobert_pipeline.recipe import load_recipe

    if file.exists():
        raise KobertError(f"{file} exists already; choose another name, or remove it first.")
    recipe = load_recipe(base)
    text = TEMPLATE.format(
        base=base,
        file=file.name,
        vocab_size=recipe.tokenizer.vocab_size,
        max_steps=recipe.pretrain.max_steps,
        learning_rate=recipe.pretrain.learning_rate,
    )
    write_text(file, text)
