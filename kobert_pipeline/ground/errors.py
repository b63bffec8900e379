"""Errors for the user. The command line prints them without a traceback; any other exception is a bug of ours."""

from __future__ import annotations

from kobert_pipeline.ground.messages import in_both, say


class KobertError(Exception):
    """A mistake or a mishap that the user can correct. The message says what is wrong, which value, and what to do.

    `values` fill the `{placeholders}` of the message, in the language of the user.
    """

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(say(message, **values))
        self.in_both = in_both(message, **values)
        """In English and in Korean, for pages, which hold both languages."""


class RecipeError(KobertError):
    """A recipe that cannot be used: an unknown key, a wrong type, a value that contradicts another."""


class InputError(KobertError):
    """Input data that is missing, is empty, or does not have the format that it should have."""


class ArtifactMismatch(KobertError):
    """An artifact that was made from other inputs than the recipe names, or was changed since."""


class TrainingFailed(KobertError):
    """Training that cannot go on: a loss or a gradient is not a number."""


class Terminated(KobertError):
    """The system asked the run to end (SIGTERM). Finished work is kept."""


class Interrupted(Terminated):
    """The user asked the run to end (Ctrl-C). Finished work is kept."""


class WrongValue(ValueError):
    """A value that cannot be used. Whoever knows where it stands, in a recipe or a file, adds the place."""

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(say(message, **values))
