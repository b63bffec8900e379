"""What a failure on the way to the Hub means to the person at the keyboard, and whether another attempt may help."""

from __future__ import annotations

import errno
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from kobert_pipeline.ground.errors import KobertError

logger = logging.getLogger(__name__)

WAITS = (1.0, 5.0, 20.0)
"""Seconds before each further attempt. The client itself repeats most requests up to five times within one attempt."""
MOST_WAIT = 300.0
"""Seconds that we wait at most when the Hub asks for it."""
AGAIN = "The Hub keeps what arrived, and nothing is published in part. Run the same command to continue."
TOKENS = "https://huggingface.co/settings/tokens"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    message: str
    wait: float | None = None
    """Seconds before another attempt may help: 0 where the Hub asked for no wait, None where no attempt will help."""


def persistent(
    attempt: Callable[[], Result], repo: str, *, token: str, sleep: Callable[[float], None] | None = None
) -> Result:
    """Runs `attempt`, which must be harmless to repeat, until it succeeds or another attempt will not help.

    Raises KobertError with one line that says what to do. `sleep` takes seconds. No message contains the token.
    """
    for wait in (*WAITS, None):
        try:
            return attempt()
        except KobertError:
            raise
        except Exception as error:
            failure = explain(error, repo)
            if failure is None:
                raise
            message = " ".join(failure.message.replace(token, "(token)").split())
            if wait is None or failure.wait is None or failure.wait > MOST_WAIT:
                raise KobertError(message) from error
            wait = max(wait, failure.wait)
            logger.warning("push: %s Trying again in %.0f s.", message, wait)
            (sleep or time.sleep)(wait)
    raise AssertionError


def explain(error: BaseException, repo: str) -> Failure | None:
    """None for a bug of ours: not a failure of the Hub, of the way to it, or of this machine."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            return _answered(cause, repo)
        if isinstance(cause, httpx2.ConnectError):
            return Failure(f"The Hub cannot be reached ({cause}). Check the network and HF_ENDPOINT. {AGAIN}", 0)
        if isinstance(cause, httpx2.TransportError):
            return Failure(f"The connection to the Hub broke ({cause}). {AGAIN}", 0)
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return Failure(f"The disk is full. Free some space and run the same command. {AGAIN}")
        if isinstance(cause, ValueError) and "README.md" in str(cause):
            return Failure(f"The Hub does not take the card: {cause}. Correct the recipe's `hub` section. {AGAIN}")
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _answered(error: BaseException, repo: str) -> Failure:
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    assert isinstance(error, HfHubHTTPError)
    response = error.response
    code = response.status_code
    answer = response.headers.get("X-Error-Message", "") or error.server_message or ""
    if isinstance(error, RepositoryNotFoundError) and code == 404:
        return Failure(
            f"The Hub shows this token no repository {repo}. Check the name, and the token's rights: {TOKENS}"
        )
    if code == 401:
        return Failure(
            "The Hub does not accept this token (401). Log in again with `hf auth login`, or renew HF_TOKEN."
        )
    if code == 403:
        return Failure(
            f"This token may not write to {repo} (403: {answer}). Use a token with the right to write ({TOKENS}), or a name of your own."
        )
    if code in (409, 412):
        return Failure(
            f"Something else changed {repo} at the same time ({code}: {answer}). Look at the repository. {AGAIN}", 0
        )
    if code == 429:
        asked = _seconds(response.headers.get("Retry-After", ""))
        return Failure(f"The Hub asks to slow down (429); come back in {asked:.0f} seconds. {AGAIN}", asked)
    if code >= 500 or code == 408:
        return Failure(f"The Hub has a problem ({code}: {answer}). Try later. {AGAIN}", 0)
    return Failure(f"The Hub refused ({code}: {answer or error}). {AGAIN}")


def _seconds(retry_after: str) -> float:
    """A header that holds a date instead of seconds counts as a minute."""
    return float(retry_after) if re.fullmatch(r"\d+", retry_after) else 60.0
