"""`make bench-tokenizer`: vocabularies by their settings, compared with published ones, on text from which none was
learned.

KOBERT_DATA names the folder of real data (`raw/*.jsonl.zst`, `vocabs/*`), BENCH some of the parts below. Every
hundredth document is kept out of learning and measured. Prints tables, saves `build/bench/tokenizer.json` and draws
`tokenizer.png` next to it. Run it on an idle machine.
"""

from __future__ import annotations

import functools
import math
import os
import shutil
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq
from parts import Table, run_parts
from tokenizers import Tokenizer

from corpora.build import build as build_corpora
from corpora.config import CorporaConfig, SourceConfig
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.morphology.mecab import separated
from kobert_pipeline.morphology.tokenization_mecab_ko import cut_at_morphemes
from tokenizer.build import build, morpheme_starts
from tokenizer.config import TokenizerConfig
from tokenizer.count import Counts, count_all
from tokenizer.load import assemble, open_tokenizer
from tokenizer.measure import measure, unknown_id
from tokenizer.prune import known_words
from tokenizer.train import learn_vocabulary

DATA = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
WORK = Path("build/bench/work")
RESULT = Path("build/bench/tokenizer.json")
PICTURE = RESULT.with_suffix(".png")
TWO = ExecutionConfig(workers=2)
DOMAINS = {
    "news": ("news_sentences_park", "wikinews"),
    "encyclopedia": ("kowiki",),
    "petitions": ("petitions",),
    "reviews": ("movie_reviews", "book_reviews"),
    "manuals": ("windows_server", "libreoffice", "gnome", "gimp", "debian", "pytorch"),
}
"""Domain -> the beginnings of its files' names."""
RECIPES: dict[str, Any] = {"syllable_min_frequency": 50, "character_coverage": 0.99983}
"""Settings of the small and base recipes."""
VARIANTS: tuple[dict[str, Any], ...] = (
    {"morpheme": "none"},
    {"surplus": 1, "source_exponent": 1},
    {"surplus": 1},
    {"cut_price": 0, "source_exponent": 1},
    {"cut_price": 0},
    {"cut_price": 1},
    {},
    RECIPES,
    RECIPES | {"surplus": 1.5},
    RECIPES | {"ks_x_1001": False},
    RECIPES | {"digits": "pairs"},
    RECIPES | {"digits": "single"},
    RECIPES | {"left_space_penalty": True},
    RECIPES | {"morpheme": "inference"},
)
"""Settings that differ from the default ones."""
PRICES = (0, 0.5, 1, 1.005, 1.0075, 1.0087, 1.01, 1.02, 1.05)


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"KOBERT_DATA names {DATA}, which is missing")
    run_parts(PARTS, RESULT)


# --- text ------------------------------------------------------------------------------------------------------------


def corpus() -> tuple[Path, dict[str, list[str]]]:
    """Returns the corpus to learn from, and sentences of each domain from documents that are not in it."""
    whole, learned, held = WORK / "corpora", WORK / "learned", WORK / "held.json"
    if not held.exists():
        names = sorted({path.name.split(".")[0].split("_2020")[0] for path in (DATA / "raw").glob("*.zst")})
        sources = tuple(SourceConfig(name=name, path=str(DATA / "raw" / f"{name}*.zst")) for name in names)
        with Workspace(whole, Identity("corpora", 1, {}, {}, 0, {})) as out:
            folder = out.finish(build_corpora(CorporaConfig(sources=sources), out, execution=TWO), {})
        shutil.rmtree(learned, ignore_errors=True)
        write_json(held, hold_out(folder, learned / "shards"))
    return learned, read_json(held)


def hold_out(folder: Path, target: Path) -> dict[str, list[str]]:
    target.mkdir(parents=True)
    held: dict[str, list[str]] = {name: [] for name in DOMAINS}
    for shard in sorted((folder / "shards").glob("*.parquet")):
        rows = pq.read_table(shard)
        held_out = [crc32(f"{row['source']}/{row['doc_id']}".encode()) % 100 == 0 for row in rows.select(["source", "doc_id"]).to_pylist()]  # fmt: skip
        pq.write_table(rows.filter(pa.array([not one for one in held_out])), target / shard.name)
        for row in rows.filter(pa.array(held_out)).to_pylist():
            for name, starts in DOMAINS.items():
                if row["source"].startswith(starts):
                    held[name] += [sentence for sentence in row["sentences"] if len(sentence) > 20]
    return held


COUNTING = ("morpheme", "digits", "source_exponent", "left_space_penalty")
"""Settings on which the counts depend."""


@functools.cache
def counted(**settings: Any) -> Counts:
    """Counts the whole corpus; the counts are the same for many vocabularies."""
    return count_all(sorted((corpus()[0] / "shards").glob("*.parquet")), TokenizerConfig(**settings), execution=TWO)


@functools.cache
def learned(**settings: Any) -> Tokenizer:
    config = TokenizerConfig(**settings)
    given = {name: getattr(config, name) for name in COUNTING}
    counts = counted(**given | ({"morpheme": "training"} if config.morpheme == "inference" else {}))
    words = known_words(counts.sample) if config.surplus > 1 and config.morpheme == "training" else ()
    tokenizer = assemble(learn_vocabulary(counts.units, config, (), (), words, counts.characters), (), config.digits)
    if config.morpheme == "inference":
        cut_at_morphemes(tokenizer)
    return tokenizer


# --- parts -----------------------------------------------------------------------------------------------------------


def stage() -> Table:
    """Time and memory of the whole stage on everything, with the settings of the small and base recipes."""
    target = WORK / "stage"
    shutil.rmtree(target, ignore_errors=True)
    with Workspace(target, Identity("tokenizer", 1, {}, {}, 0, {})) as out, Meter() as meter:
        build(TokenizerConfig(**RECIPES), corpus()[0], out, special_tokens=(), execution=TWO)
    return [{"settings": _named(RECIPES), "seconds": meter.seconds, "peak MiB": meter.peak_mib}]


def variants() -> Table:
    """32,000 pieces of everything, by settings."""
    held = corpus()[1]
    return [scores(_named(settings), learned(**settings), held) for settings in VARIANTS]


def _named(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in settings.items()) or "default"


def published() -> Table:
    """Vocabularies published by others."""
    return [scores(path.name, open_tokenizer(str(path)), corpus()[1]) for path in vocabularies()]


def vocabularies() -> list[Path]:
    paths = sorted((DATA / "vocabs").iterdir())
    return [path for path in paths if (path / "tokenizer.json").exists() or (path / "vocab.txt").exists()]


def scores(name: str, tokenizer: Tokenizer, held: dict[str, list[str]]) -> dict[str, Any]:
    row: dict[str, Any] = {"vocabulary": name, "pieces": tokenizer.get_vocab_size()}
    for domain, sentences in held.items():
        figures = measure(tokenizer, sentences, morpheme_starts)
        row[f"{domain}: F1 at pieces"] = f"{figures['cut_f1']:.3f} at {figures['pieces_per_eojeol']:.2f}"
        row[f"{domain}: [UNK]"] = f"{figures['unknown_share']:.5f}"
    return row


def unknown() -> Table:
    """Words that are [UNK] with the settings of the small and base recipes, by the script of a character without a
    row."""
    tokenizer = learned(**RECIPES)
    return [{"domain": name} | _unknown(tokenizer, sentences) for name, sentences in corpus()[1].items()]


def _unknown(tokenizer: Tokenizer, sentences: list[str]) -> Counter[str]:
    rows, unknown_piece = tokenizer.get_vocab(), unknown_id(tokenizer)
    scripts: Counter[str] = Counter()
    for sentence in sentences:
        encoding = tokenizer.encode(sentence, add_special_tokens=False)
        for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if number == unknown_piece:
                word = unicodedata.normalize("NFC", sentence[start:end])
                without = [one for place, one in enumerate(word) if ("##" if place else "") + one not in rows]
                scripts.update({unicodedata.name(one, "unnamed").split()[0] for one in without})
    return scripts


def curve() -> Table:
    """Draws F1 against pieces per eojeol on news, by the price of a cut, with every published vocabulary."""
    held = {"news": corpus()[1]["news"]}
    ours = [point(f"{price:g}", learned(**RECIPES | {"cut_price": price}), held) for price in PRICES]
    plain = point("plain WordPiece", learned(morpheme="none"), held)
    theirs = [point(path.name, open_tokenizer(str(path)), held) for path in vocabularies()]
    draw(ours, [plain, *theirs])
    return [*ours, plain, *theirs]


def point(name: str, tokenizer: Tokenizer, held: dict[str, list[str]]) -> dict[str, Any]:
    figures = measure(tokenizer, held["news"], morpheme_starts)
    return {"vocabulary": name} | {key: figures[key] for key in ("pieces_per_eojeol", "cut_f1", "unknown_share")}


def draw(ours: Table, others: Table) -> None:
    """Draws all vocabularies, and those near ours. Leaves out those with mostly [UNK], and the second of two at one
    place."""
    from matplotlib.figure import Figure

    others = list({_place(row): row for row in reversed(others) if row["unknown_share"] < 0.5}.values())
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for axes, near in zip(figure.subplots(1, 2), (False, True), strict=True):
        axes.plot(*_places(ours), "o-", color="#2f6fde", markersize=4, label="ours, by cut_price")
        axes.plot(*_places(others), "s", color="#8a8f98", markersize=5, label="others")
        axes.margins(0.12)
        axes.set(xlabel="pieces per eojeol (news)", ylabel="agreement of cuts with MeCab's morphemes, F1")
        axes.grid(alpha=0.3)
        if near:
            _zoom(axes, ours)
            for number, row in enumerate(ours):
                at = (5, -11) if number % 2 else (-5, 5)
                axes.annotate(row["vocabulary"], _place(row), at, textcoords="offset points", fontsize=8, color="#2f6fde", ha="left" if number % 2 else "right")  # fmt: skip
        for row in others:
            if near == (row["cut_f1"] > min(_places(ours)[1])):
                axes.annotate(row["vocabulary"], _place(row), (0, -14), textcoords="offset points", fontsize=8, ha="center")  # fmt: skip
    axes.legend(loc="lower right")
    figure.savefig(PICTURE, dpi=160)


def _zoom(axes: Any, rows: Table) -> None:
    pieces, f1 = _places(rows)
    axes.set(xlim=(min(pieces) - 0.02, max(pieces) + 0.02), ylim=(min(f1) - 0.01, max(f1) + 0.01))


def _place(row: dict[str, Any]) -> tuple[float, float]:
    return row["pieces_per_eojeol"], row["cut_f1"]


def _places(rows: Table) -> tuple[list[float], list[float]]:
    return [_place(row)[0] for row in rows], [_place(row)[1] for row in rows]


def encoding() -> Table:
    """Speed of `encode_batch_fast` on the same text, best of five, taken in turns."""
    sentences = [sentence for part in corpus()[1].values() for sentence in part]
    size = sum(len(sentence.encode()) for sentence in sentences) / 1e6
    tokenizers = {
        _named(settings): learned(**settings)
        for settings in ({"morpheme": "none"}, {}, RECIPES, {"morpheme": "inference"})
    }
    seconds = dict.fromkeys(tokenizers, math.inf)
    for name, tokenizer in [*tokenizers.items()] * 5:
        seconds[name] = min(seconds[name], _time(tokenizer, sentences))
    plain = seconds["morpheme: none"]
    return [{"vocabulary": name, "MB/s": size / took, "times plain": plain / took} for name, took in seconds.items()]


def _time(tokenizer: Tokenizer, sentences: list[str]) -> float:
    started = time.perf_counter()
    tokenizer.encode_batch_fast(sentences)
    return time.perf_counter() - started


def penalty() -> Table:
    """MeCab on one core, without and with mecab-ko's left-space penalty, best of three, and how many sentences it
    changes."""
    sentences = [sentence for part in corpus()[1].values() for sentence in part]
    plain = [separated(sentence) for sentence in sentences]
    rows = []
    for name, setting in (("MeCab", False), ("left_space_penalty: true", True)):
        seconds = min(_time_separating(sentences, setting) for _ in range(3))
        changed = sum(a != separated(b, left_space_penalty=setting) for a, b in zip(plain, sentences, strict=True))
        rows.append(
            {"morphemes": name, "sentences/s": len(sentences) / seconds, "cut otherwise": changed / len(sentences)}
        )
    return rows


def _time_separating(sentences: list[str], left_space_penalty: bool) -> float:
    """Measures seconds of this process only, which has one thread."""
    started = time.process_time()
    for sentence in sentences:
        separated(sentence, left_space_penalty=left_space_penalty)
    return time.process_time() - started


PARTS: dict[str, Callable[[], Table]] = {
    "stage": stage, "variants": variants, "unknown": unknown, "published": published, "curve": curve,
    "encoding": encoding, "penalty": penalty,
}  # fmt: skip

if __name__ == "__main__":
    main()
