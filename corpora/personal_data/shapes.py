"""What a rule is, and the pieces of patterns that several kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from corpora.personal_data.candidate import Candidate

FREE = r"(?<![0-9])(?<![0-9]-)(?<!0\.)"
"""Begins a number: no digit before it, and none joined to it. `3.` may count the lines of a list, `0.` may not."""
ENDS = r"(?![0-9])(?![-.][0-9])"
"""Ends a number: no digit after it, and none joined to it by a hyphen or a dot."""
JOIN = r"(?:[ \n]?[-./_·~:)][ \n]?| )"
"""Joins two groups of digits of one number. A line may break next to a mark, not instead of it."""
HIDDEN = r"[*xXoO●○◯■□▢☆★#◆◇▲△▣◎×✕✖?_ㅇㅁ·…ⅩΟ※♥♡@]"
"""Stands for a digit that is not shown."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The shape of a kind, and the check that a candidate of this shape must pass."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[Candidate], bool]
    anchor: re.Pattern[str] | None = None
    """The rule is applied around the places where this occurs. None: it is applied to runs of digits."""
    reach: tuple[int, int] = (0, 0)
    """Characters before and after the anchor in which a candidate lies."""
    signs: tuple[str, ...] = ("",)
    """Without one of these the anchor does not occur. They are looked for first, which takes almost no time."""


def rule(
    kind: str,
    pattern: str,
    check: Callable[[Candidate], bool],
    anchor: str | None = None,
    reach: tuple[int, int] = (0, 0),
    signs: tuple[str, ...] = ("",),
) -> Rule:
    """Compiles a rule."""
    return Rule(kind, re.compile(pattern), check, re.compile(anchor) if anchor else None, reach, signs)
