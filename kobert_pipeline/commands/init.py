"""`kobert init`: a commented recipe for a user's own files."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.terminal import tell

if TYPE_CHECKING:
    from corpora.survey import Kind, Survey

TEMPLATE = """\
# A recipe for your own text. What it does not set comes from `{base}`. Every key can be set here, or for one run with
# `--set`, e.g.  kobert run {file} --set pretrain.max_steps=2000
extends: {base}
description: A language model of our own domain.

corpora:
  sources:
{sources}

tokenizer:
{tokenizer}

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
SOURCES = """\
    # One entry per body of text: a file, folder, archive or glob. Text, JSONL, Parquet, CSV, wiki dumps, 모두의 말뭉치, HTML and
    # more, compressed or not, in UTF-8, CP949 or UTF-16; corpora/README.md lists them.
    - name: our-documents
      path: data/*.jsonl
      license: unknown            # SPDX identifier, shown in the model card
      # text_field: body
      # documents: file           # for folders of .txt in which each file is one document
      # continuity: false         # for lines that do not continue each other, such as reviews"""
TOKENIZER = "  vocab_size: {vocab_size}              # lower it for a small corpus; the error says how many pieces your text supports"


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the recipe, e.g. my.yaml.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="DIR", help="Look at the files there, and write what they need into the recipe."
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--from", metavar="RECIPE", help="The shipped recipe to start from.")
    ] = "modernbert-mini",
) -> None:
    """Write a commented recipe for your own files."""
    if data is None:
        write_recipe(file, base)
        tell(say("Wrote {file}. Put your files under `path`, then: kobert run {file}", file=file))
        return
    from corpora.survey import survey

    _refuse_existing(file)
    looked = survey(data)
    write_recipe(file, base, looked, data)
    tell("\n".join(summary(looked)))
    tell(say("Wrote {file}. Check the sources in it, then: kobert run {file}", file=file))


def write_recipe(file: Path, base: str, looked: Survey | None = None, data: str = "") -> None:
    """Writes a recipe that extends the shipped recipe `base`, for the files that were looked at. Raises KobertError if the
    file exists."""
    from kobert_pipeline.ground.files import write_text
    from kobert_pipeline.recipe import load_recipe

    _refuse_existing(file)
    recipe = load_recipe(base)
    text = say(TEMPLATE).format(
        base=base,
        file=file.name,
        sources=say(SOURCES) if looked is None else _sources(looked, data),
        tokenizer=say(TOKENIZER, vocab_size=recipe.tokenizer.vocab_size) if looked is None else _tokenizer(looked),
        max_steps=recipe.pretrain.max_steps,
        learning_rate=recipe.pretrain.learning_rate,
    )
    write_text(file, text)


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise KobertError("{file} exists already; choose another name, or remove it first.", file=file)


# --- what was seen ---------------------------------------------------------------------------------------------------


def summary(looked: Survey) -> list[str]:
    """A line for each kind of file, with what is wrong with it, and one for files that are not read."""
    from corpora.not_read import explain_not_read

    lines = [line for kind in looked.kinds for line in (_seen(kind), *(f"  {each}" for each in kind.warnings))]
    return [*lines, *([explain_not_read(looked.not_read)] if looked.not_read else [])]


def _seen(kind: Kind) -> str:
    from kobert_pipeline.ground.amounts import shown_bytes

    counted = say("1 file") if kind.files == 1 else say("{count:,} files", count=kind.files)
    ending, size = kind.ending or say("without ending"), shown_bytes(kind.size)
    parts = [say("{counted} {ending} ({format}), {size}: looked into {looked}", counted=counted, ending=ending, format=kind.format, size=size, looked=kind.looked)]  # fmt: skip
    if kind.encodings:
        parts.append(", ".join(f"{name} {count}" for name, count in kind.encodings.most_common()))
    if kind.documents:
        parts.append(say("documents per file: {range}", range=_range(kind.documents)))
    return "; ".join(parts)


def _range(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else say("{low:,} to {high:,}", low=low, high=high)


def _sources(looked: Survey, data: str) -> str:
    from corpora.not_read import explain_not_read

    alone = len(looked.kinds) == 1
    entries = [line for kind in looked.kinds for line in _entry(kind, data, alone=alone)]
    other = [f"# {explain_not_read(looked.not_read)}"] if looked.not_read else []
    return "\n".join(f"    {line}" for line in (*entries, *other))


def _entry(kind: Kind, data: str, *, alone: bool) -> list[str]:
    """A source of the recipe, after comments that say what was seen."""
    whole = alone or not Path(data).is_dir()
    path = data if whole else f"{glob.escape(data.rstrip('/'))}/**/*{kind.ending}"
    values: dict[str, Any] = {"name": kind.name, "path": path}
    values |= {"license": "unknown"} | kind.settings
    comments = [f"# {line}" for line in (_seen(kind), *kind.warnings, *kind.notes)]
    keys = [f"{name}: {_yaml(value)}" for name, value in values.items()]
    keys[2] += "            # " + say("SPDX identifier, shown in the model card")
    return [*comments, f"- {keys[0]}", *(f"  {key}" for key in keys[1:])]


def _tokenizer(looked: Survey) -> str:
    from corpora.survey import vocabulary

    settings = vocabulary(looked.characters)
    reason = "  # " + say(
        "for about {count:,} characters of text; the error says how many pieces a text supports",
        count=looked.characters,
    )
    return "\n".join([reason, *(f"  {name}: {_yaml(value)}" for name, value in settings.items())])


def _yaml(value: Any) -> str:
    import yaml

    return yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=1_000).removesuffix("\n...\n").strip()  # fmt: skip
