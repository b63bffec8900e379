"""The figures of a run that the model card and the report show, read from manifests and from nothing else. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.ground.artifacts import Manifest

NOT_REASONS = ("documents", "kept", "raw_bytes", "sentences", "bytes")
"""Counters of the corpus stage that are no reason for dropping a document."""


@dataclass(frozen=True)
class SourceRow:
    """What became of one source. `documents` = `kept` + the sum of `drops`."""

    name: str
    license: str
    documents: int
    """Read."""
    kept: int
    sentences: int
    bytes: int
    """UTF-8, of the sentences that were kept."""
    share: float
    """Of the bytes of all sources, 0 to 1."""
    drops: dict[str, int]
    """Reason -> documents."""


def source_rows(corpora: Manifest) -> list[SourceRow]:
    total = corpora.summary["totals"]["bytes"]
    sources = corpora.summary["sources"]
    return [_source_row(name, entry["license"], entry["counts"], total) for name, entry in sources.items()]


def source_total(corpora: Manifest) -> SourceRow:
    return _source_row("all", "", corpora.summary["totals"], corpora.summary["totals"]["bytes"])


def _source_row(name: str, license: str, counts: Mapping[str, int], total_bytes: int) -> SourceRow:
    return SourceRow(
        name=name,
        license=license,
        documents=counts["documents"],
        kept=counts["kept"],
        sentences=counts["sentences"],
        bytes=counts["bytes"],
        share=counts["bytes"] / max(1, total_bytes),
        drops={reason: count for reason, count in sorted(counts.items()) if reason not in NOT_REASONS and count},
    )


def source_licences(corpora: Manifest) -> dict[str, str]:
    return {name: entry["license"] for name, entry in corpora.summary["sources"].items()}


def over_sources(corpora: Manifest, counter: str) -> dict[str, int]:
    """A counter of every source (`personal_data`: places masked, by kind; `dropped_sentences`: by reason), summed."""
    found: Counter[str] = Counter()
    for entry in corpora.summary["sources"].values():
        found.update(entry[counter])
    return {name: count for name, count in sorted(found.items()) if count}


def masks(corpora: Manifest) -> bool:
    """Whether personal data was replaced by placeholders."""
    return bool(corpora.config["mask_personal_data"])


@dataclass(frozen=True)
class Cost:
    """What the run that finished pretraining took; earlier attempts that were interrupted are not in it."""

    hours: float
    hardware: str
    """Empty where the run did not record it."""


def library_versions(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    """Every library that a stage lists, by name."""
    found = {name: version for manifest in manifests.values() for name, version in manifest.libraries.items()}
    return dict(sorted(found.items()))


def plain_number(value: float) -> str:
    """`0.002`, `5e-05`: a setting as people write it."""
    return f"{value:g}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """`layers 4, hidden 256`: an architecture's sizes or an objective's options, without their name."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if key != "name")
