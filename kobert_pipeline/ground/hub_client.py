"""Calls of the Hub's client: settings are checked first, no call waits without end, every failure is one line."""

from __future__ import annotations

import functools
import os
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.hub_problems import TOKENS, UNKNOWN_WAIT, WEB_PAGE, asked_wait, explain
from kobert_pipeline.ground.messages import say

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""How long the client waits for a byte. The Hub's own gateway gives up after this time."""
MOST_WAIT = 300.0
"""Seconds that we wait at most when the Hub asks for it."""
_PROXIES = ("http", "https", "socks5", "socks5h")
_BUSY = "another conflicting operation is in progress"

Result = TypeVar("Result")


def download(call: Callable[[], Result], name: str, repo: str, hint: str, *, unreachable: str = "") -> Result:
    """Runs a call that reads from the Hub. Raises InputError: `name`, what went wrong, and `hint`, in one line. `unreachable` is
    added if nothing answered.

    An exception that is neither of the Hub, its client nor the network is a bug, and goes through.
    """
    try:
        prepare_client(offline=True)
        return call()
    except Exception as error:
        problem = explain(error, repo)
        if problem is None:
            raise
        also = unreachable if problem.is_unreachable else ""
        text = f"{without_token(problem.text)} {hint}{also}".strip()
        raise InputError("{name}: {text}", name=name, text=text) from None


def prepare_client(*, offline: bool = False) -> None:
    """Checks what the client is told by the environment, and gives it time limits. Raises KobertError.

    `offline`: a cached copy may do, so HF_HUB_OFFLINE is allowed.
    """
    from huggingface_hub import constants

    if constants.is_offline_mode() and not offline:
        raise KobertError("HF_HUB_OFFLINE is set, so nothing can be sent. Unset it and run the same command.")
    _check_endpoint(constants.ENDPOINT)
    for kind, address in urllib.request.getproxies().items():
        if kind in ("http", "https", "all"):
            _check_proxy(kind, address)
    _limit_client()


@functools.cache
def _limit_client() -> None:
    """Once: it closes the client that other threads may use."""
    from huggingface_hub import set_client_factory

    set_client_factory(_client)


def check_token(token: str) -> None:
    """Raises KobertError, which does not show it, for a text that cannot be a token."""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise KobertError(
            "The Hub token (HF_TOKEN, or the file of `hf auth login`) has characters that no token has. Copy it again: {tokens}",
            tokens=TOKENS,
        )


def without_token(text: str, token: str | None = None) -> str:
    """The text without the token that the client uses, in case a server repeats it."""
    for secret in (token, os.environ.get("HF_TOKEN", "").strip()):
        text = text.replace(secret, "(token)") if secret else text
    return text


def _check_endpoint(endpoint: str) -> None:
    if not _is_address(endpoint, ("http", "https")):
        raise KobertError(
            "HF_ENDPOINT {endpoint}: not an address. It begins with https:// and names a host.",
            endpoint=_shown(endpoint),
        )


def _check_proxy(kind: str, address: str) -> None:
    full = address if "://" in address else f"http://{address}"
    if not _is_address(full, _PROXIES):
        raise KobertError(
            "{scheme}_PROXY {address}: not an address of a proxy. It begins with {proxies} and names a host.",
            scheme=kind.upper(),
            address=_shown(address),
            proxies=", ".join(f"{scheme}://" for scheme in _PROXIES),
        )
    if full.startswith("socks"):
        try:
            import socksio  # type: ignore[import-not-found]  # noqa: F401  # optional
        except ImportError:
            raise KobertError(
                "{scheme}_PROXY {address}: a SOCKS proxy needs another package: pip install socksio",
                scheme=kind.upper(),
                address=_shown(address),
            ) from None


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _shown(address: str) -> str:
    """Without the name and the password that it may contain."""
    before, _, after = address.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if before else address


def _client() -> httpx2.Client:
    import httpx2
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    limits = client.timeout.as_dict()

    def limit(request: httpx2.Request) -> None:
        """Some calls of the Hub's client ask for no limit at all."""
        given: dict[str, Any] = request.extensions.get("timeout", {})
        request.extensions["timeout"] = limits | {name: value for name, value in given.items() if value is not None}

    hooks: dict[str, list[Any]] = client.event_hooks
    client.event_hooks = hooks | {
        "request": [*hooks.get("request", []), limit],
        "response": [*hooks.get("response", []), _check_answer],
    }
    return client


def _check_answer(response: httpx2.Response) -> None:
    """Ends what the Hub's client would take for success, or would repeat for hours.

    Raises KobertError for a web page and for a wait that is too long, and an HTTP error for a repository that is being made.
    """
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]  # public, not re-exported for mypy

    kind = response.headers.get("content-type", "").lower()
    if response.status_code == 200 and "html" in kind and "/resolve/" not in response.url.path:
        raise KobertError(say(WEB_PAGE))
    if response.status_code == 429:
        asked = asked_wait(response.headers)
        if (UNKNOWN_WAIT if asked is None else asked) > MOST_WAIT:
            hf_raise_for_status(response)
    if response.status_code == 409:
        response.read()
        if _BUSY in response.text:
            hf_raise_for_status(response)
