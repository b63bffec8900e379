"""Which tokenizer makes the better model in the same minutes? Answered by models, not by the agreement of cuts with morphemes.

Each tokenizer is learned from one corpus and trains `modernbert-mini` for as many tokens as two cores manage in 25 minutes with a
vocabulary of its size. What counts is the bits that a character costs (`word_bits`), on the same sentences for all, and YNAT with 1,000 labels.

    learn CORPORA OUT              tokenizers of the artifact CORPORA; OUT/NAME is one. KOBERT_DATA names the folder of real data
    pack CORPORA OUT.tar.bz2        the text that a store needs, small enough to travel
    stores CORPORA TOKENIZERS OUT  token stores: OUT/NAME/dataset, OUT/NAME/tokenizer. Needs no MeCab. CORPORA: artifact, or what was packed
    costs STORES                   CPU seconds of a step by size of the vocabulary
    jobs TOKENIZERS [SEED ...]     a line of JSON for each model that is to be trained
    table RESULTS TOKENIZERS       what was found, as a table
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from parts import table
from word_bits import SINGLE, WORDS, difference, write_common

from kobert_pipeline.dataset.build import build as build_dataset
from kobert_pipeline.dataset.config import SPEC as DATASET
from kobert_pipeline.dataset.config import DatasetConfig
from kobert_pipeline.dataset.store import Store
from kobert_pipeline.ground.artifacts import MANIFEST, FileEntry, Workspace, read_manifest
from kobert_pipeline.ground.contents.corpus import SHARDS, shards_of
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.files import atomic_path, file_sha256, write_json
from kobert_pipeline.ground.parallel import LOCAL, ExecutionConfig
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.recipe import Recipe, load_recipe
from tokenizer.config import SPEC as TOKENIZER
from tokenizer.config import TokenizerConfig
from tokenizer.load import load_tokenizer

RECIPE = "modernbert-mini"
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "plain": {"morpheme": "none"},
    "ours-price-0": {"surplus": 1.25, "cut_price": 0.0},
    "ours-32k": {"vocab_size": 32_000},
    "plain-32k": {"vocab_size": 32_000, "morpheme": "none"},
    "ours-price-1.0087": {"surplus": 1.25},
    "ours-16k": {"vocab_size": 16_000},
    "ours-price-1.02": {"surplus": 1.25, "cut_price": 1.02},
    "ours-bytes": {"model": "bpe"},
}
"""Settings that differ from the recipe's: 8,192 pieces of morphemes, none removed (`surplus: 1`)."""
KLUE = "klue-bert-base"
ORDER = ("ours", "plain", "klue", "unigram", *[*VARIANTS][2:], "kiwi")
"""The most telling first."""
MINUTES, TOKENS_A_SECOND = 25, 5_450.0
"""What two cores train on with 8,192 pieces, in float32."""
COST = {8_192: 1.0, 32_000: 1.67}
"""Pieces -> CPU seconds of a training step, relative to 8,192 pieces."""
ROUNDS = 5
"""Of measuring the cost; the first is left out."""
SENTENCES = 2_000
"""On which bits are measured."""
FOLDER = "question"
"""What travels: `text.tar.bz2` and `tokenizers/`; the stores are made in it."""
ARTIFACTS = "artifacts"
"""Where a stage works before its artifact has its name."""


# --- tokenizers ------------------------------------------------------------------------------------------------------


def learn(corpora: Path, out: Path) -> None:
    """One folder for each tokenizer that is not there yet."""
    for name, make in makers().items():
        if not (out / name / MANIFEST).exists():
            _finished(out, name, make, corpora)
            print(name, json.dumps(TokenizerFolder(out / name).manifest.summary), flush=True)  # noqa: T201


def _finished(out: Path, name: str, make: Callable[[Path, Workspace], dict[str, Any]], corpora: Path) -> None:
    inputs = {"corpora": read_manifest(corpora).fingerprint}
    with Workspace(out / ARTIFACTS, TOKENIZER.identity({"morpheme": "none", "question": name}, inputs)) as space:
        space.finish(make(corpora, space), {}).replace(out / name)


def makers() -> dict[str, Callable[[Path, Workspace], dict[str, Any]]]:
    """Name -> (corpus, where to write) -> the manifest's summary."""
    from other_tokenizers import kiwi, unigram

    ours = {name: functools.partial(_learned, settings) for name, settings in VARIANTS.items()}
    others = {"klue": _adopted, "unigram": unigram, "kiwi": kiwi}
    return {name: (ours | others)[name] for name in ORDER}


def _learned(settings: Mapping[str, Any], corpora: Path, out: Workspace) -> dict[str, Any]:
    from tokenizer import build as stage

    recipe = recipe_of()
    vars(stage).update(count_all=counted)
    config = TokenizerConfig.parse(recipe.tokenizer.model_dump() | settings)
    return stage.build(config, corpora, out, special_tokens=(), placeholders=placeholders(), execution=LOCAL)


def counted(
    shards: list[Path], config: TokenizerConfig, placeholders: tuple[str, ...], execution: ExecutionConfig
) -> Any:
    """What the stage counts, once for all vocabularies. Nothing is pruned where a price has no effect."""
    counts = _counted(tuple(shards), config.morpheme, placeholders, execution)
    return counts if config.surplus > 1 else counts._replace(sample=type(counts.sample)())


@functools.cache
def _counted(shards: tuple[Path, ...], morpheme: str, placeholders: tuple[str, ...], execution: ExecutionConfig) -> Any:
    from tokenizer.count import count_all

    pruned = recipe_of().tokenizer.model_dump() | {"morpheme": morpheme, "surplus": 1.25}
    return count_all(list(shards), TokenizerConfig.parse(pruned), placeholders, execution)


def _adopted(corpora: Path, out: Workspace) -> dict[str, Any]:
    from tokenizer.adopt import adopt

    return adopt(Path(os.environ["KOBERT_DATA"]) / "vocabs" / KLUE, corpora, out, special_tokens=())


def placeholders() -> tuple[str, ...]:
    from corpora.personal_data import PLACEHOLDERS

    return tuple(PLACEHOLDERS.values())


def recipe_of(*settings: str) -> Recipe:
    os.environ.setdefault("KOBERT_CORPUS", ".")  # the recipe's corpus, which is not read
    return load_recipe(RECIPE, ("klue_eval.data=package:klue_eval/sample", *settings))


# --- text that travels -----------------------------------------------------------------------------------------------


def pack(corpora: Path, out: Path) -> None:
    """Shards without titles, not compressed themselves, and a manifest of just these. bzip2 makes of Korean text as little as xz does, in a seventh of the
    time."""
    with tempfile.TemporaryDirectory() as place, atomic_path(out) as temporary:
        light = Path(place) / "corpora"
        (light / SHARDS).mkdir(parents=True)
        files = {
            f"{SHARDS}/{shard.name}": _rewritten(shard, light / SHARDS / shard.name) for shard in shards_of(corpora)
        }
        write_json(light / MANIFEST, asdict(replace(read_manifest(corpora), files=files)))
        with tarfile.open(temporary, "w:bz2") as bundle:
            bundle.add(light, "corpora")


def _rewritten(shard: Path, target: Path) -> FileEntry:
    rows = pq.read_table(shard).drop_columns(["title"])
    pq.write_table(rows, target, compression="none", use_dictionary=False)
    return FileEntry(target.stat().st_size, file_sha256(target), rows.num_rows)


def _unpacked(corpora: Path, out: Path) -> Path:
    if corpora.is_dir():
        return corpora
    if not (out / "corpora" / MANIFEST).exists():
        with tarfile.open(corpora) as bundle:
            bundle.extractall(out, filter="data")
    return out / "corpora"


# --- stores ----------------------------------------------------------------------------------------------------------


def stores(corpora: Path, tokenizers: Path, out: Path, execution: ExecutionConfig = LOCAL) -> dict[str, Path]:
    """The token store of each tokenizer by the dataset stage: name -> `out/NAME/dataset`, with `out/NAME/tokenizer` next to it.

    Writes into each store which sentences all of them measure bits on (`word_bits`).
    """
    out.mkdir(parents=True, exist_ok=True)
    text, folders = _unpacked(corpora, out), {}
    for folder in sorted(path.parent for path in tokenizers.glob(f"*/{MANIFEST}")):
        folders[folder.name] = _store(text, folder, out / folder.name, execution)
    write_common(text, folders, SENTENCES)
    return folders


def prepare(bundle: Path) -> None:
    """For `sweep.py run --prepare tokenizer_question:prepare`."""
    folder = bundle / FOLDER
    stores(folder / "text.tar.bz2", folder / "tokenizers", folder)


def _store(corpora: Path, tokenizer: Path, out: Path, execution: ExecutionConfig) -> Path:
    if (out / "dataset" / MANIFEST).exists():
        return out / "dataset"
    shutil.copytree(tokenizer, out / "tokenizer", dirs_exist_ok=True)
    config = DatasetConfig()
    inputs = {"corpora": read_manifest(corpora).fingerprint, "tokenizer": read_manifest(tokenizer).fingerprint}
    with Workspace(out / ARTIFACTS, DATASET.identity(config.content(), inputs)) as space:
        summary = build_dataset(config, corpora, tokenizer, space, load=load_tokenizer, execution=execution)
        space.finish(summary, {}).replace(out / "dataset")
    return out / "dataset"


# --- models ----------------------------------------------------------------------------------------------------------


def jobs(tokenizers: Path, seeds: Iterable[int] = (42,)) -> Iterator[dict[str, Any]]:
    """A model for each tokenizer and seed, trained for equal minutes."""
    from systems import FEW_LABELS

    names = sorted(path.parent.name for path in tokenizers.glob(f"*/{MANIFEST}"))
    for seed in seeds:
        for name in sorted(names, key=[*makers()].index):
            yield {
                "name": f"tokenizers/{name}/{seed}", "store": f"{FOLDER}/{name}", "seed": seed, "patch": "word_bits:measure_words",
                "pretrain": pretraining(TokenizerFolder(tokenizers / name).summary.vocab_size),
                "teacher": None, "scores": [FEW_LABELS], "keep": False,
            }  # fmt: skip


def pretraining(vocab_size: int) -> dict[str, Any]:
    tokens = round(60 * MINUTES * TOKENS_A_SECOND / cost(vocab_size))
    given = (f"pretrain.max_tokens={tokens}", "pretrain.precision=fp32", "pretrain.measured_sentences=100")
    return {
        name: value for name, value in recipe_of(*given).pretrain.model_dump(mode="json").items() if value is not None
    }


def cost(vocab_size: int) -> float:
    """Between the measured sizes the cost grows in a straight line: the head's work does."""
    return float(np.interp(vocab_size, [*COST], [*COST.values()]))


def rows_of(results: Iterable[Mapping[str, Any]], tokenizers: Path) -> Iterator[dict[str, Any]]:
    """A row for each tokenizer: what it does to text, and means over the seeds of pretraining. `-` and ± are of the difference from `ours`."""
    trained: dict[str, dict[str, Any]] = {}
    scores: dict[str, list[float]] = {}
    for line in results:
        group, _, rest = str(line["name"]).partition("/")
        name, _, seed = rest.partition("/")
        if group == "tokenizers" and line["what"] == "trained":
            trained.setdefault(name, {})[seed] = line
        if group == "tokenizers" and line["what"] == "scored":
            scores.setdefault(name, []).extend(line["values"])
    for name in sorted(trained, key=ORDER.index):
        text = TokenizerFolder(tokenizers / name).summary.training_text
        apart = [_apart(line, trained.get("ours", {}).get(seed)) for seed, line in trained[name].items()]
        ynat, runs = scores.get(name, []), trained[name].values()
        yield {
            "tokenizer": name, "parameters": f"{mean(run['parameters'] for run in runs) / 1e6:.1f} M",
            "F1 at pieces per eojeol": f"{text.cut_f1:.3f} at {text.pieces_per_eojeol:.2f}",
            "tokens": f"{mean(run['tokens'] for run in runs) / 1e6:.2f} M", "seeds": len(runs),
            "bits": f"{mean(run['measures'][WORDS] for run in runs):.3f}",
            "from ours": f"{mean(one[0] for one in apart):+.3f} ± {mean(one[1] for one in apart):.3f}" if all(apart) else "",
            "bits, single": f"{mean(run['measures'][SINGLE] for run in runs):.3f}",
            "YNAT": f"{mean(ynat):.1f} ({min(ynat):.1f} to {max(ynat):.1f})" if ynat else "",
        }  # fmt: skip


def _apart(line: Mapping[str, Any], ours: Mapping[str, Any] | None) -> tuple[float, float] | None:
    return None if ours is None else difference(line["measures"], ours["measures"])


def costs(folders: Path) -> Iterator[dict[str, Any]]:
    """CPU seconds of a training step by size of the vocabulary, one thread, the sizes in turns: `stores` made the folders."""
    import torch

    torch.set_num_threads(1)
    steps = {name: _step(folders / name) for name in ("ours", "klue")}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            before = time.process_time()
            step()
            yield {"store": name, "CPU seconds": time.process_time() - before}


def _step(folder: Path) -> Callable[[], None]:
    """Forward, backward and AdamW on one batch of the store."""
    import torch

    from kobert_pipeline.objectives.masked import HEADLINE, token_terms
    from kobert_pipeline.pretrain.data import BatchStream
    from kobert_pipeline.pretrain.models import build_models, objective_of
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

    info = tokenizer_info(folder / "tokenizer")
    config = PretrainConfig.parse(pretraining(info.vocab_size))
    batch, _ = next(iter(BatchStream(Store(folder / "dataset"), objective_of(config), config, info, 0)))
    model: Any = build_models(config, info, {}, info.vocab_size).student
    optimizer = torch.optim.AdamW(model.parameters())

    def step() -> None:
        term = token_terms(model, model.hidden(batch), batch)[HEADLINE]
        (term.sum / term.count).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


COMMANDS: dict[str, Callable[..., Any]] = {
    "learn": lambda corpora, out: learn(Path(corpora), Path(out)),
    "pack": lambda corpora, out: pack(Path(corpora), Path(out)),
    "stores": lambda corpora, tokenizers, out: stores(Path(corpora), Path(tokenizers), Path(out)),
    "table": lambda results, tokenizers: print(  # noqa: T201
        table(list(rows_of(map(json.loads, Path(results).read_text(encoding="utf-8").splitlines()), Path(tokenizers))))
    ),
    "costs": lambda folders: [print(json.dumps(row), flush=True) for row in costs(Path(folders))],  # noqa: T201
    "jobs": lambda tokenizers, *seeds: print(  # noqa: T201
        *(json.dumps(job) for job in jobs(Path(tokenizers), [int(seed) for seed in seeds or ("42",)])), sep="\n"
    ),
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
