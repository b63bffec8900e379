"""Data sets of the Hub, read by the real `datasets` from a Hub on this machine: what is there, and everything that can be wrong."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer, Repository

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, read
from corpora.sources import check
from klue_eval.data import SAMPLE, hub_commit, read_split
from kobert_pipeline.ground.errors import InputError

REPO = "me/data"
TEXTS = ["하늘이 맑고 바람이 없다.", "버스가 늦게 왔다."]


def parquet(rows: list[dict[str, Any]], schema: Any = None) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), written)
    return written.getvalue()


GOOD = {
    "README.md": b"---\nlicense: mit\n---\n",
    "data/train-00000-of-00001.parquet": parquet([{"text": text} for text in TEXTS]),
}
CARD, TRAIN = {"README.md": GOOD["README.md"]}, "data/train-00000-of-00001.parquet"


@pytest.fixture
def data_hub(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubServer:
    """The Hub on this machine, to which `datasets` talks too, with empty caches."""
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)  # as it was when another test imported it
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(datasets.config, "HUB_DATASETS_URL", hub.url + "/datasets/{repo_id}/resolve/{revision}/{path}")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(datasets.config, "STREAMING_READ_MAX_RETRIES", 20)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return hub


def publish(hub: HubServer, files: dict[str, bytes] | None = None, **settings: Any) -> Repository:
    return hub.add_repository(REPO, kind="datasets", files=files or GOOD, **({"private": False} | settings))


def source(address: str = f"hub:{REPO}", **settings: Any) -> SourceConfig:
    return CorporaConfig.parse({"sources": [{"name": "far", "path": address, **settings}]}).sources[0]


def documents(settings: SourceConfig) -> list[Any]:
    config = CorporaConfig(sources=(settings,))
    return [item for file in input_files(config) for item, _ in read(file)]


def test_rows_are_documents_also_at_a_revision_and_also_next_to_a_folder_of_the_same_name(
    data_hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository = publish(data_hub)
    (tmp_path / "work" / REPO).mkdir(parents=True)
    (tmp_path / "work" / REPO / "train.txt").write_text("another text", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "work")
    for revision in ("", "@main", f"@{repository.branches['main']}"):
        check(source(f"hub:{REPO}{revision}"))
        found = documents(source(f"hub:{REPO}{revision}"))
        assert [item.text for item in found if isinstance(item, Document)] == TEXTS


Prepare = Callable[[HubServer], object]
NO_ROWS = parquet([], pa.schema([("text", pa.string())]))
FAULTS: dict[str, tuple[Prepare, dict[str, Any], str]] = {
    "unknown": (lambda hub: None, {}, "no repository datasets/me/data without a token"),
    "private": (lambda hub: publish(hub, private=True), {}, "no repository datasets/me/data without a token"),
    "gated": (lambda hub: publish(hub, gated=True), {}, "https://huggingface.co/datasets/me/data, and log in"),
    "revision": (publish, {"address": f"hub:{REPO}@v9"}, "no such branch, tag or commit"),
    "split": (publish, {"split": "validation"}, r"Bad split: validation. Available splits: \['train'\]"),
    "subset": (publish, {"subset": "ynat"}, "BuilderConfig 'ynat' not found"),
    "field": (publish, {"text_field": "body"}, "no column `body`; there are text"),
    "script": (lambda hub: publish(hub, CARD | {"data.py": b"1"}), {}, "Python script data.py, and no code of a repository is run"),
    "no files": (lambda hub: publish(hub, CARD), {}, "it holds no data files"),
    "no bytes": (lambda hub: publish(hub, CARD | {TRAIN: b""}), {}, "Parquet file size is 0 bytes"),
    "truncated": (lambda hub: publish(hub, CARD | {TRAIN: GOOD[TRAIN][:200]}), {}, "Parquet magic bytes not found"),
    "bad JSON": (lambda hub: publish(hub, CARD | {"train.jsonl": b'{"text":\n'}), {}, "JSON parse error"),
    "down": (lambda hub: (publish(hub), hub.fail("GET", "/api/", 503, times=99, message="maintenance")), {}, "503: maintenance"),
    "a web page": (lambda hub: (publish(hub), hub.reply("GET", "/api/", b"<html>", headers={"Content-Type": "text/html"})), {}, "A web page"),
    "cut off": (lambda hub: (publish(hub), hub.drop("GET", "parquet", times=999)), {}, "connection to the Hub broke"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_one_line_before_the_first_stage_and_in_it(
    fault: str, data_hub: HubServer, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    prepare, settings, shown = FAULTS[fault]
    prepare(data_hub)
    wrong = source(**settings)
    for call in (check, documents):
        with pytest.raises(InputError, match=shown) as caught:
            call(wrong)
        assert str(caught.value).startswith(wrong.path)
        assert "\n" not in str(caught.value)
    assert not [record for record in caplog.records if record.name.startswith("datasets")]


def test_a_split_without_rows_is_named_before_the_first_stage_and_has_no_documents(data_hub: HubServer) -> None:
    publish(data_hub, CARD | {TRAIN: NO_ROWS})
    with pytest.raises(InputError, match=r"no rows in split train \(source `far`\)"):
        check(source())
    assert documents(source()) == []


def test_a_connection_that_breaks_for_a_moment_loses_nothing(data_hub: HubServer, waits: list[float]) -> None:
    publish(data_hub)
    data_hub.drop("GET", "parquet", times=9)
    assert [item.text for item in documents(source())] == TEXTS


def test_offline_mode_and_no_network_are_named(data_hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="The Hub cannot be reached"):
        check(source())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="HF_HUB_OFFLINE is set, and the cache has no copy"):
        check(source())


KLUE_CARD = b"---\nconfigs:\n- config_name: ynat\n  data_files:\n  - split: train\n    path: train.parquet\n  - split: validation\n    path: dev.parquet\n---\n"


def test_klue_is_read_at_one_commit_and_offline_from_the_cache(
    data_hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    from huggingface_hub import constants

    rows = {split: read_split("ynat", SAMPLE, split).rows for split in ("train", "dev")}
    files = {f"{split}.parquet": parquet(kept) for split, kept in rows.items()}
    publish(data_hub, {"README.md": KLUE_CARD, **files})
    before = hub_commit(f"hub:{REPO}")
    assert read_split("ynat", f"hub:{REPO}", "dev").rows == rows["dev"]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    asked = len(data_hub.requests)
    assert hub_commit(f"hub:{REPO}") == before
    assert read_split("ynat", f"hub:{REPO}", "dev").rows == rows["dev"]
    assert len(data_hub.requests) == asked
    with pytest.raises(InputError, match=r"cannot load ner, dev"):
        read_split("ner", f"hub:{REPO}", "dev")
    with pytest.raises(InputError, match=r"the copy in the cache is not of commit 00000000"):
        read_split("ynat", f"hub:{REPO}@{'0' * 40}", "dev")
