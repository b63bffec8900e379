"""From raw Korean text to a published, KLUE-scored language model. Start reading at `kobert_pipeline.stages`.

In Python: `from kobert_pipeline import load_recipe, run, open_run`, which `kobert_pipeline.api` documents.
"""

from typing import Any

from kobert_pipeline.ground.own_packages import require_own_packages

__version__ = "0.1.0"
__all__ = ["load_recipe", "open_run", "run"]

require_own_packages()


def __getattr__(name: str) -> Any:
    """The functions are imported at first use: `kobert --help` and the processes of a run do not need them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("kobert_pipeline.api"), name)
