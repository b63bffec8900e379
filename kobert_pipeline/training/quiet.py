"""Keeps third-party libraries off the console during a run: our own lines are the log, and what they warn of is one of them."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

logger = logging.getLogger(__name__)

LOUD = ("lightning", "lightning.pytorch", "lightning.fabric", "lightning_utilities", "transformers", "huggingface_hub")
"""Loggers that write to the console on their own."""
FOR_DEVELOPERS = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning", "PossibleUserWarning")
"""Kinds of warnings that are not about this run. Lightning's PossibleUserWarning is advice."""
EXPECTED = {
    r"LOAD REPORT|checkpoint seem corrupted": "`loaded_weights` reads the report and refuses what is wrong",
    r"resuming from a checkpoint that ended before the epoch ended": "the loader goes on at any batch",
    r"Checkpoint directory .* exists and is not empty": "a run that goes on has checkpoints",
    r"`srun` command is available": "torchrun starts our processes",
    r"lr_scheduler\.step\(\)`? before `?optimizer\.step": "fp16 skips its first steps while it looks for a scale",
    r"thrown while requesting|^Retrying in": "the error that follows says what did not answer",
    r"new API settings to control TF32": "it is about the names of settings",
}
"""What a warning says -> why it says nothing to the user."""
_EXPECTED = re.compile("|".join(EXPECTED))
LENGTH = 400
"""Characters of a warning that are shown."""
_told: set[str] = set()


@contextmanager
def quiet() -> Iterator[None]:
    """Silences banners, advice, tips and progress bars of Lightning and transformers. Each warning of a library that is not
    expected becomes one line of ours, once in a process."""
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with ExitStack() as stack:
            for name in LOUD:
                stack.enter_context(_relayed(logging.getLogger(name)))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")
            warnings.showwarning = _show
            yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()


@contextmanager
def _relayed(loud: logging.Logger) -> Iterator[None]:
    level, handlers, propagates = loud.level, loud.handlers, loud.propagate
    loud.handlers, loud.propagate = [_Relay(logging.WARNING)], False
    loud.setLevel(logging.WARNING)
    try:
        yield
    finally:
        loud.handlers, loud.propagate = handlers, propagates
        loud.setLevel(level)


class _Relay(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _tell(record.name.partition(".")[0], record.getMessage())


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Takes the place of `warnings.showwarning`."""
    if category.__name__ not in FOR_DEVELOPERS:
        _tell(_library(filename), str(message))


def _library(filename: str) -> str:
    """The package that a file belongs to, or the name of the file."""
    parts = Path(filename).parts
    return parts[parts.index("site-packages") + 1] if "site-packages" in parts[:-1] else Path(filename).name


def _tell(library: str, text: str) -> None:
    line = " ".join(text.split())[:LENGTH]
    if line not in _told and not _EXPECTED.search(line):
        _told.add(line)
        logger.warning("%s: %s", library, line)


@contextmanager
def fitting() -> Iterator[None]:
    """Surrounds `Trainer.fit`: keeps it quiet, and turns Ctrl-C into a KeyboardInterrupt. Lightning would exit without
    a message."""
    with quiet():
        try:
            yield
        except SystemExit:
            raise KeyboardInterrupt from None
