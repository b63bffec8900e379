"""Results of any use as text: lines for a file or a pipe, a table for a terminal."""

from __future__ import annotations

from typing import Any

from kobert_pipeline.uses.use import Answer, Columns, Result


def lines(result: Result) -> list[str]:
    """The text, then one line per answer: number of the place, score and answer, separated by tabs."""
    return [
        result.text,
        *(
            f"{number}\t{'' if answer.score is None else f'{answer.score:.4f}'}\t{answer.text}"
            for number, answers in enumerate(result.answers, 1)
            for answer in answers
        ),
    ]


def rows(result: Result) -> list[list[str]]:
    """Number of the place, answer and score, in the order of `Columns`."""
    return [
        [str(number), answer.text, shown_score(answer)]
        for number, answers in enumerate(result.answers, 1)
        for answer in answers
    ]


def table(result: Result, columns: Columns) -> Any:
    """For rich: a column of answers and one of scores for each place."""
    from rich.table import Table

    shown = Table(title=result.text, title_justify="left")
    for number in range(1, len(result.answers) + 1):
        shown.add_column(f"{columns.place} {number}" if len(result.answers) > 1 else columns.answer, style="bold")
        shown.add_column(columns.score, justify="right")
    for answers in zip(*result.answers, strict=True):
        shown.add_row(*(cell for answer in answers for cell in (answer.text, shown_score(answer))))
    return shown


def shown_score(answer: Answer) -> str:
    """`12.3%`; empty without a score."""
    return "" if answer.score is None else f"{answer.score:.1%}"
