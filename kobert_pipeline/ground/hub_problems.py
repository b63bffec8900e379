"""What a failure on the way to the Hub, up or down, means to the person at the keyboard."""

from __future__ import annotations

import errno
import json
import re
import textwrap
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    import httpx2

TOKENS = "https://huggingface.co/settings/tokens"
UNKNOWN_WAIT = 60.0
"""Seconds to wait when the Hub asks to slow down and does not say for how long."""
WEB_PAGE = (
    "A web page came back instead of the Hub's answer. A network that asks to log in, a proxy, or a wrong HF_ENDPOINT does this: "
    "open https://huggingface.co in a browser, and check HF_ENDPOINT."
)
_RIGHTS = re.compile(
    r"\b(?:rights?|permissions?|token|scopes?|credentials?|authori[sz]\w+|forbidden|namespace)\b", re.I
)
_NOT_RIGHTS = re.compile(r"quota|storage|limit|plan|billing|payment|disabled|blocked|suspended|expired", re.I)
_LIBRARIES = re.compile(r"[\\/](?:huggingface_hub|httpx2?|httpcore2?|hf_xet|datasets|fsspec)[\\/]")
_LFS_ERROR = "LFS batch API returned errors:"


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong, in one line."""

    text: str
    wait: float | None = None
    """Seconds before another attempt may help: 0 where the Hub asked for no wait, None where no attempt will help."""
    is_unreachable: bool = False
    """Nothing answered at the address. A second attempt helps only if something answered there before."""


def explain(error: BaseException, repo: str, *, writes: bool = False) -> Problem | None:
    """None for a bug of ours: not a failure of the Hub, of its client, of the way to it, or of this machine."""
    for cause in causes(error):
        if problem := _known(cause, repo, writes):
            return problem
    return _not_understood(error)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def one_line(text: str, length: int = 300) -> str:
    """The text without line breaks, without characters that a terminal obeys, and not longer than `length`."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return textwrap.shorten(printable, length, placeholder=" …")


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the Hub asks to wait: `Retry-After` (seconds or a date), or `t` of `RateLimit` (IETF draft 9)."""
    after, limit = headers.get("retry-after", "").strip(), headers.get("ratelimit", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", after):
        return float(after)
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
        except ValueError:
            return UNKNOWN_WAIT
    found = re.search(r"\bt\s*=\s*(\d+)", limit) or re.fullmatch(r"(\d+)", headers.get("ratelimit-reset", "").strip())
    return float(found[1]) if found else None


# --- one cause -------------------------------------------------------------------------------------------------------


def _known(cause: BaseException, repo: str, writes: bool) -> Problem | None:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    if isinstance(cause, KobertError):
        return Problem(str(cause))
    if isinstance(cause, HfHubHTTPError | httpx2.HTTPStatusError):
        return _answered(cause, repo, writes)
    if isinstance(cause, OfflineModeIsEnabled):
        return Problem(say("HF_HUB_OFFLINE is set, so nothing is asked of the Hub. Unset it to go online."))
    if isinstance(cause, httpx2.HTTPError | httpx2.InvalidURL):
        return _on_the_way(cause)
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Problem(say("The disk is full. Free some space and run the same command."))
    if isinstance(cause, ConnectionError | TimeoutError):
        return Problem(
            say("The connection to the Hub broke ({said}).", said=one_line(str(cause)) or type(cause).__name__), 0
        )
    if isinstance(cause, UnicodeEncodeError):
        return Problem(say("The Hub token has characters that no token has. Copy it again: {tokens}", tokens=TOKENS))
    if isinstance(cause, HFValidationError):
        return Problem(one_line(str(cause)))
    if isinstance(cause, ValueError) and "README.md" in str(cause):
        return Problem(
            say(
                "The Hub does not take the card: {cause}. Correct the recipe's `hub` section.",
                cause=one_line(str(cause)),
            )
        )
    if isinstance(cause, ValueError) and str(cause).startswith(_LFS_ERROR):
        return Problem(say("The Hub refused a file: {said}.", said=one_line(str(cause).removeprefix(_LFS_ERROR))))
    return None


def _on_the_way(cause: BaseException) -> Problem:
    """A request that got no answer, or half of one. No message quotes a header: it could hold the token."""
    import httpx2

    said = one_line(str(cause)) or type(cause).__name__
    if isinstance(cause, httpx2.LocalProtocolError):
        return Problem(
            say("The request cannot be written. A damaged token or proxy setting does this: {tokens}", tokens=TOKENS)
        )
    if isinstance(cause, httpx2.ProxyError):
        return Problem(say("The proxy refuses ({said}). Check HTTPS_PROXY.", said=said), is_unreachable=True)
    if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return Problem(say("The Hub has no address that can be used ({said}). Check HF_ENDPOINT.", said=said))
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
        hint = say(" Name your network's certificates in SSL_CERT_FILE.") if "certificate" in said.lower() else ""
        return Problem(
            say(
                "The Hub cannot be reached ({said}). Check the network, the proxy and HF_ENDPOINT.{hint}",
                said=said,
                hint=hint,
            ),
            0,
            True,
        )
    if isinstance(cause, httpx2.TimeoutException):
        return Problem(say("The Hub does not answer in time ({said}). Try later.", said=said), is_unreachable=True)
    if isinstance(cause, httpx2.TooManyRedirects):
        return Problem(say("The Hub's address leads in a circle ({said}). Check HF_ENDPOINT and the proxy.", said=said))
    return Problem(say("The connection to the Hub broke ({said}).", said=said), 0)


def _not_understood(error: BaseException) -> Problem | None:
    """An answer that is not what the Hub's client expects: empty, cut, of another type."""
    for cause in causes(error):
        if isinstance(cause, json.JSONDecodeError):
            text = cause.doc.strip()
            if text.startswith("<"):
                return Problem(say(WEB_PAGE))
            what = say("is not the JSON it should be") if text else say("is empty")
            return Problem(say("The Hub's answer {what}. Try later; check HF_ENDPOINT and the proxy.", what=what))
        frames = traceback.extract_tb(cause.__traceback__)
        if isinstance(cause, Exception) and any(_LIBRARIES.search(frame.filename) for frame in frames):
            said = one_line(f"{type(cause).__name__}: {cause}")
            return Problem(
                say(
                    "The Hub's answer is not what its client expects ({said}). Try later; check HF_ENDPOINT.", said=said
                )
            )
    return None


# --- a status code that is not success -------------------------------------------------------------------------------


def _answered(error: BaseException, repo: str, writes: bool) -> Problem:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    assert isinstance(error, HfHubHTTPError) or hasattr(error, "response")
    response: httpx2.Response = error.response
    code = response.status_code
    said = reason(response, getattr(error, "server_message", None) or "")
    stored = writes and "authorization" not in response.request.headers
    if isinstance(error, GatedRepoError):
        return Problem(
            say(
                "{repo} is gated. Ask for access at https://huggingface.co/{repo}, and log in: `hf auth login`.",
                repo=repo,
            )
        )
    if isinstance(error, RepositoryNotFoundError):
        return _not_shown(repo, code, writes)
    if isinstance(error, RevisionNotFoundError):
        return Problem(
            say("{repo} has no such branch, tag or commit ({said}). Look at the repository.", repo=repo, said=said), 0
        )
    if code == 401:
        return Problem(
            say("The Hub does not accept this token (401). Log in again with `hf auth login`, or renew HF_TOKEN.")
        )
    if stored and 400 <= code < 500 and code not in (408, 429):
        return Problem(
            say(
                "The storage refused the upload ({code}: {said}). A new upload address is asked for.",
                code=code,
                said=said,
            ),
            0,
        )
    if code == 403:
        return _denied(repo, said, writes)
    return _other_code(code, said, repo, response.headers)


def _not_shown(repo: str, code: int, writes: bool) -> Problem:
    """A repository that somebody else makes at this moment is missing for a few seconds."""
    if code == 401 and not writes:
        return Problem(
            say(
                "The Hub shows no repository {repo} without a token. Check the name, or log in: `hf auth login`.",
                repo=repo,
            )
        )
    if code == 401:
        return Problem(
            say("The Hub does not accept this token (401). Log in again with `hf auth login`, or renew HF_TOKEN.")
        )
    return Problem(
        say(
            "The Hub shows this token no repository {repo}. Check the name, and the token's rights: {tokens}",
            repo=repo,
            tokens=TOKENS,
        ),
        0,
    )


def _denied(repo: str, said: str, writes: bool) -> Problem:
    do = say("write to") if writes else say("read")
    if said and (_NOT_RIGHTS.search(said) or not _RIGHTS.search(said)):
        return Problem(say("The Hub refuses to {do} {repo} (403: {said}).", do=do, repo=repo, said=said))
    return Problem(
        say(
            "This token may not {do} {repo} (403: {said}). Use a token with the right to {right} ({tokens}), or a name of your own.",
            do=do,
            repo=repo,
            said=said or say("no reason given"),
            right=do.split()[0],
            tokens=TOKENS,
        )
    )


def _other_code(code: int, said: str, repo: str, headers: Mapping[str, str]) -> Problem:
    said = said or say("no reason given")
    if code in (409, 412):
        return Problem(
            say(
                "Something else changed {repo} at the same time ({code}: {said}). Look at the repository.",
                repo=repo,
                code=code,
                said=said,
            ),
            0,
        )
    if code == 429:
        asked = asked_wait(headers)
        seconds = UNKNOWN_WAIT if asked is None else asked
        return Problem(
            say("The Hub asks to slow down (429); come back in {seconds:.0f} seconds.", seconds=seconds), seconds
        )
    if code == 407:
        return Problem(say("The proxy asks for a name and a password (407: {said}). Check HTTPS_PROXY.", said=said))
    if code == 511:
        return Problem(say(WEB_PAGE))
    if code >= 500 or code == 408:
        return Problem(say("The Hub has a problem ({code}: {said}). Try later.", code=code, said=said), 0)
    return Problem(say("The Hub refused ({code}: {said}).", code=code, said=said))


def reason(response: httpx2.Response, known: str = "") -> str:
    """The server's own words, from its header, its JSON, its XML or the title of its web page; empty if it gives none."""
    import httpx2

    text = response.headers.get("X-Error-Message", "") or known
    if not text:
        try:
            text = response.text
        except (httpx2.StreamError, UnicodeDecodeError):
            return ""
    inner = re.search(r"<(?:Message|title)>(.*?)</", text, re.S | re.I)
    return one_line(inner[1] if inner else re.sub(r"<[^>]*>", " ", text)).rstrip(".")
