"""The libraries that write and run ONNX files."""

from __future__ import annotations

import importlib.metadata

from kobert_pipeline.ground.extras import require_extra

OF_THE_EXTRA = ("onnx", "onnxruntime", "onnxscript")


def require_onnx(what: str) -> None:
    """Raises KobertError, with the command that installs them, if one is missing. `what` needs them."""
    require_extra("onnx", what, *OF_THE_EXTRA)


def onnx_versions() -> dict[str, str]:
    """`library NAME` -> version, of all that decide the bytes of a file."""
    names = ("torch", "transformers", *OF_THE_EXTRA)
    return {f"library {name}": importlib.metadata.version(name) for name in names}
