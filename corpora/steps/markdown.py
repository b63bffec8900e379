"""Step `markdown`: Markdown in a text, and links of reStructuredText."""

from __future__ import annotations

from corpora.markup.markdown_residue import strip_markdown as markdown

__all__ = ["SIGNS", "markdown"]

SIGNS = ("](", "`", ">`_", "# ", "---\n")
