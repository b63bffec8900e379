"""What `kobert generate --toward FILE` steers toward: the words of a text file, or a label of a table of texts and labels."""

from __future__ import annotations

import csv
import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.messages import say
from kobert_pipeline.uses.steering import Attribute, BagOfWords, Label

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

TABLES = {".csv": ",", ".tsv": "\t"}
MOST_TEXTS = 2_000
"""Texts of a table from which the classifier learns, evenly spaced."""
MOST_TOKENS = 128


def attribute_of(file: str, label: str | None, tokenizer: Any, network: Any) -> Attribute:
    """A file with a word a line is a bag of words; a CSV or TSV with the columns `text` and `label` teaches a classifier.

    Raises InputError for a file that cannot be read or is neither, and for a label that does not occur.
    """
    path = Path(file)
    if path.suffix.lower() in TABLES:
        return _label(path, label, tokenizer, network)
    if label is not None:
        raise InputError(
            "--label {label} is for a CSV or TSV with the columns text and label; {file} is a list of words.",
            label=label,
            file=file,
        )
    words = [unicodedata.normalize("NFC", line.strip()) for line in _read(path).splitlines() if line.strip()]
    if not words:
        raise InputError("{file}: no words. Write one word a line.", file=file)
    return bag_of_words(words, tokenizer)


def bag_of_words(words: Sequence[str], tokenizer: Any) -> BagOfWords:
    """Each word as it is written after a space."""
    encoded = (tuple(tokenizer(f" {word}", add_special_tokens=False)["input_ids"]) for word in dict.fromkeys(words))
    return BagOfWords(tuple(dict.fromkeys(tokens for tokens in encoded if tokens)))


def _label(path: Path, label: str | None, tokenizer: Any, network: Any) -> Label:
    rows = _rows(path)
    labels = sorted({row[1] for row in rows})
    if label not in labels:
        asked = (
            say("name the label to steer toward with --label")
            if label is None
            else say("no label {label!r}", label=label)
        )
        raise InputError("{path}: {asked}; it has {labels}.", path=path, asked=asked, labels=", ".join(labels[:20]))
    if len(labels) < 2:
        raise InputError(
            "{path}: every text has the label {label!r}. Add texts with another label.", path=path, label=label
        )
    if len(rows) > MOST_TEXTS:
        logger.info("generate: the classifier learns from %s of %s texts", f"{MOST_TEXTS:,}", f"{len(rows):,}")
        rows = [rows[len(rows) * at // MOST_TEXTS] for at in range(MOST_TEXTS)]
    return classifier(
        [row[0] for row in rows], [labels.index(row[1]) for row in rows], labels.index(label), tokenizer, network
    )


def classifier(texts: Sequence[str], numbers: Sequence[int], wanted: int, tokenizer: Any, network: Any) -> Label:
    """A logistic regression over the mean of the last hidden states of each text. It says how much of its texts it gets right."""
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression

    means = torch.stack([_mean_state(text, tokenizer, network) for text in texts]).double().numpy()
    spread = means.std() or 1.0
    fitted = LogisticRegression(max_iter=500).fit(means / spread, numbers)
    logger.info(
        "generate: the classifier gets %.0f%% of its own texts right", 100 * fitted.score(means / spread, numbers)
    )
    weight, bias = fitted.coef_ / spread, fitted.intercept_
    if len(weight) == 1:  # two labels have one row of weights, for the second
        weight, bias = np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
    return Label(torch.tensor(weight, dtype=torch.float32), torch.tensor(bias, dtype=torch.float32), wanted)


def _mean_state(text: str, tokenizer: Any, network: Any) -> Tensor:
    import torch

    ids = tokenizer(text, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        mean: Tensor = network(input_ids=ids, output_hidden_states=True).hidden_states[-1][0].mean(0)
    return mean


def _rows(path: Path) -> list[tuple[str, str]]:
    reader = csv.DictReader(_read(path).splitlines(), delimiter=TABLES[path.suffix.lower()])
    missing = {"text", "label"} - set(reader.fieldnames or ())
    if missing:
        raise InputError(
            "{path}: no column {missing}. Its first line names the columns: text, label.",
            path=path,
            missing=", ".join(sorted(missing)),
        )
    rows = [(str(row["text"] or "").strip(), str(row["label"] or "").strip()) for row in reader]
    kept = [row for row in rows if all(row)]
    if len(kept) < len(rows):
        logger.warning(
            "generate: %s: %s rows without a text or a label are left out", path.name, f"{len(rows) - len(kept):,}"
        )
    return kept


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            "{path}: no such file. --toward takes a list of words, or a CSV with texts and labels.", path=path
        ) from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise InputError("{path}: not a text file in UTF-8. Save it as UTF-8.", path=path) from None
