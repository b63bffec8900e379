"""What a published text must not contain: secrets and folders of this machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from kobert_pipeline.ground.messages import say

SECRETS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "a Hugging Face token": re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}"),
        "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        "a GitHub token": re.compile(r"\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{40,})"),
        "a Google API key": re.compile(r"\bAIza[\w-]{35}"),
        "a Slack token": re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
        "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{32,}"),
        "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@]+@"),
    }
)
"""Kind of secret -> its form, as its issuer documents it."""


def leaks(text: str, *, places: Iterable[str], secrets: Iterable[str] = ()) -> list[str]:
    """What the text gives away: kinds of secrets (never the secret itself) and local folders.

    `places`: folders of this machine; `secrets`: texts that are known to be secret.
    """
    found = [what for what, pattern in SECRETS.items() if pattern.search(text)]
    if any(secret in text for secret in secrets):
        found.append(say("your Hub token"))
    return found + [say("the local folder {place}", place=place) for place in places if _names(text, place)]


def _names(text: str, place: str) -> bool:
    """Finds `/home/me` in `/home/me/texts` and at the end of a line, but not in `/home/melanie`."""
    return re.search(rf"{re.escape(place.rstrip('/'))}(?![\w-])", text) is not None
