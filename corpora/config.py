"""Settings of the corpus stage."""

from __future__ import annotations

from pydantic import Field, field_validator

from kobert_pipeline.config import Config, runtime


class SourceConfig(Config):
    """One body of text: files of one format under one licence."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """Stands in every document's `source`, in reports and in the model card."""
    path: str = runtime(..., min_length=1)
    """File, folder or glob, local or any fsspec address; `${VARIABLE}` and `${VARIABLE:-default}` are expanded, and
    `package:corpora/sample/...` names a file that comes with the project. Files are known by content, not by path."""
    format: str = "auto"
    """A name of `corpora.sources.SOURCES`, or `auto`: by file name."""
    license: str = "unknown"
    """SPDX identifier, shown in the model card."""
    continuity: bool = True
    """Whether neighbouring sentences continue each other. Reviews of one film do not: next-sentence prediction skips them."""
    text_field: str = "text"
    """Field or column that holds the text (JSONL, Parquet)."""
    title_field: str = "title"
    id_field: str = "doc_id"
    """Where absent, documents are numbered within their file."""


class FilterConfig(Config):
    min_characters: int = Field(30, ge=1)
    """Shorter documents are dropped as `too_short`."""
    min_hangul_share: float = Field(0.5, ge=0, le=1)
    """Share of Hangul among letters; below it a document is dropped as `not_korean`."""


class CorporaConfig(Config):
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    filters: FilterConfig = FilterConfig()
    deduplicate: bool = True
    """Drop documents whose text, spaces aside, occurred before."""
    shard_bytes: int = Field(2_000_000, ge=10_000)
    """UTF-8 bytes of raw text a shard: the unit of parallel work and of resuming."""

    @field_validator("sources")
    @classmethod
    def _names_are_unique(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        names = [source.name for source in sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named {name!r}; give each its own name")
        return sources
