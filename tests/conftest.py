"""Fixtures for all tests: a tiny corpus, its tokenizer and its token store, made by the real stages without kss.

KOBERT_DATA names a folder of real data. Tests that need it are skipped, with the reason, if it is missing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from hypothesis import settings

from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.parallel import ExecutionConfig

os.environ["KOBERT_LANG"] = "en"  # whatever the locale of the machine is, here and in the processes that tests start
settings.register_profile("untimed", deadline=None)  # a first call may load a dictionary or a model
settings.load_profile("untimed")

PLACEHOLDERS = ("[전화번호]", "[이메일]")
TEXT = Path(__file__).parent / "fixtures" / "documents.txt"
TINY_VOCABULARY, TINY_BYTES = 992, 640
SENTINELS = tuple(f"<extra_id_{number}>" for number in range(24))


@dataclass(frozen=True)
class Tiny:
    """Finished artifacts of the first three stages over `tests/fixtures/documents.txt`."""

    root: Path
    corpora: Path
    tokenizer: Path
    dataset: Path


@pytest.fixture(scope="session")
def documents() -> list[list[str]]:
    """Documents of the fixture as lists of sentences. The file has one sentence per line and a blank line between
    documents."""
    blocks = TEXT.read_text(encoding="utf-8").strip().split("\n\n")
    return [block.split("\n") for block in blocks]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, documents: list[list[str]]) -> Tiny:
    root = tmp_path_factory.mktemp("artifacts")
    corpora = _corpora(root, documents)
    tokenizer = _tokenizer(root, corpora)
    return Tiny(root, corpora, tokenizer, _dataset(root, corpora, tokenizer))


@pytest.fixture(scope="session")
def tiny_bytes(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The same corpus, with a byte-level tokenizer for models that write."""
    root = tmp_path_factory.mktemp("bytes")
    tokenizer = _tokenizer(root, tiny.corpora, model="bpe", vocab_size=TINY_BYTES)
    return Tiny(root, tiny.corpora, tokenizer, _dataset(root, tiny.corpora, tokenizer))


@pytest.fixture(scope="session")
def tiny_targets(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The same corpus, with a byte-level tokenizer for encoder-decoders: [SEP] ends a text, and there are sentinels."""
    root = tmp_path_factory.mktemp("targets")
    tokenizer = _tokenizer(
        root,
        tiny.corpora,
        special_tokens=SENTINELS,
        open_end=False,
        model="bpe",
        vocab_size=TINY_BYTES + len(SENTINELS),
    )
    return Tiny(root, tiny.corpora, tokenizer, _dataset(root, tiny.corpora, tokenizer))


def identity(stage: str, **inputs: Path) -> Identity:
    return Identity(stage, 1, {}, {name: read_manifest(folder).fingerprint for name, folder in inputs.items()}, 0, {})


def _corpora(root: Path, documents: list[list[str]]) -> Path:
    rows: list[dict[str, Any]] = [
        {
            "doc_id": f"d{number:03d}",
            "source": "reviews" if number % 8 == 7 else "articles",
            "title": "",
            "sentences": sentences,
        }
        for number, sentences in enumerate(documents)
    ]
    parts = {name: [row for row in rows if row["source"] == name] for name in ("articles", "reviews")}
    sources = {name: {"continuity": name == "articles"} | _source_summary(part) for name, part in parts.items()}
    with Workspace(root, identity("corpora")) as out:
        (out.path / "shards").mkdir()
        middle = len(rows) // 2
        for number, part in enumerate((rows[:middle], rows[middle:])):
            pq.write_table(pa.Table.from_pylist(part), out.path / "shards" / f"{number:05d}.parquet")
        return out.finish({"sources": sources, "totals": _counts(rows)}, {})


def _source_summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """As the corpus stage writes it."""
    empty: dict[str, Any] = {"dropped_sentences": {}, "personal_data": {}, "encodings": {}}
    return {"license": "Apache-2.0", "counts": _counts(rows)} | empty


def _counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    sentences = [sentence for row in rows for sentence in row["sentences"]]
    size = sum(len(sentence.encode()) for sentence in sentences)
    documents = {"documents": len(rows), "kept": len(rows)}
    return documents | {"sentences": len(sentences), "bytes": size, "raw_bytes": size}


def _tokenizer(
    root: Path, corpora: Path, *, special_tokens: tuple[str, ...] = (), open_end: bool = True, **settings: Any
) -> Path:
    from tokenizer.build import build
    from tokenizer.config import TokenizerConfig

    given = {"vocab_size": TINY_VOCABULARY, "ks_x_1001": False, "surplus": 1, "source_exponent": 1} | settings
    config, one = TokenizerConfig.parse(given), ExecutionConfig(workers=1)
    with Workspace(root, identity("tokenizer", corpora=corpora)) as out:
        summary = build(
            config, corpora, out, special_tokens=special_tokens,
            placeholders=PLACEHOLDERS if config.model == "bpe" else (),
            open_end=open_end and config.model == "bpe", execution=one,
        )  # fmt: skip
        return out.finish(summary, {})


@pytest.fixture(scope="session")
def tagged_store(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The token store with morphemes and parts of speech."""
    from kobert_pipeline.dataset.store import Store

    return Store(_dataset(tmp_path_factory.mktemp("tagged"), tiny.corpora, tiny.tokenizer, morphemes=True))


def _dataset(root: Path, corpora: Path, tokenizer: Path, *, morphemes: bool = False) -> Path:
    from kobert_pipeline.dataset.build import build
    from kobert_pipeline.dataset.config import DatasetConfig
    from tokenizer.load import load_tokenizer

    with Workspace(root, identity("dataset", corpora=corpora, tokenizer=tokenizer)) as out:
        summary = build(
            DatasetConfig(validation_share=0.15, morphemes=morphemes),
            corpora,
            tokenizer,
            out,
            load=load_tokenizer,
            execution=ExecutionConfig(workers=1),
        )
        return out.finish(summary, {})


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("KOBERT_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: KOBERT_DATA names {folder}, which is missing")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest starts first: at the end one process would work alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


# --- the Hub, on this machine -----------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A running local Hub, to which the real client talks in this process and in the processes that it starts.

    Its only user `me`, a member of `org`, has the token `hf_mine`. The files in which the client looks for a token do
    not exist.
    """
    from huggingface_hub import close_session, constants

    close_session()  # an earlier test's client has its time limits
    server = HubServer()
    server.add_user("hf_mine", "me", organizations={"org": "write", "readers": "read"})
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)  # read from the environment when the client is imported
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", os.devnull)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setenv("HF_TOKEN_PATH", os.devnull)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield server
    close_session()
    server.shutdown()
    server.server_close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replaces `time.sleep` in this process; collects the seconds instead of sleeping."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds
