"""`make bench-tokenizer`: the vocabulary by its settings and beside published ones, on text that none of ours has seen.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`, `vocabs/*`), BENCH some of the parts below. Of every
hundredth document nothing is learned; those are measured. Prints tables and saves `build/bench/tokenizer.json`. Run it on an
idle machine: it takes half an hour or less.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from corpora.build import build as build_corpora
from corpora.config import CorporaConfig, SourceConfig
from kobert_pipeline.artifacts import Identity, Workspace, read_json, write_json
from kobert_pipeline.execution import ExecutionConfig, Meter
from kobert_pipeline.morphology import marked
from tokenizer.build import build, morpheme_starts
from tokenizer.config import TokenizerConfig
from tokenizer.load import load_tokenizer, open_tokenizer
from tokenizer.report import measure

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
WORK = Path("build/bench/work")
RESULT = Path("build/bench/tokenizer.json")
TWO = ExecutionConfig(workers=2)
DOMAINS = {
    "news": ("news_sentences_park", "wikinews"),
    "encyclopedia": ("kowiki",),
    "petitions": ("petitions",),
    "reviews": ("movie_reviews", "book_reviews"),
    "manuals": ("windows_server", "libreoffice", "gnome", "gimp", "debian", "pytorch"),
}
"""Domain -> how the names of its files begin."""
SENTENCES = 1_500
VARIANTS: dict[str, dict[str, Any]] = {
    "morpheme: none": {"morpheme": "none"},
    "default": {},
    "surplus: 1.25": {"surplus": 1.25},
    "surplus: 1.5": {"surplus": 1.5},
    "ks_x_1001: false": {"ks_x_1001": False},
    "digits: pairs": {"digits": "pairs"},
    "digits: single": {"digits": "single"},
    "left_space_penalty: true": {"left_space_penalty": True},
    "morpheme: inference": {"morpheme": "inference"},
}
"""Settings that differ from the default ones."""


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    logging.disable(logging.WARNING)
    figures = read_json(RESULT) if RESULT.exists() else {}
    for part in os.environ.get("BENCH", "variants published encoding penalty").split():
        figures[part] = PARTS[part]()
        write_json(RESULT, figures)
        print(f"\n{part}\n{table(figures[part])}", flush=True)  # noqa: T201


def table(rows: list[dict[str, Any]]) -> str:
    head = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name, "")) for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *cells])


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# --- text ------------------------------------------------------------------------------------------------------------


def corpus() -> tuple[Path, dict[str, list[str]]]:
    """The corpus to learn from, and sentences of each domain from documents that are not in it."""
    whole, learned, held = WORK / "corpora", WORK / "learned", WORK / "held.json"
    if not held.exists():
        sources = tuple(
            SourceConfig(name=path.name.split(".")[0], path=str(path)) for path in sorted((DATA / "raw").glob("*.zst"))
        )
        with Workspace(whole, Identity("corpora", 1, {}, {}, 0, {})) as out:
            folder = out.finish(build_corpora(CorporaConfig(sources=sources), out, execution=TWO), {})
        shutil.rmtree(learned, ignore_errors=True)
        write_json(held, hold_out(folder, learned / "shards"))
    return learned, {name: sentences[:SENTENCES] for name, sentences in read_json(held).items()}


def hold_out(folder: Path, target: Path) -> dict[str, list[str]]:
    target.mkdir(parents=True)
    held: dict[str, list[str]] = {name: [] for name in DOMAINS}
    for shard in sorted((folder / "shards").glob("*.parquet")):
        rows = pq.read_table(shard)
        away = [crc32(f"{row['source']}/{row['doc_id']}".encode()) % 100 == 0 for row in rows.select(["source", "doc_id"]).to_pylist()]  # fmt: skip
        pq.write_table(rows.filter(pa.array([not gone for gone in away])), target / shard.name)
        for row in rows.filter(pa.array(away)).to_pylist():
            for name, starts in DOMAINS.items():
                if row["source"].startswith(starts):
                    held[name] += [sentence for sentence in row["sentences"] if len(sentence) > 20]
    return held


# --- parts -----------------------------------------------------------------------------------------------------------


def variants() -> list[dict[str, Any]]:
    """32,000 pieces of everything, by settings."""
    learned, held = corpus()
    rows = []
    for name, settings in VARIANTS.items():
        shutil.rmtree(place(name), ignore_errors=True)
        with Workspace(place(name), Identity("tokenizer", 1, {}, {}, 0, {})) as out, Meter() as meter:
            summary = build(TokenizerConfig(**settings), learned, out, special_tokens=(), execution=TWO)
            folder = out.finish(summary, {})
        rows.append(
            scores(name, load_tokenizer(folder), held) | {"seconds": meter.seconds, "peak MiB": round(meter.peak_mib)}
        )
    return rows


def place(name: str) -> Path:
    """Where the tokenizer of a variant is built."""
    return WORK / "tokenizers" / name.replace(": ", "-")


def published() -> list[dict[str, Any]]:
    """Vocabularies that others have published."""
    held = corpus()[1]
    return [
        scores(path.name, open_tokenizer(str(path)), held)
        for path in sorted((DATA / "vocabs").iterdir())
        if loadable(path)
    ]


def loadable(path: Path) -> bool:
    return (path / "tokenizer.json").exists() or (path / "vocab.txt").exists()


def scores(name: str, tokenizer: Tokenizer, held: dict[str, list[str]]) -> dict[str, Any]:
    row: dict[str, Any] = {"vocabulary": name, "pieces": tokenizer.get_vocab_size()}
    for domain, sentences in held.items():
        figures = measure(tokenizer, sentences, morpheme_starts)
        row[f"{domain}: F1 at pieces"] = f"{figures['cut_f1']:.3f} at {figures['pieces_per_eojeol']:.2f}"
        row[f"{domain}: [UNK]"] = f"{figures['unknown_share']:.5f}"
    return row


def encoding() -> list[dict[str, Any]]:
    """Speed of `encode_batch_fast`, best of five, on the same text."""
    sentences = [sentence for part in corpus()[1].values() for sentence in part] * 4
    size = sum(len(sentence.encode()) for sentence in sentences) / 1e6
    names = ("morpheme: none", "default", "morpheme: inference")
    tokenizers = {name: load_tokenizer(next(place(name).glob("tokenizer/*/tokenizer.json")).parent) for name in names}
    seconds = {name: min(_time(tokenizers[name], sentences) for _ in range(5)) for name in names}
    plain = seconds["morpheme: none"]
    return [{"vocabulary": name, "MB/s": size / took, "times plain": plain / took} for name, took in seconds.items()]


def _time(tokenizer: Tokenizer, sentences: list[str]) -> float:
    started = time.perf_counter()
    tokenizer.encode_batch_fast(sentences)
    return time.perf_counter() - started


def penalty() -> list[dict[str, Any]]:
    """MeCab on one core, without and with mecab-ko's left-space penalty, best of three; and how many sentences it changes."""
    sentences = [sentence for part in corpus()[1].values() for sentence in part]
    plain = [marked(sentence) for sentence in sentences]
    rows = []
    for name, setting in (("MeCab", False), ("left_space_penalty: true", True)):
        seconds = min(_time_marking(sentences, setting) for _ in range(3))
        changed = sum(a != marked(b, left_space_penalty=setting) for a, b in zip(plain, sentences, strict=True))
        rows.append(
            {"morphemes": name, "sentences/s": len(sentences) / seconds, "cut otherwise": changed / len(sentences)}
        )
    return rows


def _time_marking(sentences: list[str], left_space_penalty: bool) -> float:
    """Seconds of this process alone: it has one thread."""
    started = time.process_time()
    for sentence in sentences:
        marked(sentence, left_space_penalty=left_space_penalty)
    return time.process_time() - started


PARTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "variants": variants, "published": published, "encoding": encoding, "penalty": penalty,
}  # fmt: skip

if __name__ == "__main__":
    main()
