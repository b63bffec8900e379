"""Annotations: what the store holds of a token or a sentence besides the token ids. The manifest lists those of
tokens."""

from __future__ import annotations

EOJEOL_START, MORPHEME_START, PART_OF_SPEECH = "eojeol_start", "morpheme_start", "part_of_speech"
"""Aligned to tokens."""
PARAGRAPH_END = "paragraph_end"
"""Aligned to sentences; every store holds it. The last sentence of a document always ends a paragraph."""
