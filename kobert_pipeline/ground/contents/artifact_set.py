"""The finished artifacts of one run, each behind its reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from kobert_pipeline.ground.artifacts import Manifest
from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.scores import Scores
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder

Reader = TypeVar("Reader", bound=ArtifactReader[Any])
READERS: tuple[type[ArtifactReader[Any]], ...] = (Corpus, TokenizerFolder, TokenStore, PretrainedRun, Scores, HubFolder)  # fmt: skip
"""In the order of the pipeline."""


class ArtifactSet:
    """Artifacts by the class of their reader: `artifacts[Corpus]`, or `artifacts.get(Corpus)` where one may be missing."""

    def __init__(self, artifacts: Mapping[str, ArtifactReader[Any]]) -> None:
        """`artifacts`: stage -> its artifact."""
        self.by_stage = {reader.stage: artifacts[reader.stage] for reader in READERS if reader.stage in artifacts}

    @classmethod
    def of(cls, manifests: Mapping[str, Manifest], folders: Mapping[str, Path] | None = None) -> Self:
        """Stage -> manifest, and stage -> folder where files are read too. Does not look at the files."""
        places = folders or {}
        return cls(
            {
                reader.stage: reader.of(manifests[reader.stage], places.get(reader.stage, Path()))
                for reader in READERS
                if reader.stage in manifests
            }
        )

    @classmethod
    def read(cls, folders: Mapping[str, Path]) -> Self:
        """Stage -> folder. A folder may have come with its manifest alone. Raises ArtifactMismatch for one that has only some of
        its files, and for a file of another size than its manifest says."""
        return cls({reader.stage: reader.at(folders[reader.stage]) for reader in READERS if reader.stage in folders})

    def only(self, *stages: str) -> ArtifactSet:
        """Those of these stages that are there."""
        return ArtifactSet({stage: reader for stage, reader in self.by_stage.items() if stage in stages})

    def __contains__(self, reader: type[ArtifactReader[Any]]) -> bool:
        return reader.stage in self.by_stage

    def get(self, reader: type[Reader]) -> Reader | None:
        found = self.by_stage.get(reader.stage)
        assert found is None or isinstance(found, reader)
        return found

    def __getitem__(self, reader: type[Reader]) -> Reader:
        """Raises KeyError for a stage that has not run."""
        found = self.by_stage[reader.stage]
        assert isinstance(found, reader)
        return found
