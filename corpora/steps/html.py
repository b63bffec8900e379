"""Step `html`: tags, comments and scripts that a source left in its text."""

from __future__ import annotations

from corpora.markup.html_residue import strip_html as html

__all__ = ["SIGNS", "html"]

SIGNS = ("<",)
