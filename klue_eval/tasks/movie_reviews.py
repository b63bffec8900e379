"""Naver movie reviews with their ratings -> negative or positive, by NSMC's rule. Not NSMC, which is a sample of them with a split of
its own; here rows are divided by film, with `held_out`.

A document of the corpus holds the reviews of a film, a line each, and `meta.ratings` the rating of each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any, TextIO

from klue_eval.layouts import json_lines
from klue_eval.metrics.label_f1 import METRICS
from klue_eval.task import TaskSettings
from klue_eval.tasks.labelled import labelled_task
from klue_eval.values import Row
from kobert_pipeline.ground.errors import WrongValue

LABELS = ("negative", "positive")
HIGHEST_NEGATIVE, LOWEST_POSITIVE, HIGHEST = 4, 9, 10
FILE = "movie_reviews_nsmc_raw"


def reviews(stream: TextIO) -> Iterator[Mapping[str, Any]]:
    """One record for each line of each document. A rating is None in a document with another number of lines than of ratings:
    a review with a line break inside it, so that nobody knows whose rating is whose."""
    for document in json_lines(stream):
        lines, ratings = document["text"].split("\n"), document["meta"]["ratings"]
        known = ratings if len(ratings) == len(lines) else repeat(None, len(lines))
        for number, (line, rating) in enumerate(zip(lines, known, strict=True)):
            yield {
                "guid": f"{document['doc_id']}#{number}",
                "group": document["doc_id"],
                "review": line,
                "rating": rating,
            }


def read(record: Mapping[str, Any]) -> Row | None:
    """None for a rating between the two ends, for one that is not known, and for an empty review."""
    rating = record["rating"]
    if rating is None:
        return None
    if type(rating) is not int or not 1 <= rating <= HIGHEST:
        raise WrongValue(
            "`rating` is {rating!r}; it must be a whole number from 1 to {highest}", rating=rating, highest=HIGHEST
        )
    if HIGHEST_NEGATIVE < rating < LOWEST_POSITIVE or not record["review"].strip():
        return None
    label = LABELS[rating >= LOWEST_POSITIVE]
    return {"guid": record["guid"], "group": record["group"], "review": record["review"], "label": label}


TASK = labelled_task(
    name="movie_reviews",
    version=1,
    title="Movie reviews",
    dataset="e9t/nsmc, raw: reviews of films with ratings from 1 to 10, CC0",
    paper="https://github.com/e9t/nsmc",
    labels=LABELS,
    segments=("review",),
    read=read,
    metrics=METRICS,
    primary_metric="macro_f1",
    defaults=TaskSettings(epochs=5),
    files={"dev": FILE},
    layouts={".jsonl": reviews},
)
