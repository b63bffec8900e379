"""The corpus stage as a whole: every document accounted for, and the same bytes however it ran."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from corpora.build import build
from corpora.config import CorporaConfig, DeduplicationConfig, SourceConfig
from corpora.phases import every_document, sentences
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest, verify
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.parallel import ExecutionConfig

NOUNS = [
    "강물",
    "나무",
    "다리",
    "마을",
    "바람",
    "사람",
    "아침",
    "자전거",
    "창문",
    "칼국수",
    "토끼",
    "편지",
    "하늘",
    "도서관",
    "시장",
    "버스",
]
VERBS = ["보았다", "지났다", "좋아한다", "기다렸다", "그렸다", "떠올렸다", "찾아갔다", "이야기했다"]
ARTICLES = 60
SHORT = 7
FOREIGN = 5
REPEATED = 4


def _article(draw: random.Random) -> str:
    sentences = [f"{draw.choice(NOUNS)}에서 {draw.choice(NOUNS)}을 {draw.choice(VERBS)}." for _ in range(12)]
    return " ".join(sentences[:6]) + "\n" + " ".join(sentences[6:])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> CorporaConfig:
    """Two sources, some 45 kB: five shards."""
    folder = tmp_path_factory.mktemp("sources")
    draw = random.Random(7)
    articles = [_article(draw) for _ in range(ARTICLES)]
    texts = [*articles, *articles[:REPEATED], *(f"짧은 글 {number}" for number in range(SHORT))]
    (folder / "articles.txt").write_text("\n\n".join(texts), encoding="utf-8")
    rows = [
        {"doc_id": f"r{number}", "title": "<b>제목</b>", "text": f"<p>{_article(draw)}</p>"} for number in range(30)
    ]
    rows += [
        {"doc_id": f"e{number}", "text": "This page is not written in Korean at all. " * 2} for number in range(FOREIGN)
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in [*rows, {"text": articles[0]}, {"title": "글이 없다"}]]
    (folder / "reviews.jsonl").write_text("\n".join([*lines, "{깨진 줄"]), encoding="utf-8")
    return CorporaConfig(
        sources=(
            SourceConfig(name="articles", path=str(folder / "articles.txt"), license="CC0-1.0"),
            SourceConfig(name="reviews", path=str(folder / "reviews.jsonl"), continuity=False),
        ),
        shard_bytes=10_000,
    )


@pytest.fixture(scope="module")
def whole(config: CorporaConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished artifact of one worker that nobody interrupted."""
    return _run(config, tmp_path_factory.mktemp("whole"))


def _workspace(root: Path) -> Workspace:
    return Workspace(root, Identity("corpora", 1, {}, {}, 0, {}))


def _run(config: CorporaConfig, root: Path, workers: int = 1) -> Path:
    with _workspace(root) as out:
        return out.finish(build(config, out, execution=ExecutionConfig(workers=workers)), {})


def _bytes(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != "run.json"}


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "shards").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


# --- every document accounted for ------------------------------------------------------------------------------------


def test_every_document_is_kept_or_dropped_for_a_counted_reason(whole: Path) -> None:
    summary = read_manifest(whole).summary
    articles, reviews = (summary["sources"][name]["counts"] for name in ("articles", "reviews"))
    assert {name: value for name, value in articles.items() if "bytes" not in name and name != "sentences"} == {
        "documents": ARTICLES + REPEATED + SHORT, "kept": ARTICLES, "duplicate": REPEATED, "too_short": SHORT,
    }  # fmt: skip
    assert {name: value for name, value in reviews.items() if "bytes" not in name and name != "sentences"} == {
        "documents": 30 + FOREIGN + 3, "kept": 30, "duplicate": 1, "not_korean": FOREIGN, "no_text": 1, "unreadable_line": 1,
    }  # fmt: skip
    for counts in (articles, reviews, summary["totals"]):
        counted = sum(
            value for name, value in counts.items() if name not in ("documents", "sentences", "bytes", "raw_bytes")
        )
        assert counts["documents"] == counted
    assert summary["totals"] == {name: articles.get(name, 0) + reviews.get(name, 0) for name in {*articles, *reviews}}


def test_the_counts_describe_the_shards(whole: Path) -> None:
    manifest, rows = read_manifest(whole), _rows(whole)
    assert verify(whole) == []
    assert {name: entry.records for name, entry in manifest.files.items() if name.startswith("shards/")} == {
        f"shards/{path.name}": pq.read_metadata(path).num_rows for path in (whole / "shards").iterdir()
    }
    for source, entry in manifest.summary["sources"].items():
        sentences = [sentence for row in rows if row["source"] == source for sentence in row["sentences"]]
        assert entry["counts"]["kept"] == sum(row["source"] == source for row in rows)
        assert entry["counts"]["sentences"] == len(sentences)
        assert entry["counts"]["bytes"] == sum(len(sentence.encode()) for sentence in sentences)
    assert manifest.summary["sources"]["articles"]["license"] == "CC0-1.0"
    assert manifest.summary["sources"]["reviews"]["continuity"] is False


def test_documents_come_out_clean_in_reading_order_and_whole(config: CorporaConfig, whole: Path) -> None:
    rows = _rows(whole)
    assert [row["doc_id"] for row in rows] == [
        *(f"articles-{number:06d}" for number in range(ARTICLES)),
        *(f"r{number}" for number in range(30)),
    ]
    texts = Path(config.sources[0].path).read_text(encoding="utf-8").split("\n\n")
    assert ["".join("".join(row["sentences"]).split()) for row in rows[:ARTICLES]] == [
        "".join(text.split()) for text in texts[:ARTICLES]
    ]
    assert rows[-1]["title"] == "제목"
    assert all(len(row["sentences"]) == 12 for row in rows)


def test_duplicates_stay_when_the_recipe_says_so(config: CorporaConfig, tmp_path: Path) -> None:
    off = DeduplicationConfig(documents=False, near_documents=None, sentences=None)
    kept = _run(config.model_copy(update={"deduplicate": off}), tmp_path / "a")
    assert len(_rows(kept)) == ARTICLES + REPEATED + 30 + 1


def test_a_corpus_of_dropped_documents_says_why(tmp_path: Path) -> None:
    (tmp_path / "글.txt").write_text(
        "짧다\n\n너무 짧다\n\n" + "This one is long, but not Korean at all.", encoding="utf-8"
    )
    config = CorporaConfig(sources=(SourceConfig(name="글", path=str(tmp_path / "글.txt")),))
    with pytest.raises(InputError, match=r"empty: 0 of 3 documents \(not_korean 1, too_short 2\)\. Check the sources"):
        _run(config, tmp_path / "a")
    assert not list((tmp_path / "a" / "corpora").glob("*/manifest.json"))


def test_a_corpus_without_documents_says_so(tmp_path: Path) -> None:
    (tmp_path / "글.txt").write_text("\n\n", encoding="utf-8")
    config = CorporaConfig(sources=(SourceConfig(name="글", path=str(tmp_path / "글.txt")),))
    with pytest.raises(InputError, match="empty: 0 of 0 documents"):
        _run(config, tmp_path / "a")


def test_datasets_loads_the_shards(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    import datasets

    files = [str(path) for path in sorted((whole / "shards").iterdir())]
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.column_names == ["doc_id", "source", "title", "sentences", "paragraph_end"]
    assert list(loaded) == _rows(whole)


# --- the same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.system
@pytest.mark.parametrize(
    "execution",
    [ExecutionConfig(workers=2), ExecutionConfig(workers=4), ExecutionConfig(engine="ray", workers=2)],
    ids=["2 processes", "4 processes", "Ray"],
)
def test_workers_and_engines_write_the_bytes_of_one_process(
    execution: ExecutionConfig, config: CorporaConfig, whole: Path, tmp_path: Path
) -> None:
    with _workspace(tmp_path) as out:
        folder = out.finish(build(config, out, execution=execution), {})
    assert _bytes(folder) == _bytes(whole)


PROGRAM = """
import sys
from pathlib import Path
from corpora.build import build
from corpora.config import CorporaConfig
from kobert_pipeline.ground.artifacts import Identity, Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig
config = CorporaConfig.model_validate_json(sys.argv[1])
with Workspace(Path(sys.argv[2]), Identity("corpora", 1, {}, {}, 0, {})) as out:
    out.finish(build(config, out, execution=ExecutionConfig(workers=1)), {})
"""


@pytest.mark.system
@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_hash_seed_changes_no_byte(seed: str, config: CorporaConfig, whole: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM, config.model_dump_json(), str(tmp_path)],
        env=os.environ | {"PYTHONHASHSEED": seed}, check=True,
    )  # fmt: skip
    folder = next(path for path in (tmp_path / "corpora").iterdir() if path.is_dir())
    assert _bytes(folder) == _bytes(whole)


def test_shards_that_finish_in_any_order_make_the_same_bytes(
    config: CorporaConfig, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards are worked on last to first; results are handed over in their own order, as every engine does."""

    def backwards(function: Callable[[Any], Any], shards: Iterable[Any], execution: ExecutionConfig) -> Iterator[Any]:
        jobs = list(shards)
        done = [function(job) for job in reversed(jobs)]
        yield from reversed(done)

    for phase in (every_document, sentences):
        monkeypatch.setattr(phase, "map_shards", backwards)
    assert _bytes(_run(config, tmp_path)) == _bytes(whole)


class Killed(BaseException):
    """Stands for a kill: nothing in the stage may catch it."""


def _killed_after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    left = iter(range(calls))

    def call(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return function(*arguments, **options)

    return call


HOMES: dict[str, Any] = {"_clean_shard": every_document, "_split_shard": sentences, "_final_shard": sentences}
"""Which phase works on a shard by which function."""


@pytest.mark.parametrize("calls", range(4))
@pytest.mark.parametrize("step", HOMES)
def test_a_run_killed_between_shards_resumes_to_the_same_bytes(
    step: str, calls: int, config: CorporaConfig, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(HOMES[step], step, _killed_after(calls, getattr(HOMES[step], step)))
        with pytest.raises(Killed):
            _run(config, tmp_path / "killed")
    ending = {"_clean_shard": ".json", "_split_shard": ".sentences.npy", "_final_shard": ".parquet"}[step]
    folder = "shards" if step == "_final_shard" else "work"
    done = list((tmp_path / "killed").rglob(f"*.partial/{folder}/?????{ending}"))
    assert len(done) == calls
    with monkeypatch.context() as patch:
        work = patch_counter(patch, step)
        assert _bytes(_run(config, tmp_path / "killed")) == _bytes(whole)
    assert step == "_final_shard" or len(work) == 5 - calls, "finished shards are not worked on again"


def patch_counter(patch: pytest.MonkeyPatch, step: str) -> list[str]:
    """Counts the shards for which the costly part of a step really runs."""
    seen: list[str] = []
    name = {"_clean_shard": "_kept_documents", "_split_shard": "overlap", "_final_shard": "write_rows"}[step]
    function = getattr(HOMES[step], name)

    def counted(*arguments: Any, **options: Any) -> Any:
        seen.append(name)
        return function(*arguments, **options)

    patch.setattr(HOMES[step], name, counted)
    return seen


@pytest.mark.parametrize("step", ["write_table", "write_json"])
@pytest.mark.parametrize("calls", range(2))
def test_a_run_killed_inside_a_shard_resumes_to_the_same_bytes(
    step: str, calls: int, config: CorporaConfig, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = pq if step == "write_table" else every_document
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, _killed_after(calls, getattr(owner, step)))
        with pytest.raises(Killed):
            _run(config, tmp_path / "killed")
    assert _bytes(_run(config, tmp_path / "killed")) == _bytes(whole)


@pytest.mark.parametrize(
    "lost", ["00001.parquet", "00001.json", "00001.split", "*.npy", "*.sentences.npy", "*.parquet", "*.json", "*"]
)
def test_a_run_killed_while_it_cleared_away_resumes_to_the_same_bytes(
    lost: str, config: CorporaConfig, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Workspace, name: str) -> None:
        for path in (self.path / name).glob(lost):
            path.unlink()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "remove", killed)
        with pytest.raises(Killed):
            _run(config, tmp_path / "killed")
    assert _bytes(_run(config, tmp_path / "killed")) == _bytes(whole)


def test_paths_leave_no_trace_in_the_artifact(config: CorporaConfig, whole: Path) -> None:
    folders = [str(whole.parent).encode(), str(Path(config.sources[0].path).parent).encode()]
    assert not [name for name, content in _bytes(whole).items() if any(folder in content for folder in folders)]
    assert sorted(path.name for path in whole.iterdir()) == [
        "dropped.jsonl", "manifest.json", "near_duplicates.jsonl", "run.json", "shards",
    ]  # fmt: skip
