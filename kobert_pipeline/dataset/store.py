"""The token store: every sentence tokenised once, memory-mapped, read by blocks.

`<split>/NNNNN.arrow` (Arrow IPC, uncompressed, one file per corpus shard) holds one row per sentence: `input_ids`
(uint16 if the vocabulary fits, without special tokens), annotations aligned to the tokens, `document` (number within
the file), `source` (number in the manifest's list), `paragraph_end`. `datasets.load_dataset("arrow", data_files=…)`
reads the same files.

Shapes: N tokens, S sentences, D documents of a block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PARAGRAPH_END, PART_OF_SPEECH
from kobert_pipeline.dataset.ragged import offsets_of
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import ArtifactMismatch
from kobert_pipeline.ground.files import atomic_path

TRAIN, VALIDATION = "train", "validation"
SENTENCES_PER_BLOCK = 65_536
ANNOTATIONS: MappingProxyType[str, pa.DataType] = MappingProxyType(
    {EOJEOL_START: pa.bool_(), MORPHEME_START: pa.bool_(), PART_OF_SPEECH: pa.uint8()}
)
"""Annotations of tokens, and their types."""


@dataclass(frozen=True)
class Columns:
    """One file of the store as arrays."""

    input_ids: np.ndarray
    """(N,)"""
    sentence_offsets: np.ndarray
    """(S + 1,) into the tokens."""
    annotations: Mapping[str, np.ndarray]
    """Each (N,)."""
    document: np.ndarray
    """(S,) number of the document within the file."""
    source: np.ndarray
    """(S,) number in the manifest's list of sources."""
    paragraph_end: np.ndarray
    """(S,) bool."""


def write_shard(path: Path, columns: Columns, vocab_size: int) -> None:
    """Writes one file of the store atomically."""
    token = pa.uint16() if vocab_size <= 2**16 else pa.uint32()
    offsets = pa.array(columns.sentence_offsets, pa.int32())
    lists = {"input_ids": pa.array(columns.input_ids, token)}
    lists |= {name: pa.array(values, ANNOTATIONS[name]) for name, values in columns.annotations.items()}
    of_sentences = {
        "document": pa.array(columns.document, pa.uint32()),
        "source": pa.array(columns.source, pa.uint8()),
        PARAGRAPH_END: pa.array(columns.paragraph_end, pa.bool_()),
    }
    table = pa.table({name: pa.ListArray.from_arrays(offsets, values) for name, values in lists.items()} | of_sentences)
    with atomic_path(path) as temporary, pa.ipc.new_file(str(temporary), table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, table.num_rows))


@dataclass(frozen=True)
class Block:
    """A group of whole documents, about 65,536 sentences, which is planned at once."""

    tokens: np.ndarray
    """(N,) token ids, uint16 or uint32."""
    annotations: Mapping[str, np.ndarray]
    """Each (N,): `eojeol_start` and whatever else the store holds."""
    sentence_offsets: np.ndarray
    """(S + 1,) int64 into tokens."""
    document_offsets: np.ndarray
    """(D + 1,) int64 into sentences."""
    source: np.ndarray
    """(D,) number of each document's source."""
    continuity: np.ndarray
    """(D,) bool: neighbouring sentences of the document continue each other."""
    paragraph_end: np.ndarray
    """(S,) bool: the sentence is the last of a paragraph. The last sentence of a document always is."""

    @property
    def token_offsets(self) -> np.ndarray:
        """(D + 1,) int64: documents into tokens."""
        offsets: np.ndarray = self.sentence_offsets[self.document_offsets]
        return offsets


class Store(TokenStore):
    """A finished dataset artifact. Blocks are mapped when they are read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.vocab_size = self.summary.vocab_size
        self._continuity = np.array([source.continuity for source in self.summary.sources], dtype=bool)

    def blocks(self, split: str) -> list[list[Path]]:
        """Lists the files of each block. Block i of n holds files i, i + n, i + 2n, …, so that every block is a sample
        of the whole corpus: neighbouring files often have the same source, and would teach one domain after the
        other."""
        sizes = {name: count for name, count in sorted(self.summary.files[split].items()) if count}
        number = max(1, round(sum(sizes.values()) / SENTENCES_PER_BLOCK))
        files = [self.folder / split / name for name in sizes]
        return [files[first::number] for first in range(min(number, len(files)))]

    def read(self, files: Sequence[Path]) -> Block:
        """Reads one block. A file is hashed when it is first read; raises ArtifactMismatch if it has changed since it
        was written."""
        for path in files:
            self.require_content(path.relative_to(self.folder).as_posix())
        return _join([_read_file(path, self._continuity) for path in files])

    def require_tokenizer(self, folder: Path) -> None:
        """Raises ArtifactMismatch unless the store was built with the tokenizer artifact in `folder`, which is as it was
        written."""
        built, given = self.inputs.get("tokenizer", ""), TokenizerFolder(folder).require_content().fingerprint
        if built != given:
            raise ArtifactMismatch(
                "{place}: built with tokenizer {built}, but {folder} is {given}. Build the dataset again (`kobert run RECIPE --only dataset`), or name the tokenizer it was built with.",
                place=self.folder,
                built=built[:16],
                folder=folder,
                given=given[:16],
            )

    def require_annotations(self, names: Sequence[str]) -> None:
        """Raises ArtifactMismatch unless the store holds the annotations of tokens that an objective reads."""
        for name in names:
            if name not in self.summary.annotations:
                raise ArtifactMismatch(
                    "{place}: holds no {name}. Set dataset.morphemes: true and build it again.",
                    place=self.folder,
                    name=name,
                )


def _read_file(path: Path, continuity: np.ndarray) -> Block:
    with pa.memory_map(str(path)) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
    tokens, documents = batch.column("input_ids"), batch.column("document").to_numpy()
    starts = np.flatnonzero(np.append(True, documents[1:] != documents[:-1]))
    sources = batch.column("source").to_numpy()[starts]
    names = [name for name in ANNOTATIONS if name in batch.schema.names]
    return Block(
        tokens=tokens.values.to_numpy(),
        annotations={name: batch.column(name).values.to_numpy(zero_copy_only=False) for name in names},
        sentence_offsets=tokens.offsets.to_numpy().astype(np.int64),
        document_offsets=np.append(starts, len(documents)).astype(np.int64),
        source=sources,
        continuity=continuity[sources],
        paragraph_end=batch.column(PARAGRAPH_END).to_numpy(zero_copy_only=False),
    )


def _join(parts: list[Block]) -> Block:
    if len(parts) == 1:
        return parts[0]
    return Block(
        tokens=np.concatenate([part.tokens for part in parts]),
        annotations={name: np.concatenate([part.annotations[name] for part in parts]) for name in parts[0].annotations},
        sentence_offsets=_join_offsets([part.sentence_offsets for part in parts]),
        document_offsets=_join_offsets([part.document_offsets for part in parts]),
        source=np.concatenate([part.source for part in parts]),
        continuity=np.concatenate([part.continuity for part in parts]),
        paragraph_end=np.concatenate([part.paragraph_end for part in parts]),
    )


def _join_offsets(parts: list[np.ndarray]) -> np.ndarray:
    return offsets_of(np.concatenate([np.diff(part) for part in parts]))
