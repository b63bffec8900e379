"""The Korean sentences of the command line, by their English ones. Written by hand; a test compares them with the code."""

from __future__ import annotations

from kobert_pipeline.ground.korean.error_texts import ERRORS
from kobert_pipeline.ground.korean.help_texts import HELP
from kobert_pipeline.ground.korean.log_lines import LOG_LINES
from kobert_pipeline.ground.korean.screens import SCREENS

TABLES = (HELP, SCREENS, LOG_LINES, ERRORS)

KOREAN: dict[str, str] = {english: korean for table in TABLES for english, korean in table.items()}
"""English sentence -> Korean sentence, with the same placeholders."""
