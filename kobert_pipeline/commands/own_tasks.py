"""The options of `kobert eval` for labelled tasks of the user's own, and what it shows of them."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

REPORTS = "reports"


def require_own(task: Iterable[str] | None, **options: object) -> None:
    """Raises KobertError for an option that says something about own tasks, if there is none."""
    for name, value in options.items():
        if value is not None and not task:
            raise KobertError("--{name} is about a task of your own. Name its file: --task FILE", name=name)


def own_settings(files: Iterable[str], *, kind: str | None, epochs: int | None) -> dict[str, Any]:
    """The settings of `klue_eval` for these files; empty without a file. Raises KobertError for two files of one name."""
    tasks: dict[str, Any] = {}
    for file in files:
        name = _name_of(file)
        if name in tasks:
            raise KobertError(
                "--task {file}: another task is called {name}, too. Rename one of the files.", file=file, name=name
            )
        tasks[name] = {"file": file} | ({} if kind is None else {"kind": kind})
    settings = {"settings": {name: {"epochs": epochs} for name in tasks}} if epochs else {}
    return {"own_tasks": tasks, **settings} if tasks else {}


def _name_of(file: str) -> str:
    """`data/판결 요지.csv` -> `판결-요지`; with `own-` before the name of a known task."""
    from klue_eval.tasks import KNOWN

    name = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", Path(file).stem)).strip("-") or "task"
    return f"own-{name}" if name in KNOWN else name


def show_kept(model: str, folder: Path, artifacts: Path, out: Path | None, *, own: bool) -> None:
    """Copies the fine-tuned models to `out`, and says where they are. Of `own` tasks it writes a page."""
    from kobert_pipeline.report.own_tasks_page import exported, fine_tuned, write_evaluation

    page = artifacts / REPORTS / f"eval-{folder.name}.html"
    if own:
        write_evaluation(page, model, folder, artifacts)
    models = [*fine_tuned(folder, artifacts), *exported(folder, artifacts)]
    places = [kept.folder for kept in models] if out is None else copy_models(models, out)
    for kept, place in zip(models, places, strict=True):
        typer.echo(say("Model:  {folder}", folder=place) + f"\n        {kept.loads(str(place))}")
    if own:
        typer.echo(say("Report: {page}", page=page))


def copy_models(models: Any, out: Path) -> list[Path]:
    """Copies one model into `out`, several into folders of their tasks, with the protocol's name if a task has several. Returns where
    they are. Raises KobertError for a folder that is not empty."""
    if out.exists() and any(out.iterdir()):
        raise KobertError(
            "--out {out}: the folder is not empty. Name a new one; the model is also in {folder}.",
            out=out,
            folder=models[0].folder,
        )
    times = Counter(kept.task for kept in models)
    names = [kept.task if times[kept.task] == 1 else f"{kept.task}-{kept.protocol}" for kept in models]
    places = [out / name for name in names] if len(models) > 1 else [out]
    for kept, place in zip(models, places, strict=True):
        shutil.copytree(kept.folder, place, dirs_exist_ok=True)
    return places
