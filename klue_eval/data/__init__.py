"""KLUE's files -> rows: the official JSON and TSV; CSV, TSV and JSON Lines with the same fields; the Hub's copy.

Labels are read as strings, never as numbers: copies of the data number them differently.
"""

from __future__ import annotations

from klue_eval.data.folders import FORMATS, ONLY, SAMPLE, SPLIT_WORDS, find_split, resolve_folder
from klue_eval.data.hub_copy import HUB, at_commit, hub_commit, hub_place
from klue_eval.data.task_splits import Rows, drawing_order, held_out, labelled_rows, read_rows, read_split

__all__ = [
    "FORMATS",
    "HUB",
    "ONLY",
    "SAMPLE",
    "SPLIT_WORDS",
    "Rows",
    "at_commit",
    "drawing_order",
    "find_split",
    "held_out",
    "hub_commit",
    "hub_place",
    "labelled_rows",
    "read_rows",
    "read_split",
    "resolve_folder",
]
