"""Attempts to publish: another one where it may help, and one line that says what to do where it will not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.hub_client import MOST_WAIT, without_token
from kobert_pipeline.ground.hub_problems import explain, one_line
from kobert_pipeline.ground.messages import say

logger = logging.getLogger(__name__)

WAITS = (1.0, 5.0, 20.0)
"""Seconds before each further attempt. The client itself repeats most requests up to five times within one attempt."""
AGAIN = "The Hub keeps what arrived, and nothing is published in part. Run the same command to continue."

Result = TypeVar("Result")


def persistent(
    attempt: Callable[[], Result],
    repo: str,
    *,
    token: str,
    sleep: Callable[[float], None] | None = None,
    is_first: bool = False,
) -> Result:
    """Runs `attempt`, which must be harmless to repeat, until it succeeds or another attempt will not help.

    Raises KobertError with one line that says what to do. `sleep` takes seconds. `is_first`: nothing has answered at the Hub's
    address so far, so that one that cannot be reached is not tried again. No message contains the token.
    """
    for wait in (*WAITS, None):
        try:
            return attempt()
        except KobertError:
            raise
        except Exception as error:
            problem = explain(error, repo, writes=True)
            if problem is None:
                raise
            message = one_line(without_token(problem.text, token), 1_000)
            hopeless = problem.wait is None or problem.wait > MOST_WAIT or (is_first and problem.is_unreachable)
            if wait is None or problem.wait is None or hopeless:
                raise KobertError("{message} {advice}", message=message, advice=say(AGAIN)) from error
            wait = max(wait, problem.wait)
            logger.warning("push: %s Trying again in %.0f s.", message, wait)
            (sleep or time.sleep)(wait)
    raise AssertionError
