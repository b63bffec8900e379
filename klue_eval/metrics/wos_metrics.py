"""WoS: joint goal accuracy and F1 of slots (Park et al. 2021, section 3.8).

A prediction has a list of `domain-slot-value` for each user turn of the dialogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from klue_eval.metrics.arithmetic import f1, mean
from klue_eval.metrics.metric import Metrics, check_rows, row_name
from klue_eval.metrics.row_values import RowValues, mean_of
from kobert_pipeline.ground.errors import WrongValue

NONE = "none"
"""The value of a slot that the dialogue has not filled. It is equal to no entry."""

State = frozenset[str]


def official(predictions: Sequence[Sequence[Sequence[str]]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`joint_goal_accuracy`: share of turns whose whole state is right. `slot_f1`, as KLUE's released code computes it:

    it is called a micro F1, but it is the **mean over turns** of each turn's F1, where two empty states score 100.
    Early turns of a dialogue, with one slot or none, count as much as late ones with fifteen.
    """
    return _scores(predictions, rows, lambda turns: mean(_turn_f1(*turn) for turn in turns))


def by_row(predictions: Sequence[Sequence[Sequence[str]]], rows: Sequence[Mapping[str, Any]]) -> dict[str, RowValues]:
    """A row is a dialogue, and its parts are the turns: those of one dialogue are drawn together."""
    dialogues = [_turns([prediction], [row]) for prediction, row in zip(predictions, rows, strict=True)]
    return {
        "joint_goal_accuracy": mean_of([100.0 * (one == other) for one, other in turns] for turns in dialogues),
        "slot_f1": mean_of([_turn_f1(*turn) for turn in turns] for turns in dialogues),
    }


def corrected(predictions: Sequence[Sequence[Sequence[str]]], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`slot_f1` is micro: hits and entries are counted over all turns together."""
    return _scores(predictions, rows, _micro_f1)


def _turn_f1(predicted: State, actual: State) -> float:
    return f1(len(predicted & actual), len(predicted), len(actual)) if predicted or actual else 100.0


def _micro_f1(turns: Sequence[tuple[State, State]]) -> float:
    """100 if no turn has an entry on either side."""
    sizes = [sum(len(turn[side]) for turn in turns) for side in (0, 1)]
    return f1(sum(len(predicted & actual) for predicted, actual in turns), *sizes) if any(sizes) else 100.0


def _scores(
    predictions: Sequence[Sequence[Sequence[str]]],
    rows: Sequence[Mapping[str, Any]],
    slot_f1: Callable[[Sequence[tuple[State, State]]], float],
) -> dict[str, float]:
    turns = _turns(predictions, rows)
    right = (100.0 * (predicted == actual) for predicted, actual in turns)
    return {"joint_goal_accuracy": mean(right), "slot_f1": slot_f1(turns)}


def _turns(
    predictions: Sequence[Sequence[Sequence[str]]], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[State, State]]:
    """(predicted, actual) of every user turn, without slots whose value is `none`."""
    check_rows(predictions, rows)
    turns = []
    for number, (prediction, row) in enumerate(zip(predictions, rows, strict=True)):
        states = gold_states(row)
        if len(prediction) != len(states):
            raise WrongValue(
                "{row}: {given} states for {expected} user turns",
                row=row_name(row, number),
                given=len(prediction),
                expected=len(states),
            )
        turns += [(_state(ours), _state(gold)) for ours, gold in zip(prediction, states, strict=True)]
    return turns


def gold_states(row: Mapping[str, Any]) -> list[list[str]]:
    """The state after each user turn."""
    return [turn["state"] for turn in row["dialogue"] if turn["role"] == "user"]


def _state(entries: Iterable[str]) -> State:
    return frozenset(entry for entry in entries if not entry.endswith(f"-{NONE}"))


METRICS = Metrics(("joint_goal_accuracy", "slot_f1"), official, corrected, by_row)
