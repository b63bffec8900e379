"""The options of `kobert eval` for labelled tasks of the user's own, and what it shows of them."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from kobert_pipeline.ground.errors import KobertError

REPORTS = "reports"


def require_own(task: Iterable[str] | None, **options: object) -> None:
    """Raises KobertError for an option that says something about own tasks, if there is none."""
    for name, value in options.items():
        if value is not None and not task:
            raise KobertError(f"--{name} is about a task of your own. Name its file: --task FILE")


def own_settings(files: Iterable[str], *, kind: str | None, epochs: int | None) -> dict[str, Any]:
    """The settings of `klue_eval` for these files; empty without a file. Raises KobertError for two files of one name."""
    tasks: dict[str, Any] = {}
    for file in files:
        name = _name_of(file)
        if name in tasks:
            raise KobertError(f"--task {file}: another task is called {name}, too. Rename one of the files.")
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
    if out is not None:
        _copy(models, out)
    for kept in models:
        place = out / kept.task if out is not None and len(models) > 1 else out or kept.folder
        typer.echo(f"Model:  {place}\n        {kept.loads(str(place))}")
    if own:
        typer.echo(f"Report: {page}")


def _copy(models: Any, out: Path) -> None:
    """Copies one model into `out`, several into folders of their tasks. Raises KobertError for a folder that is not empty."""
    if out.exists() and any(out.iterdir()):
        raise KobertError(
            f"--out {out}: the folder is not empty. Name a new one; the model is also in {models[0].folder}."
        )
    for kept in models:
        shutil.copytree(kept.folder, out / kept.task if len(models) > 1 else out, dirs_exist_ok=True)
