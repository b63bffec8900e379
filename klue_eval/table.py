"""The score table as Markdown. Pure: it only formats what `score_table` lays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from klue_eval.published import PUBLISHED
from klue_eval.task import KlueTask
from klue_eval.tasks import KNOWN
from kobert_pipeline.ground.contents.score_details import details
from kobert_pipeline.ground.contents.score_table import (
    HELD_OUT,
    SETTINGS_TITLES,
    ScoreRow,
    ScoreTable,
    score_table,
    settings_rows,
)
from kobert_pipeline.ground.contents.scores import DEV, PRETRAINED, OwnTaskNote, ScoreSummary

OWN_NOTE = (
    "Scores of the last checkpoint, mean ± standard deviation over seeds, on rows that were not trained on. The best checkpoint is "
    "chosen on the scored rows themselves, so its score is too high."
)

OURS = "of the last checkpoint, mean ± standard deviation over three seeds or more. Scores are official unless they say `corrected`."
DEV_NOTE = f"Our scores are on **dev**: the hidden test set no longer takes submissions. Ours are {OURS}"
COMPARED: Mapping[str, str] = {
    DEV: "compare these with our best checkpoint, which is chosen on dev as well",
    "test": "**not comparable** with scores of dev",
}
"""What a published split can be compared with."""
SAMPLE_NOTE = f"Scores are {OURS}"


def render_table(scores: ScoreSummary) -> str:
    """Returns Markdown: our scores and the published ones, then how each of ours was reached."""
    table = score_table(scores, PUBLISHED)
    settings = _markdown([SETTINGS_TITLES, *settings_rows(scores)])
    parts = [*_notes(scores), *_sources(table, scores), _markdown(_scores(table)), settings, *_details(scores)]
    return "\n\n".join(parts) + "\n"


def _sources(table: ScoreTable, scores: ScoreSummary) -> list[str]:
    """One note for each source of published rows: `Published, dev: …`."""
    published = [row for row in table.rows if row.kind == "published"]
    ours = {result.split for result in scores.results}
    found = dict.fromkeys((row.split, row.source) for row in published)
    return [
        f"Published, **{split}**: {source}{f'; {COMPARED[split]}' if DEV in ours else ''}." for split, source in found
    ]


def _details(scores: ScoreSummary) -> list[str]:
    return [part for detail in details(scores) for part in (detail.words, _markdown([detail.titles, *detail.rows]))]


def _notes(scores: ScoreSummary) -> list[str]:
    if not scores.on_dev().results and scores.own_tasks:
        return ["# Own tasks", OWN_NOTE, *_own_notes(scores)]
    notes = ["# KLUE"]
    if scores.sample:
        notes.append("**These scores mean nothing.** The bundled sample only shows that the evaluation runs.")
    notes.append(SAMPLE_NOTE if scores.sample else DEV_NOTE)
    parted = sorted({result.title for result in scores.results if result.split == HELD_OUT})
    if parted:
        notes.append(
            f"**{', '.join(parted)}: not a KLUE dev score.** Only one labelled file was available. 80 % of it was "
            "trained on, the other 20 % was scored."
        )
    notes += [_part_note(KNOWN[task], parts) for task, parts in scores.parts.items()]
    return notes + _mixture_notes(scores) + _own_notes(scores)


def _mixture_notes(scores: ScoreSummary) -> list[str]:
    """One for each protocol whose tasks were trained at once: `**together**: one encoder for YNAT and NLI. …`"""
    notes = []
    for name, protocol in scores.protocols.items():
        mixed = [result for result in scores.results if result.protocol == name and result.mixture]
        kept = {each.mixture.folder for each in mixed if each.mixture and each.initialisation == PRETRAINED}
        titles = " and ".join(dict.fromkeys(result.title for result in mixed))
        folder = "".join(f" That of the first seed, with all heads, is `klue_mixtures/{each}/model`." for each in kept)
        if protocol.multitask:
            notes.append(f"**{name}**: one encoder was trained on {titles} at once.{folder}")
    return notes


def _own_notes(scores: ScoreSummary) -> list[str]:
    return [own_note(name, note, scores.unlabelled_rows[name]) for name, note in scores.own_tasks.items()]


def own_note(name: str, note: OwnTaskNote, unlabelled: int) -> str:
    """How the rows of an own task were read: `**judgments**: classification (its labels are names). …`"""
    skipped = f" {unlabelled:,} rows without a label were skipped." if unlabelled else ""
    repeated = (
        f" **{note.repeated_rows:,} scored rows have a text that is also trained on, so the score is too high.**"
        if note.repeated_rows
        else ""
    )
    return (
        f"**{name}**: {note.kind} ({note.why}). {note.train_rows:,} rows trained on, {note.scored_rows:,} scored "
        f"({note.division}).{skipped}{repeated}"
    )


def _part_note(task: KlueTask, parts: Mapping[str, tuple[int, int]]) -> str:
    names = {DEV: task.scored_split}
    rows = " and ".join(
        f"{rows:,} of the {released:,} {names.get(split, split)} rows" for split, (rows, released) in parts.items()
    )
    note = f"{task.title}: the data has {rows}."
    return f"**{note}** Its score is not that of the whole {task.scored_split} set." if DEV in parts else note


def _scores(table: ScoreTable) -> list[Sequence[str]]:
    titles = [column.title for column in table.columns]
    rows = [
        [_name(row), row.split, row.train_rows, row.seeds, *(cell.text for cell in row.cells)] for row in table.rows
    ]
    return [["model", "split", "train rows", "seeds", *titles], *rows]


def _name(row: ScoreRow) -> str:
    name = f"{row.name} ({row.protocol or 'published'})"
    return name.replace("this model", "**this model**") if row.kind.startswith("model") else name


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
