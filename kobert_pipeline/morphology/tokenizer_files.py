"""The files of a tokenizer next to a model, and what they say about reading Korean.

transformers lower-cases by default and removes accents with it. That cuts every Hangul syllable to jamo, and nearly every
word becomes [UNK]. A folder that says nothing about it is therefore read as cased.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

PATTERNS = (
    "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges*", "*.model", "*.vocab",
    "*.tiktoken", "*codes*", "dict.txt", "*vocab.json", "word_shape.json", "word_pronunciation.json", "emoji.json",
    "normalizer.json",
)  # fmt: skip
"""All that a tokenizer class of transformers reads, except chat templates, which no encoder uses."""
CONFIG = "tokenizer_config.json"
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""They say how to read a vocabulary, and hold none."""


def tokenizer_files(folder: Path) -> list[Path]:
    """Everything that decides how a folder's tokenizer reads, by name."""
    return sorted({path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()})


def has_vocabulary(folder: Path) -> bool:
    return any(path.name not in _SETTINGS for path in tokenizer_files(folder))


def read_part(name: str | Path, file: str) -> dict[str, Any]:
    """A JSON file of a folder or Hub id; empty if it is not there or not an object. What loads the tokenizer reports a
    damaged one."""
    path: Path | None = Path(name) / file
    if not Path(name).is_dir():
        path = _cached(str(name), file)
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _cached(repository: str, file: str) -> Path | None:
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(
            repository,
            file,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except (OSError, ValueError):
        return None
    return None if found is None else Path(found)


def tokenizer_class(name: str | Path) -> Any:
    """The class that transformers takes for a folder or Hub id; None if it has none."""
    from transformers.models.auto import tokenization_auto as auto

    config = read_part(name, "config.json")
    stated = read_part(name, CONFIG).get("tokenizer_class") or config.get("tokenizer_class")
    registered = auto.TOKENIZER_MAPPING_NAMES.get(config.get("model_type"))
    return auto.tokenizer_class_from_name(stated or registered) if stated or registered else None


def rebuilds(kind: Any) -> bool:
    """Whether a tokenizer class makes its own normaliser, as BERT's does, and ignores that of tokenizer.json."""
    return kind is not None and {"do_lower_case", "strip_accents"} <= set(inspect.signature(kind.__init__).parameters)


def reading(name: str | Path) -> dict[str, Any]:
    """`do_lower_case` and `strip_accents` of a WordPiece tokenizer in a folder, or of a Hub id.

    tokenizer_config.json decides, then tokenizer.json. Without either, text is read as cased and keeps its accents.
    """
    config = read_part(name, CONFIG)
    if "do_lower_case" in config:
        return {"do_lower_case": bool(config["do_lower_case"]), "strip_accents": config.get("strip_accents")}
    written = read_part(name, "tokenizer.json")
    bert = next((part for part in _parts(written.get("normalizer")) if part.get("type") == "BertNormalizer"), None)
    if bert is not None:
        return {"do_lower_case": bert["lowercase"], "strip_accents": bert["strip_accents"]}
    if Path(name).is_dir() and in_jamo(_lines(Path(name) / "vocab.txt")):
        return {"do_lower_case": True, "strip_accents": None}
    return {"do_lower_case": False, "strip_accents": bool(config.get("strip_accents"))}


def _parts(normalizer: Any) -> list[dict[str, Any]]:
    if not isinstance(normalizer, dict):
        return []
    return [part for inner in normalizer.get("normalizers", []) for part in _parts(inner)] or [normalizer]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def in_jamo(pieces: Any) -> bool:
    """Whether a vocabulary spells Korean in jamo (multilingual uncased BERT does), not in syllables."""
    characters = {character for piece in pieces for character in piece}
    jamo = any("\u1100" <= character <= "\u11ff" for character in characters)
    return jamo and not any("가" <= character <= "힣" for character in characters)


def sentencepiece_model(folder: Path) -> Path | None:
    """The SentencePiece model that a folder's tokenizer is read from; None if it is read from another file."""
    found = sorted(path for path in folder.glob("*.model") if path.name != "tiktoken.model")
    if not found or (folder / "tokenizer.json").is_file() or (folder / "vocab.json").is_file():
        return None
    if any(line.startswith("##") for line in _lines(folder / "vocab.txt")):
        return None
    return found[0]
