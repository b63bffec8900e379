"""`make bench-corpora`: the corpus stage on real text, compared with kss, Kiwi and a `datasets.map` script.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`, `gold/sentence_split_shared.tar.zst`), BENCH some of the parts
below. Prints tables and saves `build/bench/corpora.json`. Run it on an idle machine: it takes about twenty minutes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import zstandard
from corpora_against import against
from corpora_duplicates import deduplication
from corpora_formats import office, pages
from corpora_sentences import three_figures
from parts import Table, run_parts

from corpora.build import build
from corpora.cleaning import clean
from corpora.config import CorporaConfig, DeduplicationConfig, FilterConfig, SourceConfig
from corpora.documents import Document
from corpora.sentences import split_sentences
from corpora.steps.filters import keep
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ExecutionConfig

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
WORK = Path("build/bench/work")
RESULT = Path("build/bench/corpora.json")
PEER_BYTES = 20_000_000
DOCUMENT_BYTES = 5_000_000
NO_CONTINUITY = ("movie_reviews_nsmc_raw", "news_sentences_park")
Split = Callable[[str], list[str]]


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    run_parts(PARTS, RESULT, USUAL)
    shutil.rmtree(WORK, ignore_errors=True)


# --- splitters -------------------------------------------------------------------------------------------------------


def splitters() -> dict[str, Split]:
    from kiwipiepy import Kiwi

    kiwi = Kiwi(num_workers=1)
    splitters: dict[str, Split] = {
        "fast": split_sentences,
        "kss": partial(split_sentences, splitter="kss"),
        "kiwi": lambda text: [sentence.text for sentence in kiwi.split_into_sents(text)],
    }
    for split in splitters.values():
        split("오늘은 비가 온다. 내일은 갠다.")  # dictionaries are read on first use
    return splitters


def quality() -> Table:
    """Boundary F1 on kss's own test sets: a block's sentences are joined by one space, and have to be found again."""
    sets = gold()
    return [
        {"splitter": name} | (scores := {label: boundary_f1(split, blocks) for label, blocks in sets.items()})
        | {"mean": sum(scores.values()) / len(scores)}
        for name, split in splitters().items()
    ]  # fmt: skip


def figures() -> Table:
    """The three figures of kss and Kiwi on the same sets."""
    return [
        {"splitter": name, "set": label, "blocks": len(blocks)} | three_figures(split, blocks)
        for name, split in splitters().items()
        for label, blocks in gold().items()
    ]


def gold() -> dict[str, list[list[str]]]:
    sets = {}
    path = DATA / "gold" / "sentence_split_shared.tar.zst"
    with zstandard.open(path, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.name.endswith(".txt") and (file := archive.extractfile(member)):
                blocks = [block.split("\n") for block in file.read().decode().split("\n\n")]
                cleaned = [[line.strip() for line in block if line.strip()] for block in blocks]
                sets[Path(member.name).stem] = [block for block in cleaned if block]
    return dict(sorted(sets.items()))


def boundary_f1(split: Split, blocks: list[list[str]]) -> float:
    hits = found = wanted = 0
    for block in blocks:
        gold, given = boundaries(block), boundaries(split(" ".join(block)))
        hits, found, wanted = hits + len(gold & given), found + len(given), wanted + len(gold)
    return 2 * hits / (found + wanted)


def boundaries(sentences: list[str]) -> set[int]:
    """Characters other than spaces before each boundary."""
    total, found = 0, set()
    for sentence in sentences[:-1]:
        total += len("".join(sentence.split()))
        found.add(total)
    return found


def speed() -> Table:
    """One process. On cleaned paragraphs, and on one document of 5 MB; kss and Kiwi get the document line by line, which
    is the only way they end."""
    paragraphs = cut([line for text in mixed() for line in clean(text).split("\n") if line], DOCUMENT_BYTES)
    document = "\n".join(paragraphs)
    rows = []
    for name, split in splitters().items():
        whole = (
            split if name != "kiwi" else lambda text, split=split: [s for line in text.split("\n") for s in split(line)]
        )
        rows.append(
            {"splitter": name, "paragraphs MB/s": rate(split, paragraphs), "document MB/s": rate(whole, [document])}
        )
    kss = next(row for row in rows if row["splitter"] == "kss")
    for row in rows:
        row["times kss"] = row["paragraphs MB/s"] / kss["paragraphs MB/s"]
        row["document, times kss"] = row["document MB/s"] / kss["document MB/s"]
    return rows


def rate(split: Split, texts: list[str]) -> float:
    started = time.perf_counter()
    for text in texts:
        split(text)
    return sum(len(text.encode()) for text in texts) / (time.perf_counter() - started) / 1e6


# --- real text -------------------------------------------------------------------------------------------------------


def raw(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            yield json.loads(line)["text"]


def cut(texts: Iterator[str] | list[str], size: int) -> list[str]:
    taken, total = [], 0
    for text in texts:
        taken.append(text)
        total += len(text.encode())
        if total >= size:
            break
    return taken


def mixed() -> Iterator[str]:
    """Encyclopedia, petitions, reviews and news in turn, ten documents of each."""
    names = ("kowiki_2020-08_01", "petitions", "movie_reviews_nsmc_raw", "wikinews", "book_reviews")
    readers = [raw(DATA / "raw" / f"{name}.jsonl.zst") for name in names]
    while readers:
        for reader in list(readers):
            for _ in range(10):
                text = next(reader, None)
                if text is None:
                    readers.remove(reader)
                    break
                yield text


# --- the stage -------------------------------------------------------------------------------------------------------


def run(name: str, sources: tuple[SourceConfig, ...], deduplicate: DeduplicationConfig | None = None) -> dict[str, Any]:
    config = CorporaConfig(sources=sources, deduplicate=deduplicate or DeduplicationConfig())
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    with Workspace(folder, Identity("corpora", 1, {}, {}, 0, {})) as out, Meter() as meter:
        summary = build(config, out, execution=ExecutionConfig(workers=2))
    totals = summary["totals"]
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "what": name, "MB": totals["raw_bytes"] / 1e6, "seconds": meter.seconds, "MB/s": totals["raw_bytes"] / 1e6 / meter.seconds,
        "peak MiB": round(meter.peak_mib), "documents": totals["documents"], "kept": totals["kept"], "sentences": totals["sentences"],
        "near-duplicates": totals.get("near_duplicate", 0), "dropped sentences": sum(sum(s["dropped_sentences"].values()) for s in summary["sources"].values()),
        "personal data": sum(sum(s["personal_data"].values()) for s in summary["sources"].values()),
    }  # fmt: skip


def peers() -> Table:
    """The same 20 MB on two processes."""
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / "mixed.jsonl"
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in cut(mixed(), PEER_BYTES)]
    file.write_text("\n".join(rows), encoding="utf-8")
    ours = run("this stage", (SourceConfig(name="mixed", path=str(file)),))
    scripts = [map_script(file, name) for name in ("kss", "kiwi")]
    return [{key: row[key] for key in ("what", "MB", "seconds", "MB/s")} for row in (ours, *scripts)]


def map_script(file: Path, splitter: str) -> dict[str, Any]:
    """Cleaning, filters and a splitter as a user would write them with `datasets`: without duplicates or personal data."""
    import datasets

    datasets.disable_progress_bars()
    size = sum(len(json.loads(line)["text"].encode()) for line in file.open(encoding="utf-8"))
    started = time.perf_counter()
    loaded = datasets.load_dataset(
        "json", data_files=str(file), split="train", cache_dir=str(WORK / f"cache-{splitter}")
    )
    done = loaded.map(partial(prepare, splitter=splitter), num_proc=2).filter(
        lambda row: bool(row["sentences"]), num_proc=2
    )
    done.to_parquet(str(WORK / f"{splitter}.parquet"))
    seconds = time.perf_counter() - started
    return {"what": f"datasets.map with {splitter}", "MB": size / 1e6, "seconds": seconds, "MB/s": size / 1e6 / seconds}


def prepare(row: dict[str, Any], splitter: str) -> dict[str, Any]:
    text = clean(row["text"])
    if keep(Document("", "", text), FilterConfig()) is not None:
        return {"sentences": []}
    split = _SPLITTERS.get(splitter) or _SPLITTERS.setdefault(splitter, splitters()[splitter])
    return {"sentences": [sentence for line in text.split("\n") if line for sentence in split(line)]}


_SPLITTERS: dict[str, Split] = {}


def stage() -> Table:
    """Everything under `raw/`."""
    return [run("raw", sources(DATA / "raw"))]


def sources(folder: Path) -> tuple[SourceConfig, ...]:
    return tuple(
        SourceConfig(name=path.name.removesuffix(".jsonl.zst"), path=str(path), continuity=path.name.split(".")[0] not in NO_CONTINUITY)
        for path in sorted(folder.glob("*.jsonl.zst"))
    )  # fmt: skip


def memory() -> Table:
    """100 MB, and ten times that: the same text again and again under new ids."""
    WORK.mkdir(parents=True, exist_ok=True)
    texts = cut(
        (text for number in range(4) for text in raw(DATA / "raw" / f"kowiki_2020-08_0{number}.jsonl.zst")), 100_000_000
    )
    for copy in range(10):
        with (WORK / f"{copy}.jsonl").open("w", encoding="utf-8") as stream:
            for number, text in enumerate(texts):
                stream.write(json.dumps({"doc_id": f"{copy}-{number}", "text": text}, ensure_ascii=False) + "\n")
    small = (SourceConfig(name="once", path=str(WORK / "0.jsonl")),)
    large = (SourceConfig(name="ten", path=str(WORK / "?.jsonl")),)
    keep_all = DeduplicationConfig(documents=False, near_documents=None, sentences=None)
    return [run("100 MB", small), run("1 GB", large), run("1 GB, duplicates kept", large, keep_all)]


PARTS: dict[str, Callable[[], Table]] = {
    "quality": quality, "figures": figures, "speed": speed, "peers": peers, "stage": stage, "memory": memory, "pages": pages, "office": office,
    "deduplication": deduplication, "against": against,
}  # fmt: skip
USUAL = " ".join(name for name in PARTS if name != "against")
"""Comparing with another checkout needs one: OTHER."""

if __name__ == "__main__":
    main()
