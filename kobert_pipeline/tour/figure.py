"""The example of the tour as a picture: its tokens by segment, what is masked, and what is predicted. Pure."""

from __future__ import annotations

from markupsafe import escape
from rich.cells import cell_len

from kobert_pipeline.tour.follow import Example

WIDTH, MARGIN, CELL, HEIGHT, GAP, LINE = 760, 20, 7.6, 26, 6, 62
COLOURS = {"A": "#d9e6fb", "B": "#e5dcf8", "special": "#e3e5e8", "masked": "#f8d3d3"}
FONT = "font-family=\"Pretendard, 'Noto Sans KR', 'Noto Sans CJK KR', 'Malgun Gothic', sans-serif\""
WORDS = (("A", "segment A"), ("B", "segment B"), ("special", "special token"), ("masked", "selected: the loss is here"))


def drawn(example: Example) -> str:
    """An SVG. A box holds what the model reads; under a selected token is what it has to predict."""
    left, top, parts = float(MARGIN), 64.0, [*_key()]
    for place, token in enumerate(example.shown):
        width = CELL * max(cell_len(token), cell_len(_target(example, place))) + 14
        if left + width > WIDTH - MARGIN:
            left, top = float(MARGIN), top + LINE
        parts += _box(left, top, width, token, _kind(example, place), _target(example, place))
        left += width + GAP
    height = top + LINE
    words = (
        "next_sentence_label 0: B follows A" if example.is_next else "next_sentence_label 1: B is from another document"
    )
    parts.append(_text(MARGIN, height, words, "#454c58"))
    shape = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 18:g}" role="img" aria-label="An example with two segments and masks"'
    background = f'<rect width="{WIDTH}" height="{height + 18:g}" fill="#ffffff"/>'
    return f'<svg {shape} {FONT} font-size="13">{background}{"".join(parts)}</svg>\n'


def _key() -> list[str]:
    parts, left = [], float(MARGIN)
    for kind, words in WORDS:
        parts.append(f'<rect x="{left:g}" y="16" width="14" height="14" rx="3" fill="{COLOURS[kind]}"/>')
        parts.append(_text(left + 20, 28, words, "#454c58"))
        left += 20 + 7 * len(words) + 24
    return parts


def _kind(example: Example, place: int) -> str:
    if example.labels[place] >= 0:
        return "masked"
    return "special" if example.tokens[place] in ("[CLS]", "[SEP]") else "AB"[example.segments[place]]


def _target(example: Example, place: int) -> str:
    return example.tokens[place] if example.labels[place] >= 0 else ""


def _box(left: float, top: float, width: float, token: str, kind: str, target: str) -> list[str]:
    middle = left + width / 2
    box = f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{HEIGHT}" rx="5" fill="{COLOURS[kind]}"/>'
    parts = [box, _text(middle, top + 18, token, "#1a1e26", "middle")]
    return [*parts, _text(middle, top + HEIGHT + 18, target, "#a11b1b", "middle")] if target else parts


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
