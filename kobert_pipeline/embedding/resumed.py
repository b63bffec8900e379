"""A training that goes on where a killed process stopped: the folder that it works in, and the checkpoints of its trainer.

A step ends with the same weights whether or not it was interrupted: a checkpoint holds the weights of the model and of the loss, and the
library's trainer adds the optimizer, the random states and the place in the data.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.files import atomic_path, read_cache, require_new, write_json, write_text

PARTIAL, RESULT = ".partial", "result"
HEADER, LOCK = "header.json", "lock"
COMPLETE, WEIGHTS = "complete", "weights.pt"
SAVED_AFTER = 120.0
"""Seconds between checkpoints: a killed process loses at most this much."""


@contextlib.contextmanager
def work_folder(target: Path, fingerprint: str) -> Iterator[Path]:
    """Yields `TARGET.partial`, with what an earlier process of the same fingerprint left in it. On success its `result/` becomes
    `target`, and the rest is removed. After an error in which nothing was trained, nothing is left behind.

    Raises InputError if `target` is there, KobertError if another process writes it or it was begun otherwise.
    """
    require_new(target)
    folder = target.with_name(f"{target.name}{PARTIAL}")
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        _require_own(folder, fingerprint)
        try:
            yield folder
            if target.is_dir():
                target.rmdir()
            (folder / RESULT).rename(target)
            shutil.rmtree(folder)
        except BaseException:
            if not _is_worth_keeping(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _is_worth_keeping(folder: Path) -> bool:
    """Whether it holds a finished step or a complete checkpoint."""
    return any(folder.glob("*.pt")) or any(folder.glob(f"*/*/{COMPLETE}"))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise KobertError(
            "{path}: another process is writing this folder. Wait for it, or stop it.", path=folder
        ) from None
    try:
        yield
    finally:
        lock.release()


def _require_own(folder: Path, fingerprint: str) -> None:
    begun = read_cache(folder / HEADER)
    if begun == {"fingerprint": fingerprint}:
        return
    if _is_worth_keeping(folder):
        raise InputError(
            "{path}: begun with another model, data or settings. Remove it, or name another folder.", path=folder
        )
    for path in folder.iterdir():
        if path.name != LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_json(folder / HEADER, {"fingerprint": fingerprint})


def save_weights(module: Any, path: Path) -> None:
    """Appears complete or not at all."""
    with atomic_path(path) as temporary:
        torch.save(module.state_dict(), temporary)


def load_weights(module: Any, path: Path) -> None:
    module.load_state_dict(torch.load(path, weights_only=True))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete one in the folder of a step."""
    found = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(found, key=step_of, default=None)


def step_of(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])


def resumable_trainer() -> Any:
    """The trainer of sentence-transformers, whose checkpoints also hold the weights of the loss: a decoder of TSDAE is one."""
    from sentence_transformers.sentence_transformer import SentenceTransformerTrainer

    class Resumable(SentenceTransformerTrainer):
        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            folder = Path(output_dir or self.args.output_dir)
            folder.mkdir(parents=True, exist_ok=True)
            save_weights(self.loss, folder / WEIGHTS)

        def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
            load_weights(self.loss, Path(checkpoint_path) / WEIGHTS)

    return Resumable


def saving(seconds: float) -> Any:
    """A callback that saves a checkpoint after so many seconds, and marks it when it is complete."""
    from transformers import TrainerCallback

    class Saving(TrainerCallback):
        def __init__(self) -> None:
            self.saved = time.monotonic()

        def on_step_end(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_save = time.monotonic() - self.saved >= seconds and state.global_step < state.max_steps

        def on_save(self, arguments: Any, state: Any, control: Any, **_: Any) -> None:
            write_text(Path(arguments.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE, "")
            self.saved = time.monotonic()

    return Saving()
