"""One score table, three renderings: Markdown, the model card and the page agree cell by cell."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from page_checks import in_english

from klue_eval.published import PUBLISHED
from klue_eval.table import render_table
from kobert_pipeline.ground.artifacts import Manifest, read_manifest
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.score_table import ScoreTable, score_table, settings_rows
from kobert_pipeline.ground.contents.scores import ScoreSummary, scores_of
from kobert_pipeline.hub.card import model_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.publishable import STAGES
from kobert_pipeline.report.page import render

SMALL_RUN = Path(__file__).parent / "hub" / "small_run"


@pytest.fixture(scope="module")
def manifests() -> dict[str, Manifest]:
    """The small run with a second protocol and corrected scores, so that every kind of row occurs."""
    manifests = {stage: read_manifest(SMALL_RUN / stage) for stage in STAGES}
    summary = manifests["klue_eval"].summary
    summary["protocols"]["few"] = {**summary["protocols"]["official"], "train_rows": 1000, "seeds": 1}
    corrected = {"macro_f1": {"last_mean": 33.25, "last_std": None, "per_seed": [33.25]}}
    extra = [{**entry, "protocol": "few", "corrected": corrected} for entry in summary["results"][:2]]
    summary["results"] += extra
    return manifests


@pytest.fixture(scope="module")
def scores(manifests: dict[str, Manifest]) -> ScoreSummary:
    return scores_of(manifests["klue_eval"])


def expected(table: ScoreTable) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def pipe_tables(markdown: str) -> list[list[list[str]]]:
    """Every table of a Markdown text as rows of cells, headings first, without the line under them."""
    tables: list[list[list[str]]] = [[]]
    for line in markdown.splitlines():
        if not line.startswith("|"):
            tables.append([])
        elif not set(line) <= set("|-:"):
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return [table for table in tables if table]


def page_tables(page: str) -> list[list[list[str]]]:
    """Every table of a page as rows of cells."""
    return [
        [
            [html.unescape(re.sub("<.*?>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, flags=re.DOTALL)
        ]
        for table in re.findall(r"<table[^>]*>(.*?)</table>", page, flags=re.DOTALL)
    ]


def test_markdown_shows_every_cell(scores: ScoreSummary) -> None:
    table = score_table(scores, PUBLISHED)
    ours, settings = pipe_tables(render_table(scores))
    assert ours[0][4:] == [column.title for column in table.columns]
    assert [row[4:] for row in ours[1:]] == expected(table)
    assert settings[1:] == list(map(list, settings_rows(scores)))


def test_the_page_shows_every_cell(scores: ScoreSummary, manifests: dict[str, Manifest]) -> None:
    folders = {stage: SMALL_RUN / stage for stage in STAGES}
    table = score_table(scores, PUBLISHED, "small")
    tables = page_tables(in_english(render("small", ArtifactSet.of(manifests, folders))))
    (ours,) = [rows for rows in tables if rows[0][:3] == ["model", "split", "protocol"]]
    assert ours[0][3:] == [column.title for column in table.columns]
    assert [row[3:] for row in ours[1:] if len(row) > 1] == expected(table)
    assert [row[0] for row in ours[1:] if len(row) > 1] == [row.name for row in table.rows]
    assert list(map(list, settings_rows(scores))) in [rows[1:] for rows in tables]


@pytest.mark.parametrize("language", [0, 1], ids=["English", "Korean"])
def test_the_card_shows_every_cell_of_our_rows(
    scores: ScoreSummary, manifests: dict[str, Manifest], language: int
) -> None:
    card = model_card(HubConfig(), "small", ArtifactSet.of(manifests)).split("\n# 한국어\n")[language]
    tables = pipe_tables(card[card.index("## KLUE") :])
    whole = score_table(scores)
    for protocol, shown in zip(whole.protocols, tables, strict=False):
        table = whole.under(protocol)
        assert [row[0] for row in shown[1:]] == [column.title for column in table.columns]
        assert [row[1:] for row in shown[1:]] == list(map(list, zip(*expected(table), strict=True)))
    assert tables[len(whole.protocols)][1:] == list(map(list, settings_rows(scores)))
