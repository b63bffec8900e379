"""What we say to the person at the keyboard. The CLI prints these without a traceback; anything else is a bug of ours."""

from __future__ import annotations


class KobertError(Exception):
    """A mistake or a mishap that the user can mend. The message says what, which value, and what to do."""


class RecipeError(KobertError):
    """A recipe that cannot be read: unknown key, wrong type, a value that contradicts another."""


class InputError(KobertError):
    """Input data that is missing, empty or not what its format says."""


class ArtifactMismatch(KobertError):
    """An artifact that was made from something else than what the recipe names, or was edited since."""


class TrainingFailed(KobertError):
    """Training that cannot go on: a loss or a gradient that is no number."""


class Terminated(KobertError):
    """The system asked the run to end (SIGTERM). What was done is kept."""
