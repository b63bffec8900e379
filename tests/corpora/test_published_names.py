"""Ids, titles and file names are published with the texts: they show no personal data either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from corpora.build import build
from corpora.config import CorporaConfig, SourceConfig
from corpora.shards import DROPPED, NEAR_DUPLICATES
from kobert_pipeline.ground.artifacts import MANIFEST, Identity, Workspace
from kobert_pipeline.ground.parallel import ExecutionConfig

TEXTS = (
    "산과 강은 사계절 내내 아름답다. 봄에는 꽃이 피고 가을에는 단풍이 든다.",
    "바다로 가는 길은 멀고 험했다. 우리는 밤새 걸어서 새벽에 항구에 닿았다.",
    "도서관은 저녁 아홉 시에 문을 닫는다. 학생들은 가방을 메고 정류장으로 뛰었다.",
    "할머니는 시장에서 칼국수를 파신다. 비가 오는 날에는 손님이 더 많다고 하신다.",
)
SECRETS = ("010-2847-1936", "010-2847-1937", "hong@naver.com", "850314-1023451")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files named after people, rows with an e-mail address as their id, a title with a number, unreadable files."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "hong@naver.com 010-2847-1936.txt").write_text(TEXTS[0], encoding="utf-8")
    (folder / "hong@naver.com 010-2847-1937.txt").write_text(TEXTS[1], encoding="utf-8")
    (folder / "010-2847-1936 짧다.txt").write_text("짧다.", encoding="utf-8")
    rows = [
        {"doc_id": "hong@naver.com", "title": "850314-1023451 홍길동", "text": TEXTS[2]},
        {"doc_id": "hong@naver.com", "title": "둘째", "text": TEXTS[3]},
        {"doc_id": "010-2847-1936", "text": TEXTS[0] + " 끝."},
    ]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "850314-1023451.jsonl").write_text(lines + "\n{", encoding="utf-8")
    sources = (SourceConfig(name="a", path=str(folder), damaged="skip", documents="file"),)
    with Workspace(tmp_path_factory.mktemp("out"), Identity("corpora", 1, {}, {}, 0, {})) as out:
        return out.finish(build(CorporaConfig(sources=sources), out, execution=ExecutionConfig(workers=1)), {})


def _rows(artifact: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((artifact / "shards").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_no_shard_and_no_file_next_to_the_shards_shows_them(artifact: Path) -> None:
    written = [json.dumps(_rows(artifact), ensure_ascii=False)]
    written += [(artifact / name).read_text(encoding="utf-8") for name in (MANIFEST, DROPPED)]
    written += [path.read_text(encoding="utf-8") for path in artifact.glob(NEAR_DUPLICATES)]
    assert not [secret for secret in SECRETS for text in written if secret in text]
    assert {"[전화번호] 짧다", "[주민등록번호].jsonl:4"} <= {
        (row.get("doc_id") or row["place"]).split("-00000.")[0] for row in map(json.loads, written[2].splitlines())
    }


def test_ids_that_were_alike_but_for_the_data_stay_apart(artifact: Path) -> None:
    ids = [row["doc_id"] for row in _rows(artifact)]
    assert len(set(ids)) == len(ids) == 4
    assert ids[0].startswith("[이메일]-00000.")


def test_a_title_keeps_what_is_not_personal_data(artifact: Path) -> None:
    assert [row["title"] for row in _rows(artifact)][:2] == ["[주민등록번호] 홍길동", "둘째"]
