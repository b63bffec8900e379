"""`kobert export`: a folder with ONNX files, the tokenizer, the configuration and a card. It appears complete or not at all."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kobert_pipeline.exporting.cached_decoder import cached_graph
from kobert_pipeline.exporting.export_card import Written, card
from kobert_pipeline.exporting.int8 import agreement, quantise
from kobert_pipeline.exporting.lost_score import LostScore, lost_score, read_labelled
from kobert_pipeline.exporting.onnx_file import OPSET, graph_of, write_onnx
from kobert_pipeline.exporting.onnx_libraries import require_onnx
from kobert_pipeline.exporting.session import TOLERANCE, Session, cached_difference, difference
from kobert_pipeline.exporting.source_model import SourceModel, load_source
from kobert_pipeline.ground.config import nearest
from kobert_pipeline.ground.contents.hub_folder import OnnxFile, OnnxFiles
from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.files import atomic_folder, write_text
from kobert_pipeline.morphology.tokenizer_files import tokenizer_files

logger = logging.getLogger(__name__)

Format = Literal["onnx", "onnx-int8"]
FILES: Mapping[Format, str] = {"onnx": "onnx/model.onnx", "onnx-int8": "onnx/model_int8.onnx"}
"""Format -> its file, by the names that the Hub's libraries know."""
CARD = "README.md"
KEPT = ("config.json", "generation_config.json")
MOST_LOST = 0.5
"""Points of score."""


@dataclass(frozen=True)
class ExportOptions:
    formats: tuple[Format, ...] = ("onnx",)
    head: bool = True
    """False exports the body alone, which returns hidden states."""
    cache: bool = False
    """Whether a decoder reads and returns its cache."""
    opset: int = OPSET
    task: str | None = None
    """A labelled file on which the loss in score is measured."""
    max_loss: float = MOST_LOST
    accept_loss: bool = False


@dataclass(frozen=True)
class Exported:
    folder: Path
    files: list[Written] = field(default_factory=list)


def as_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Raises InputError for a name that is not a format."""
    for name in names:
        if name not in FILES:
            raise InputError("--format {name}: {meant}", name=name, meant=nearest(name, list(FILES)))
    return tuple(known for known in FILES if known in set(names))


def export_model(model: Path, folder: Path, options: ExportOptions) -> Exported:
    """Writes `folder`, which must be new or empty. Raises InputError for a model that cannot be exported, and KobertError if a file
    does not answer as torch does, or loses more of its score than it may. Then nothing is left behind."""
    require_onnx("ONNX export")
    if options.task is not None and "onnx-int8" not in options.formats:
        raise KobertError("--task measures what int8 costs. Add --format onnx-int8.")
    if options.task is None and "onnx-int8" in options.formats:
        logger.warning("export: what int8 costs in score was not measured. --task FILE measures it on a labelled file.")
    with atomic_folder(folder) as partial:
        source = load_source(model, head=options.head)
        files = _write(source, partial, options)
        _copy_what_reads_text(model, partial)
        write_text(partial / CARD, card(source, files, cache=options.cache, text=_card_of(model)))
    return Exported(folder, files)


def onnx_files(model: Path, folder: Path, formats: Sequence[str]) -> OnnxFiles:
    """Writes the ONNX files of a model next to its other files, for the hub stage. Raises as `export_model` does."""
    source = load_source(model)
    written = _write(source, folder, ExportOptions(as_formats(formats)))
    files = tuple(OnnxFile(file.name, file.size, file.difference, file.agreement) for file in written)
    return OnnxFiles(files, source.inputs, source.outputs, source.longest)


def _write(source: SourceModel, folder: Path, options: ExportOptions) -> list[Written]:
    data = read_labelled(source, options.task) if options.task is not None else None
    (folder / "onnx").mkdir(parents=True)
    full = folder / FILES["onnx"]
    graph = cached_graph(source) if options.cache else graph_of(source)
    write_onnx(graph, source.kind, full, options.opset)
    files = [_checked(source, folder, options)]
    if "onnx-int8" in options.formats:
        path = folder / FILES["onnx-int8"]
        quantise(source, full, path)
        session = Session(path)
        lost = lost_score(source, session, data) if data is not None else None
        if lost is not None:
            _refuse_lost(lost, options)
        alike = None if options.cache else agreement(source, session)
        files.append(Written(FILES["onnx-int8"], path.stat().st_size, agreement=alike, lost=lost))
    if "onnx" not in options.formats:
        for path in full.parent.glob(f"{full.name}*"):
            path.unlink()
        files = files[1:]
    return files


def _checked(source: SourceModel, folder: Path, options: ExportOptions) -> Written:
    path = folder / FILES["onnx"]
    session = Session(path)
    furthest = (cached_difference if options.cache else difference)(source, session)
    if not furthest <= TOLERANCE:
        raise KobertError(
            "{kind}: the ONNX file does not answer as torch does: they differ by {furthest:.1e}, more than {tolerance:.0e}. Nothing was written.",
            kind=source.kind,
            furthest=furthest,
            tolerance=TOLERANCE,
        )
    size = sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
    logger.info("export: %s answers as torch does (largest difference %.1e)", FILES["onnx"], furthest)
    return Written(FILES["onnx"], size, difference=furthest)


def _refuse_lost(lost: LostScore, options: ExportOptions) -> None:
    logger.info("export: %s on %s rows: torch %.2f, int8 %.2f", lost.metric, f"{lost.rows:,}", lost.torch, lost.onnx)
    if lost.points > options.max_loss and not options.accept_loss:
        raise KobertError(
            "int8 loses {points:.2f} points of {metric} ({torch:.2f} -> {onnx:.2f}), more than --max-loss {max_loss:g}. Nothing was written. Keep --format onnx, or say --accept-loss.",
            points=lost.points,
            metric=lost.metric,
            torch=lost.torch,
            onnx=lost.onnx,
            max_loss=options.max_loss,
        )


def _copy_what_reads_text(model: Path, folder: Path) -> None:
    files = {model / name for name in KEPT} | set(tokenizer_files(model)) | set(model.glob("tokenization_*.py"))
    for path in sorted(files):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)


def _card_of(model: Path) -> str:
    """The card of the model, which that of its ONNX files continues. Empty if it has none."""
    path = model / CARD
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError:
        raise InputError("{path}: not UTF-8. Save it as UTF-8, or move it away.", path=path) from None
