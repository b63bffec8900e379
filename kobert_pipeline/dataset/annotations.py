"""Annotations: what may be known of a piece besides its number. The manifest says which of them a store holds."""

from __future__ import annotations

EOJEOL_START, MORPHEME_START, PART_OF_SPEECH = "eojeol_start", "morpheme_start", "part_of_speech"
