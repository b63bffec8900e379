"""Keeps third-party libraries off the console during a run: our own lines are the log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silences everything below an error: Lightning's banners, advice and tips, transformers' progress bars and
    reports."""
    from transformers.utils import logging as transformers_logging

    loggers = [
        logging.getLogger(name)
        for name in ("lightning", "lightning.pytorch", "lightning.fabric", "lightning_utilities")
    ]
    levels = [(item, item.level) for item in loggers]
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    for item in loggers:
        item.setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for item, level in levels:
            item.setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


@contextmanager
def fitting() -> Iterator[None]:
    """Surrounds `Trainer.fit`: keeps it quiet, and turns Ctrl-C into a KeyboardInterrupt. Lightning would exit without
    a message."""
    with quiet():
        try:
            yield
        except SystemExit:
            raise KeyboardInterrupt from None
