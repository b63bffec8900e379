"""What the stage read, kept and dropped: counts by source, samples of dropped documents, the manifest's summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corpora.config import CorporaConfig
from corpora.documents import Document, Drop
from corpora.personal_data import mask
from kobert_pipeline.ground.contents.corpus import NOT_REASONS
from kobert_pipeline.ground.messages import say

SAMPLES, SAMPLE_CHARACTERS = 20, 500
"""Samples kept for each source and reason, and how much of each."""

Counts = dict[str, dict[str, int]]
"""source -> name -> number."""


@dataclass
class Tally:
    """What was read, kept and dropped, by source."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """"documents" read, "kept", "raw_bytes", "sentences", "bytes", and one entry for each reason to drop a document."""
    sentences: dict[str, Counter[str]] = field(default_factory=dict)
    """Dropped sentences, by reason."""
    personal_data: dict[str, Counter[str]] = field(default_factory=dict)
    """Masked places, by kind."""
    encodings: dict[str, Counter[str]] = field(default_factory=dict)
    """Files, by encoding."""
    not_read: dict[str, Counter[str]] = field(default_factory=dict)
    """Files of folders and archives that are not read, by ending."""
    samples: list[dict[str, str]] = field(default_factory=list)
    """Lines of `dropped.jsonl`."""
    _taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Samples by source and reason."""

    def add(self, part: Mapping[str, Any]) -> None:
        """Adds what `content` gave for a shard."""
        for name in ("counts", "sentences", "personal_data", "encodings"):
            counters: dict[str, Counter[str]] = getattr(self, name)
            for source, values in part[name].items():
                counters.setdefault(source, Counter()).update(values)
        for row in part["samples"]:
            self._keep(row)

    def sample(self, source: str, drop: Drop, document: Document | None = None) -> None:
        """Keeps a dropped document, if there are not `SAMPLES` of its kind yet.

        Personal data is always masked, even if the recipe says otherwise.
        """
        row = {"source": source, "reason": drop.reason}
        if document is None:
            place = drop.place.rpartition("/")[2]  # folders belong to a machine, not to the corpus
            self._keep(row | {"place": mask(place)[0]})
        elif self._taken[source, drop.reason] < SAMPLES:
            shown = {"doc_id": document.doc_id, "text": document.text[:SAMPLE_CHARACTERS]}
            self._keep(row | {name: mask(value)[0] for name, value in shown.items()})

    def _keep(self, row: dict[str, str]) -> None:
        if self._taken[row["source"], row["reason"]] < SAMPLES:
            self._taken[row["source"], row["reason"]] += 1
            self.samples.append(row)

    def content(self) -> dict[str, Any]:
        """Gives what `add` takes, as JSON."""
        parts = {name: getattr(self, name) for name in ("counts", "sentences", "personal_data", "encodings")}
        return {name: {key: dict(value) for key, value in part.items()} for name, part in parts.items()} | {
            "samples": self.samples
        }

    def totals(self) -> dict[str, int]:
        """Gives the counts over all sources."""
        total = Counter({"sentences": 0, "bytes": 0})
        for values in self.counts.values():
            total.update(values)
        return dict(total)

    def summary(self, config: CorporaConfig) -> dict[str, Any]:
        """Gives what the manifest says about each source and about all."""
        sources = {
            source.name: {
                "license": source.license,
                "continuity": source.continuity,
                "counts": {"sentences": 0, "bytes": 0} | dict(self.counts[source.name]),
                "dropped_sentences": dict(self.sentences.get(source.name, {})),
                "personal_data": dict(self.personal_data.get(source.name, {})),
                "encodings": dict(self.encodings.get(source.name, {})),
            }
            | ({"not_read": dict(sorted(passed.items()))} if (passed := self.not_read.get(source.name)) else {})
            for source in config.sources
        }
        return {"sources": sources, "totals": self.totals()}


def explain(totals: Mapping[str, int]) -> str:
    """Writes counts as `51,234 of 55,010 documents (too_short 812, duplicate 2,887)`."""
    reasons = ", ".join(
        f"{name} {value:,}" for name, value in sorted(totals.items()) if name not in NOT_REASONS and value
    )
    kept = say("{kept:,} of {documents:,} documents", kept=totals["kept"], documents=totals["documents"])
    return kept + (f" ({reasons})" if reasons else "")
