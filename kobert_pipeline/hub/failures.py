"""What a failure on the way to the Hub means to the person at the keyboard, and whether it may pass."""

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
"""Seconds that the Hub may ask us to wait; beyond, people rather come back."""
AGAIN = "What arrived is kept and nothing was published by half; the same command goes on from there."
TOKENS = "https://huggingface.co/settings/tokens"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    message: str
    wait: float | None = None
    """Seconds before another attempt may help, 0 where nobody asked for more; None: it will not pass by itself."""


def persistent(
    attempt: Callable[[], Result], repo: str, *, token: str, sleep: Callable[[float], None] | None = None
) -> Result:
    """Runs `attempt`, which must be harmless to repeat, until it succeeds or the failure is not one that passes.

    Raises KobertError with one line that says what to do. `sleep` takes seconds. The token never stands in a message.
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
    """None for what is no failure of the Hub, the way to it, or this machine: a bug of ours."""
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
    """The error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _answered(error: BaseException, repo: str) -> Failure:
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    assert isinstance(error, HfHubHTTPError)
    response = error.response
    code = response.status_code
    said = response.headers.get("X-Error-Message", "") or error.server_message or ""
    if isinstance(error, RepositoryNotFoundError) and code == 404:
        return Failure(
            f"The Hub shows this token no repository {repo}. Check the name, and the token's rights: {TOKENS}"
        )
    if code == 401:
        return Failure("The Hub does not know this token (401). Log in again with `hf auth login`, or renew HF_TOKEN.")
    if code == 403:
        return Failure(
            f"This token may not write to {repo} (403: {said}). Take a token with the right to write ({TOKENS}), or a name of your own."
        )
    if code in (409, 412):
        return Failure(f"Something else changed {repo} at the same time ({code}: {said}). Look at it. {AGAIN}", 0)
    if code == 429:
        asked = _seconds(response.headers.get("Retry-After", ""))
        return Failure(f"The Hub asks to slow down (429); come back in {asked:.0f} seconds. {AGAIN}", asked)
    if code >= 500 or code == 408:
        return Failure(f"The Hub has trouble of its own ({code}: {said}). Try later. {AGAIN}", 0)
    return Failure(f"The Hub refused ({code}: {said or error}). {AGAIN}")


def _seconds(retry_after: str) -> float:
    """The header's other form, a date, is as good as a minute."""
    return float(retry_after) if re.fullmatch(r"\d+", retry_after) else 60.0
