"""The process that parses office documents: reads a path a line on stdin, writes a line of JSON on stdout.

Memory and processor time are limited, so that no file can take the machine with it. A process that exceeds the time is
ended by the system; its parent starts the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dochan import Dochan

from corpora.office.document import text_of

MEMORY_BYTES = 4 << 30
CPU_SECONDS = 600
"""For one document. dochan takes about 0.1 s for a page of PDF, 0.005 s for one of HWP."""
MAX_XML_BYTES = 64 << 20
"""All XML parts of a package. A book of a million characters has about 10 MB."""
BOMB_BYTES, BOMB_RATIO = 16 << 20, 100
"""A part of this size that is compressed by more than this: XML reaches 20 to 50."""
FORMATS = ("hwp", "hwpx", "docx", "pdf")
_COMPOUND, _ZIP, _PDF, _HWP_3 = b"\xd0\xcf\x11\xe0", b"PK", b"%PDF-", b"HWP Document File V"
_END = 4_096
"""Bytes at the end of a PDF file among which its end mark is searched."""
_HARMLESS = re.compile(r"numbering|grid(?:Before|Span)|invalid table span|relationship target skipped|revision partial")
"""Errors after which the text is complete."""
_LIMITS = re.compile(r"limit|budget|exceed|too large|too many|초과|ratio|MemoryError")
_LOST = re.compile(r"^ERR|파싱 실패|읽기 실패|recover")
"""Messages of dochan that say that text was lost."""
_PAGE = re.compile(r"^WARN: (\d+)페이지(?:: (텍스트 없음)| 파싱 실패)")

Answer = dict[str, Any]


def convert(path: str) -> Answer:
    """Gives `text`, or the `reason` why there is none, and `parts`: (reason, number) of pages that could not be read."""
    if reason := refusal(path):
        return {"reason": reason}
    reader = _parsed(path)
    errors = [error for error in reader.errors if not _HARMLESS.search(error)]
    pages = [found for error in errors if (found := _PAGE.match(error))]
    parts = [("scanned_page" if page[2] else "unreadable_page", page[1]) for page in pages]
    lost = [error for error in errors if _LOST.search(error) and not _PAGE.match(error)]
    if reader.doc.source_format not in FORMATS and not lost:
        return {"reason": "other_format"}
    if lost:
        return {"reason": _reason(lost)}
    text = text_of(reader.doc)
    return {"text": text, "parts": parts} if text or parts else {"reason": "no_text"}


def _parsed(path: str) -> Dochan:
    """Changes that were tracked count as accepted. dochan refuses these options for formats that do not have them."""
    for options in ({"include_assets": False, "revision_mode": "final"}, {"revision_mode": "final"}):
        with contextlib.suppress(ValueError):
            return Dochan(path, **options)
    return Dochan(path)


def _reason(lost: Iterable[str]) -> str:
    said = " ".join(lost)
    if "암호" in said or "DRM" in said:
        return "encrypted"
    return "too_large" if _LIMITS.search(said) and "truncated" not in said else "damaged"


def refusal(path: str) -> str:
    """Gives the reason why a file is not parsed at all; empty if there is none."""
    with Path(path).open("rb") as stream:
        head = stream.read(32)
        stream.seek(max(0, os.path.getsize(path) - _END))  # noqa: PTH202
        tail = stream.read()
    if head.startswith(_ZIP):
        return _zip_refusal(path)
    if head.startswith(_HWP_3):
        return "hwp_3"
    if head.startswith(_PDF):
        return "" if b"%%EOF" in tail else "damaged"
    return "" if head.startswith(_COMPOUND) else "other_format"


def _zip_refusal(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "damaged"
    if any(part.flag_bits & 1 for part in parts):
        return "encrypted"
    if any(part.file_size > max(BOMB_BYTES, BOMB_RATIO * part.compress_size) for part in parts):
        return "zip_bomb"
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        return "macro"
    xml = sum(part.file_size for part in parts if part.filename.lower().endswith((".xml", ".rels", ".hpf")))
    return "too_large" if xml > MAX_XML_BYTES else ""


# --- the process -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Answers until stdin ends."""
    _limit_memory()
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        try:
            answer = convert(json.loads(line))
        except MemoryError:
            answer = {"reason": "too_large"}
        except Exception as error:  # the parser's own mistakes cost a document, not the run
            answer = {"reason": "damaged", "error": repr(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows; macOS may refuse
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
