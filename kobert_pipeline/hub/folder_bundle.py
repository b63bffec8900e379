"""What is published of a folder that is a model by itself, such as one that was fine-tuned on a task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import file_sha256
from kobert_pipeline.ground.fingerprints import fingerprint_of
from kobert_pipeline.hub.bundle import Bundle, publishable_files
from kobert_pipeline.hub.licences import UNKNOWN
from kobert_pipeline.hub.publishable import CARD

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)


def folder_bundle(folder: Path) -> Bundle:
    """Its files of a model, with its card. Raises InputError for a folder without a card or without safetensors."""
    names, not_sent = publishable_files(folder, "model")
    if CARD not in names or not any(name.endswith(".safetensors") for name in names):
        raise InputError(
            "{folder}: a model to publish has a card ({card}) and safetensors. `kobert eval MODEL --export TASK` writes both.",
            folder=folder,
            card=CARD,
        )
    card = (folder / CARD).read_text(encoding="utf-8")
    return Bundle(
        kind="model",
        recipe=folder.resolve().name,
        fingerprint=fingerprint_of({name: file_sha256(folder / name) for name in names}),
        license=_license(card, folder),
        sources={},
        files={name: folder / name for name in names} | {CARD: card},
        not_sent=not_sent,
        export=folder,
    )


def _license(card: str, folder: Path) -> str:
    """What the card's front matter names."""
    found = _FRONT_MATTER.match(card)
    try:
        front: Any = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            "{card}: the head of the card is not YAML: {error}", card=folder / CARD, error=reason
        ) from None
    return str(front.get("license", UNKNOWN)) if isinstance(front, dict) else UNKNOWN
