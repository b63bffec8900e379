"""Third-party libraries say little on a run's console: our own lines are the run's log."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silences Lightning's banners, advice and tips, and transformers' progress bars and reports, below errors."""
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
    """Around `Trainer.fit`: quiet, and Ctrl-C stays a KeyboardInterrupt, where Lightning would exit without a word."""
    with quiet():
        try:
            yield
        except SystemExit:
            raise KeyboardInterrupt from None
