"""What a folder of texts holds, and what a recipe should say about it. Reads a few files of each kind, and writes nothing."""

from __future__ import annotations

import glob
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Drop
from corpora.inputs import AUTO, InputFile, input_files, local_path, read
from corpora.not_read import NotRead, ending
from corpora.sources.csv import DIALECTS, rows
from corpora.sources.hub_datasets import HUB
from corpora.sources.json_guess import guess_json
from corpora.sources.raw_file import RawFile, open_binary
from corpora.sources.wrapped_lines import looks_wrapped
from kobert_pipeline.ground.addresses import expand_variables
from kobert_pipeline.ground.archives import is_archive
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say

NAME = "our-documents"
"""The source in the recipe, with a number where there are several."""
LOOKED = 20
"""Files of a kind that are looked into, spread evenly."""
LINES, ROWS = 5_000, 200
"""The most lines of a text, and rows of a table, that are looked at in a file."""
LONG_TEXT = 100_000
"""Characters. A file of text that has more is hardly one document."""
WHOLE_FILES = 3
"""From this number of files on, texts of ordinary length are taken for one document each."""
SHORT = 60
"""Characters. Documents that are mostly shorter, such as reviews, do not continue each other."""
HANGUL = re.compile("[가-힣]")
TABLES = ("jsonl", "parquet", "csv", "tsv")
TITLES = ("title", "제목", "subject", "headline", "name")
IDS = ("doc_id", "id", "_id", "uid", "번호", "no")


@dataclass
class Kind:
    """The files of one ending, and what a recipe should say about them."""

    name: str
    """Of the source in the recipe."""
    ending: str
    format: str
    files: int
    size: int
    """Bytes of all files."""
    looked: int = 0
    """Files that were looked into."""
    encodings: Counter[str] = field(default_factory=Counter)
    documents: list[int] = field(default_factory=list)
    """Of each file that was looked into, with the proposed settings."""
    lengths: list[int] = field(default_factory=list)
    """Characters of each of these documents."""
    characters: int = 0
    """Estimated, of all files."""
    fields: dict[str, int] = field(default_factory=dict)
    """Field or column -> Hangul syllables in the rows that were looked at."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Proposed settings of the source."""
    notes: list[str] = field(default_factory=list)
    """What was seen, and why the settings are proposed. One line each."""
    warnings: list[str] = field(default_factory=list)
    """What cannot be read, or has no Korean text. One line each."""


@dataclass(frozen=True)
class Survey:
    kinds: list[Kind]
    not_read: dict[str, int]
    """Ending -> files that no reader takes."""

    @property
    def characters(self) -> int:
        return sum(kind.characters for kind in self.kinds)


def survey(place: str) -> Survey:
    """Looks at a file or folder of this machine. Raises InputError if it holds nothing that can be read."""
    if "://" in place or place.startswith(HUB):
        raise InputError(
            "{place}: only files of this machine are looked at. Write the address as `path` into the recipe.",
            place=place,
        )
    _require_place(place)
    source, not_read = SourceConfig(name=NAME, path=place), NotRead()
    kinds: dict[tuple[str, str], list[InputFile]] = {}
    for file in input_files(CorporaConfig(sources=(source,)), not_read):
        kinds.setdefault((_ending(file), file.format), []).append(file)
    names = [NAME] if len(kinds) == 1 else [f"{NAME}-{number}" for number in range(1, len(kinds) + 1)]
    looked = [_kind(name, *each, files) for name, (each, files) in zip(names, sorted(kinds.items()), strict=True)]
    return Survey(looked, dict(sorted(not_read.get(source.name, {}).items())))


def _require_place(place: str) -> None:
    path = Path(local_path(expand_variables(place, "--data")))
    if not path.exists() and not any(glob.iglob(str(path), recursive=True)):  # noqa: PTH207  (pathlib has no absolute patterns)
        raise InputError(
            "{place}: no such file or folder. Give `--data` a file, a folder or a glob that exists.", place=place
        )


def _size(file: InputFile) -> int:
    return Path(file.address).stat().st_size


def _ending(file: InputFile) -> str:
    """With that of a compression: `.jsonl.gz`."""
    last = file.address.rpartition("/")[2]
    bare = ending(last)
    return last[last.lower().rfind(bare) :] if bare.startswith(".") else ""


def _kind(name: str, ending: str, format: str, files: list[InputFile]) -> Kind:
    kind = Kind(name, ending, format, len(files), sum(_size(file) for file in files))
    chosen = [files[number * len(files) // LOOKED] for number in range(LOOKED)] if len(files) > LOOKED else files
    kind.looked = len(chosen)
    try:
        if format == AUTO and not is_archive(files[0].address):
            kind.format = guess_json(_raw(files[0]), name)
        _propose(kind, chosen)
        _count(kind, chosen)
    except InputError as error:
        kind.warnings.append(say("could not be looked into: {error}", error=error))
    return kind


def _raw(file: InputFile) -> RawFile:
    return RawFile(file.place, file.stem, file.address, lambda: open_binary(file.address), address=file.address, seekable=True)  # fmt: skip


def _propose(kind: Kind, files: list[InputFile]) -> None:
    if kind.format == "text":
        _propose_documents(kind, files)
    elif kind.format in TABLES:
        _propose_fields(kind, files)


def _count(kind: Kind, files: list[InputFile]) -> None:
    """Reads the files as the corpus stage would, with the proposed settings."""
    sampled, drops = 0, []
    settings = SourceConfig(name=kind.name, path="-", format=kind.format, **kind.settings)
    for file in files:
        found = read(InputFile(settings, file.address, kind.format, file.place, file.stem, first=False), kind.encodings)
        records = [each for each, _ in islice(found, LINES)]
        texts = [each.text for each in records if not isinstance(each, Drop)]
        drops += [each for each in records if isinstance(each, Drop)]
        kind.documents.append(len(texts))
        kind.lengths += map(len, texts)
        sampled += _size(file)
    kind.characters = round(sum(kind.lengths) * kind.size / max(1, sampled))
    if drops:
        kind.warnings.append(_lost(drops))
    if kind.lengths and median(kind.lengths) < SHORT:
        kind.settings["continuity"] = False
        kind.notes.append(
            say(
                "half of the documents have fewer than {count} characters: they do not continue each other", count=SHORT
            )
        )


def _lost(drops: list[Drop]) -> str:
    """Records that the corpus stage will count in the same way."""
    reasons = ", ".join(f"{name} {count:,}" for name, count in Counter(drop.reason for drop in drops).most_common())
    return say("records that give no document: {reasons}; the first is {place}", reasons=reasons, place=drops[0].place)


# --- plain text ------------------------------------------------------------------------------------------------------


def _propose_documents(kind: Kind, files: list[InputFile]) -> None:
    texts = [_lines(file) for file in files]
    parts, lines, characters = (round(median(column)) for column in zip(*map(_shape, texts), strict=True))
    if wrapped := sum(map(looks_wrapped, texts)) > len(texts) / 2:
        kind.settings["line_breaks"] = "join"
    seen = say("a file has {lines:,} lines, {parts:,} parts between blank lines and {characters:,} characters (medians)", lines=lines, parts=parts, characters=characters)  # fmt: skip
    if kind.files >= WHOLE_FILES and characters <= LONG_TEXT:
        documents, why = "file", say("each file is one document; `blank_line` would cut it at blank lines")
    elif parts <= 1 and lines > 1 and not wrapped:
        documents, why = "line", say("no blank lines: each line is one document; `file` would take the whole file")
    elif parts <= 1:
        documents, why = "file", say("each file is one document")
    else:
        documents, why = "blank_line", say("a document ends at a blank line; `file` would take the whole file")
    kind.settings["documents"] = documents
    kind.notes += [seen, why]
    if wrapped:
        kind.notes.append(say("lines were broken for their width, and are joined; `keep` would end a sentence at each"))


def _lines(file: InputFile) -> list[str]:
    """Its first lines. Those that cannot be read are empty."""
    raw = _raw(file)
    lines = ["" if isinstance(item, Drop) else item[1].strip() for item in islice(raw.lines(file.source), LINES)]
    raw.close()
    return lines


def _shape(lines: list[str]) -> tuple[int, int, int]:
    """Parts between blank lines, lines that are not blank, characters."""
    parts = sum(bool(line) and not before for before, line in pairwise(["", *lines]))
    return parts, sum(map(bool, lines)), sum(map(len, lines))


# --- tables ----------------------------------------------------------------------------------------------------------


def _propose_fields(kind: Kind, files: list[InputFile]) -> None:
    found: Counter[str] = Counter()
    for file in files:
        for row in islice(_rows(kind.format, file), ROWS):
            found.update({str(name): _hangul(value) for name, value in row.items()})
    kind.fields = dict(found.most_common())
    if not found:
        raise InputError("no row with fields was found")
    text = next(iter(kind.fields))
    shown = ", ".join(f"{name} {count:,}" for name, count in kind.fields.items())
    kind.notes.append(say("fields, with the Hangul syllables in each: {fields}", fields=shown))
    if not kind.fields[text]:
        kind.warnings.append(say("no field has Korean text; set text_field"))
    for setting, names in (("title_field", TITLES), ("id_field", IDS)):
        named = next((name for wanted in names for name in found if name.lower() == wanted and name != text), None)
        if named is not None and named != SourceConfig.model_fields[setting].default:
            kind.settings[setting] = named
    if text != SourceConfig.model_fields["text_field"].default:
        kind.settings["text_field"] = text


def _hangul(value: object) -> int:
    return len(HANGUL.findall(value)) if isinstance(value, str) else 0


def _rows(format: str, file: InputFile) -> Iterator[Mapping[str, Any]]:
    raw = _raw(file)
    try:
        if format == "parquet":
            yield from _parquet_rows(raw)
        elif format == "jsonl":
            for item in raw.lines(file.source):
                if not isinstance(item, Drop) and isinstance(row := _json(item[1]), dict):
                    yield row
        else:
            yield from _csv_rows(raw, file.source, format)
    finally:
        raw.close()


def _json(line: str) -> Any:
    try:
        return json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None


def _parquet_rows(raw: RawFile) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with raw.seekable() as stream:
            for batch in pyarrow.parquet.ParquetFile(stream).iter_batches(ROWS):
                yield from batch.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError("not a readable Parquet file: {error}", error=error) from None


def _csv_rows(raw: RawFile, settings: SourceConfig, format: str) -> Iterator[Mapping[str, Any]]:
    delimiter, quoting = DIALECTS[format]
    header: list[str] | None = None
    for item in rows(raw, settings, delimiter, quoting):
        if isinstance(item, Drop):
            continue
        if header is not None:
            yield dict(zip(header, item[1], strict=False))
        header = header or item[1]


# --- what a vocabulary can be -----------------------------------------------------------------------------------------

VOCABULARIES = (
    (10_000, {"vocab_size": 992, "ks_x_1001": False, "surplus": 1}),
    (50_000, {"vocab_size": 1_536, "ks_x_1001": False, "surplus": 1}),
    (300_000, {"vocab_size": 3_072, "ks_x_1001": False, "surplus": 1}),
    (2_000_000, {"vocab_size": 6_144}),
    (30_000_000, {"vocab_size": 8_192}),
    (300_000_000, {"vocab_size": 16_384}),
)
"""Characters of text -> settings of the tokenizer that so much text supports."""
LARGEST: dict[str, Any] = {"vocab_size": 32_000}


def vocabulary(characters: int) -> dict[str, Any]:
    """Proposed settings of the tokenizer for a text of this length."""
    return next((settings for limit, settings in VOCABULARIES if characters < limit), LARGEST)
