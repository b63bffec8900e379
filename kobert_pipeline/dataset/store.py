"""The token store: every sentence tokenised once, memory-mapped, read by blocks.

`<split>/NNNNN.arrow` (Arrow IPC, uncompressed, one file a corpus shard) holds one row a sentence: `input_ids` (uint16 where
the vocabulary fits, without special tokens), `eojeol_start` (aligned to the pieces), `document` (number within the file),
`source` (number in the manifest's list). `datasets.load_dataset("arrow", data_files=…)` reads the same files.

Shapes: N pieces, S sentences, D documents of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kobert_pipeline.artifacts import atomic_path, read_manifest
from kobert_pipeline.errors import ArtifactMismatch

TRAIN, VALIDATION = "train", "validation"
SENTENCES_PER_BLOCK = 65_536


def schema(vocab_size: int) -> pa.Schema:
    piece = pa.uint16() if vocab_size <= 2**16 else pa.uint32()
    return pa.schema(
        [
            ("input_ids", pa.list_(piece)),
            ("eojeol_start", pa.list_(pa.bool_())),
            ("document", pa.uint32()),
            ("source", pa.uint8()),
        ]
    )


def write_shard(path: Path, columns: dict[str, Any], vocab_size: int) -> None:
    """One file of the store; `columns` as in the schema, arrays or lists."""
    table = pa.table({name: pa.array(columns[name], type=kind) for name, kind in _fields(vocab_size)})
    with atomic_path(path) as temporary, pa.ipc.new_file(str(temporary), table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, table.num_rows))


def _fields(vocab_size: int) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema(vocab_size)]


@dataclass(frozen=True)
class Block:
    """A run of whole documents, about 65,536 sentences: what is planned at a time."""

    tokens: np.ndarray
    """(N,) pieces, uint16 or uint32."""
    eojeol_start: np.ndarray
    """(N,) bool: the piece begins an eojeol."""
    sentence_offsets: np.ndarray
    """(S + 1,) int64 into tokens."""
    document_offsets: np.ndarray
    """(D + 1,) int64 into sentences."""
    continuity: np.ndarray
    """(D,) bool: neighbouring sentences of the document continue each other."""


class Store:
    """A finished dataset artifact. Opening reads the manifest only; blocks are mapped when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary = read_manifest(folder).summary
        self.vocab_size: int = self.summary["vocab_size"]
        self._continuity = np.array([source["continuity"] for source in self.summary["sources"]], dtype=bool)

    def blocks(self, split: str) -> list[list[Path]]:
        """The files of each block. Block i of n holds files i, i + n, i + 2n, …: every block is a sample of the whole
        corpus, where neighbouring files are often of one source and would teach one domain after the other."""
        sizes = {name: count for name, count in sorted(self.summary["files"][split].items()) if count}
        number = max(1, round(sum(sizes.values()) / SENTENCES_PER_BLOCK))
        files = [self.folder / split / name for name in sizes]
        return [files[first::number] for first in range(min(number, len(files)))]

    def read(self, files: Sequence[Path]) -> Block:
        """One block. Raises ArtifactMismatch when a file is missing, cut off or not of this store."""
        return _join([_read_file(path, self._continuity) for path in files])


def _read_file(path: Path, continuity: np.ndarray) -> Block:
    try:
        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactMismatch(
            f"{path}: not a readable part of a token store ({error}). Run the dataset stage again."
        ) from None
    pieces, documents = batch.column("input_ids"), batch.column("document").to_numpy()
    starts = np.flatnonzero(np.append(True, documents[1:] != documents[:-1]))
    return Block(
        tokens=pieces.values.to_numpy(),
        eojeol_start=batch.column("eojeol_start").values.to_numpy(zero_copy_only=False),
        sentence_offsets=pieces.offsets.to_numpy().astype(np.int64),
        document_offsets=np.append(starts, len(documents)).astype(np.int64),
        continuity=continuity[batch.column("source").to_numpy()[starts]],
    )


def _join(parts: list[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    tokens = np.cumsum([0, *(len(part.tokens) for part in parts)])
    sentences = np.cumsum([0, *(len(part.sentence_offsets) - 1 for part in parts)])
    return Block(
        tokens=np.concatenate([part.tokens for part in parts]),
        eojeol_start=np.concatenate([part.eojeol_start for part in parts]),
        sentence_offsets=_shift_and_join([part.sentence_offsets for part in parts], tokens),
        document_offsets=_shift_and_join([part.document_offsets for part in parts], sentences),
        continuity=np.concatenate([part.continuity for part in parts]),
    )


def _shift_and_join(offsets: list[np.ndarray], shifts: np.ndarray) -> np.ndarray:
    pieces = [part[:-1] + shift for part, shift in zip(offsets, shifts[:-1], strict=True)]
    return np.append(np.concatenate(pieces), shifts[-1])
