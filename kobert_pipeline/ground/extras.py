"""Packages of an extra of pyproject.toml, which a plain installation does not have."""

from __future__ import annotations

import importlib.util

from kobert_pipeline.ground.errors import KobertError


def require_extra(extra: str, what: str, *modules: str) -> None:
    """Raises KobertError, with the command that installs the extra, if one of its modules is missing. `what` needs them."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        names = ", ".join(module.replace("_", "-") for module in missing)
        raise KobertError(
            "{what} needs {names}. Install it: pip install 'kobert-pipeline[{extra}]'",
            what=what,
            names=names,
            extra=extra,
        )
