"""One file that carries folders and files to a machine without a network: a tar in xz, set for numbers of two bytes."""

from __future__ import annotations

import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path

from kobert_pipeline.ground.files import atomic_path

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 3, "lp": 1, "pb": 1}]


def write_bundle(out: Path, content: Mapping[str, Path]) -> None:
    """`content`: name in the bundle -> a folder or file here. Logs of artifacts (`run/`) stay here."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_path(out) as temporary,
        lzma.open(temporary, "wb", filters=FILTERS) as stream,
        tarfile.open(fileobj=stream, mode="w") as bundle,
    ):
        for name, path in content.items():
            bundle.add(path.resolve(), name, filter=_without_logs)


def _without_logs(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name == "run" else member


def unpack(bundle: Path, folder: Path) -> None:
    with lzma.open(bundle) as stream, tarfile.open(fileobj=stream, mode="r|") as members:
        members.extractall(folder, filter="data")
