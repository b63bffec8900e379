"""Step `wiki`: wikitext that a parser left in its text."""

from __future__ import annotations

from corpora.markup.wiki_residue import strip_wiki as wiki

__all__ = ["SIGNS", "wiki"]

SIGNS = ("[[", "]]", "{{", "'''", "==", "://", "__", "formula_", "codice_", "편집]")
