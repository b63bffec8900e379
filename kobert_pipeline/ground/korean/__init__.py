"""The Korean sentences of the command line, by their English ones. Written by hand; a test compares them with the code."""

from __future__ import annotations

from kobert_pipeline.ground.korean.artifact_errors import OF_ARTIFACTS
from kobert_pipeline.ground.korean.command_screens import COMMAND_SCREENS
from kobert_pipeline.ground.korean.data_errors import OF_DATA
from kobert_pipeline.ground.korean.error_texts import ERRORS
from kobert_pipeline.ground.korean.help_texts import HELP
from kobert_pipeline.ground.korean.hub_errors import HUB
from kobert_pipeline.ground.korean.inside_screens import INSIDE
from kobert_pipeline.ground.korean.log_lines import LOG_LINES
from kobert_pipeline.ground.korean.model_errors import OF_MODELS
from kobert_pipeline.ground.korean.screens import SCREENS
from kobert_pipeline.ground.korean.setting_errors import SETTINGS

TABLES = (HELP, SCREENS, COMMAND_SCREENS, LOG_LINES, ERRORS, SETTINGS, OF_MODELS, OF_DATA, OF_ARTIFACTS, HUB, INSIDE)

KOREAN: dict[str, str] = {english: korean for table in TABLES for english, korean in table.items()}
"""English sentence -> Korean sentence, with the same placeholders."""
