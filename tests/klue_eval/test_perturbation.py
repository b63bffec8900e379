"""Scored rows with typing errors: labels stay with their letters, and what an error would move is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from klue_eval.build import evaluate_model
from klue_eval.config import EvaluationConfig
from klue_eval.data import SAMPLE, read_split
from klue_eval.metrics.ner_metrics import LABELS
from klue_eval.perturbation import perturbed
from klue_eval.tasks import KNOWN, ner
from klue_eval.tasks.nli import TASK as NLI
from klue_eval.tasks.ynat import TASK as YNAT
from kobert_pipeline.cli import app
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.ground.typing_errors import SPACING, Mistyped

WHOLE_TEXTS = {
    "ynat",
    "sts",
    "nli",
    "nsmc",
    "kornli",
    "kornli_snli",
    "korsts",
    "pawsx",
    "xnli",
    "movie_reviews",
    "kobest_boolq",
    "kobest_wic",
    "kobest_sentineg",
}


@st.composite
def sentences(draw: st.DrawFn) -> dict[str, Any]:
    """Any characters with any labels, also ones that no annotator would choose."""
    characters = draw(st.lists(st.sampled_from("가각서울 A.1"), min_size=1, max_size=30))
    labels = draw(st.lists(st.sampled_from(LABELS), min_size=len(characters), max_size=len(characters)))
    return {"guid": "row", "characters": characters, "labels": labels}


@given(row=sentences())
def test_labels_of_characters_stay_with_their_letters(row: dict[str, Any]) -> None:
    for part in perturbed(ner.TASK, [row]):
        (found,) = part.rows
        assert len(found["characters"]) == len(found["labels"])
        letters = [pair for pair in zip(found["characters"], found["labels"], strict=True) if pair[0] != " "]
        before = [pair for pair in zip(row["characters"], row["labels"], strict=True) if pair[0] != " "]
        assert [label for _, label in letters] == [label for _, label in before]
        if part.name != "typo":
            assert letters == before
        perfect = ner.TASK.metrics.corrected([found["labels"]], [found])
        assert perfect == ner.TASK.metrics.corrected([row["labels"]], [row]), "the same entities"


def test_a_space_inside_an_entity_belongs_to_it() -> None:
    row = {"guid": "row", "characters": list("국립극장에"), "labels": ["B-OG", *["I-OG"] * 3, "O"]}
    found = ner.perturb(row, lambda text: Mistyped("국립 극장 에", (0, 1, None, 2, 3, None, 4)))
    assert found["labels"] == ["B-OG", "I-OG", "I-OG", "I-OG", "I-OG", "O", "O"]


@pytest.mark.parametrize(
    "mistyped",
    [Mistyped("울에서", (1, 2, 3)), Mistyped("서에서", (0, 2, 3)), Mistyped("서울가에서", (0, 1, None, 2, 3))],
    ids=["the first letter", "the last letter", "a letter more"],
)
def test_an_error_that_would_move_the_border_of_an_entity_is_refused_with_the_row(
    mistyped: Mistyped, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"guid": "row-7", "characters": list("서울에서"), "labels": ["B-LC", "I-LC", "O", "O"]}
    monkeypatch.setattr("klue_eval.perturbation.SPACING", {"cut": lambda text, rng: mistyped})
    with pytest.raises(InputError, match="NER, row row-7: cut would move the border of an entity"):
        perturbed(ner.TASK, [row])


@pytest.mark.parametrize("name", KNOWN)
def test_every_task_is_perturbed_or_refused_by_name(name: str) -> None:
    task = KNOWN[name]
    assert (task.perturb is not None) == (name in WHOLE_TEXTS | {"ner"})
    if task.perturb is None:
        with pytest.raises(InputError, match=rf"perturb: {task.title}: spacing errors would move the borders"):
            perturbed(task, [])


def test_whole_texts_keep_their_labels_and_rows_without_an_error_are_counted() -> None:
    rows = read_split("nli", SAMPLE, "dev").rows
    for part in perturbed(NLI, rows):
        assert [NLI.gold(row) for row in part.rows] == [NLI.gold(row) for row in rows]
        assert [row["guid"] for row in part.rows] == [row["guid"] for row in rows]
    titles = [
        {"guid": str(place), "title": title, "label": "정치"} for place, title in enumerate(["개헌", "새 개헌안"])
    ]
    assert perturbed(YNAT, titles)[0].rows[1]["title"] == "새개헌안"
    assert perturbed(YNAT, titles)[0].unchanged == 1
    assert perturbed(YNAT, titles)[0].rows == perturbed(YNAT, titles[::-1])[0].rows[::-1], (
        "the place of a row means nothing"
    )


def config_of(*tasks: str, **settings: Any) -> EvaluationConfig:
    protocols = {"official": {"seeds": 1, "train_rows": 16, "evaluations_per_epoch": 1}}
    epochs = {name: {"epochs": 1} for name in tasks}
    common = {"tasks": tasks, "data": SAMPLE, "tfidf": False, "precision": "32-true"}
    return EvaluationConfig.parse(common | {"protocols": protocols, "settings": epochs} | settings)


def test_clean_scores_do_not_change_and_scores_with_errors_are_shown(tiny_bert: Path, tmp_path: Path) -> None:
    clean, both = (
        evaluate_model(str(tiny_bert), config_of("ner", **settings), tmp_path, 42)
        for settings in ({}, {"perturb": "spacing"})
    )
    assert config_of("ner").content().keys() == config_of("ner", perturb="spacing").content().keys() - {"perturb"}
    one, other = (Scores(folder).summary.results[0] for folder in (clean, both))
    assert other.metrics == one.metrics
    assert not one.perturbed
    assert set(other.perturbed) == set(SPACING)
    lines = [(tmp_path / "klue_runs" / run / "predictions.jsonl").read_bytes() for run in (*one.runs, *other.runs)]
    assert lines[0] == lines[1]
    saved = read_json(tmp_path / "klue_runs" / other.runs[0] / "scores.json")["perturbed"]
    table = (both / "table.md").read_text(encoding="utf-8")
    for name, found in other.perturbed.items():
        figures = found.metrics["character_f1"]
        assert figures.last_mean == pytest.approx(saved[name]["official"]["character_f1"], abs=1e-4)
        assert figures.interval is not None
        assert f"{figures.last_mean:.2f} (" in table
    assert "| official | NER character F1 |" in table


def test_what_cannot_be_perturbed_is_refused_before_anything_is_trained(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="perturb: RE, DP, WoS: spacing errors would move"):
        evaluate_model(str(tiny_bert), config_of("ynat", "re", "dp", "wos", perturb="spacing"), tmp_path, 42)
    with pytest.raises(RecipeError, match=r"perturb: .*'spacing'"):
        config_of("ynat", perturb="case")
    shown = CliRunner().invoke(
        app, ["eval", str(tiny_bert), "--perturb", "spacing", "--data", str(tmp_path), "--artifacts", str(tmp_path)]
    )
    assert shown.exit_code != 0
    assert "ynat" in str(shown.exception or shown.output), "the tasks that can be are the default"
