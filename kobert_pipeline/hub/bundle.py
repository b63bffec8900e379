"""What is published, file by file: a model, a tokenizer or the texts of a finished run. Reads artifacts and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.artifacts import MANIFEST, verify
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.hub.card import dataset_card, model_card, tokenizer_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.licences import licence_of_texts, withheld
from kobert_pipeline.hub.publishable import BINARY, CARD, MANIFESTS, PAGE, STAGES, Kind, is_publishable
from kobert_pipeline.uses import use_named
from kobert_pipeline.uses.use import Use


@dataclass(frozen=True)
class Bundle:
    kind: Kind
    recipe: str
    fingerprint: str
    """Of the artifact that is published."""
    license: str
    sources: dict[str, str]
    """Source of the corpus -> its licence."""
    files: dict[str, Path | str]
    """Name in the repository -> the file with its content, or the text itself."""
    not_sent: tuple[str, ...]
    """Files of the same folder that are never sent: links, and names that are not on the list of allowed ones."""
    tokenizer: Path | None = None
    """The artifact with the run's tokenizer, with which the published one is compared."""
    export: Path | None = None
    """The folder that training exported, for a model."""
    use: Use | None = None
    """What a model is for."""
    documents: int | None = None
    """Rows of a dataset."""
    masked: bool = True
    """False for a dataset whose recipe does not mask personal data."""

    @property
    def card(self) -> str:
        card = self.files[CARD]
        assert isinstance(card, str)
        return card

    def size(self, name: str) -> int:
        """Bytes."""
        content = self.files[name]
        return len(content.encode()) if isinstance(content, str) else content.stat().st_size

    def texts(self) -> dict[str, str]:
        """The content of every file that people can read."""
        return {
            name: content if isinstance(content, str) else content.read_text(encoding="utf-8")
            for name, content in self.files.items()
            if not name.endswith(BINARY)
        }


def model_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str, page: str) -> Bundle:
    """`folders`: stage -> finished artifact; `page`: the public edition of the run's page.

    Raises ArtifactMismatch when a file is not the one that the hub stage wrote and checked, or that training exported.
    """
    _refuse_changed(folders["hub"])
    artifacts = ArtifactSet.read(folders)
    hub, pretrain = artifacts[HubFolder], artifacts[PretrainedRun]
    names, not_sent = publishable_files(hub.publish, "model")
    described = artifacts.only(*STAGES)
    return Bundle(
        kind="model",
        recipe=recipe,
        fingerprint=hub.fingerprint,
        license=config.license,
        sources=artifacts[Corpus].summary.licences,
        files={name: hub.publish / name for name in names}
        | {
            CARD: model_card(config, recipe, described, repo=repo, cost=pretrain.cost, onnx=hub.summary.onnx),
            PAGE: page,
        },
        not_sent=not_sent,
        tokenizer=artifacts[TokenizerFolder].folder,
        export=pretrain.checked_model,
        use=use_named(pretrain.summary.use),
    )


def tokenizer_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str) -> Bundle:
    """The tokenizer alone. `golden.json` is not sent, because its sentences come from the corpus."""
    _refuse_changed(folders["tokenizer"])
    artifacts = ArtifactSet.read(folders).only(Corpus.stage, TokenizerFolder.stage)
    tokenizer = artifacts[TokenizerFolder]
    names, not_sent = publishable_files(tokenizer.folder, "tokenizer")
    return Bundle(
        kind="tokenizer",
        recipe=recipe,
        fingerprint=tokenizer.fingerprint,
        license=config.license,
        sources=artifacts[Corpus].summary.licences,
        files={name: tokenizer.folder / name for name in names}
        | _manifest_files(artifacts)
        | {CARD: tokenizer_card(config, recipe, artifacts, repo=repo)},
        not_sent=not_sent,
        tokenizer=tokenizer.folder,
    )


def dataset_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str) -> Bundle:
    """The cleaned texts. Raises InputError when the licence of a source does not allow its text to be given away."""
    _refuse_changed(folders["corpora"])
    artifacts = ArtifactSet.read(folders).only(Corpus.stage)
    corpus = artifacts[Corpus]
    sources = corpus.summary.licences
    if closed := withheld(sources):
        named = ", ".join(f"{name} ({sources[name]})" for name in closed)
        raise InputError(
            "The licence does not allow these texts to be published: {named}. Leave the sources out, or state their licence in the recipe.",
            named=named,
        )
    names, not_sent = publishable_files(corpus.folder, "dataset")
    return Bundle(
        kind="dataset",
        recipe=recipe,
        fingerprint=corpus.fingerprint,
        license=licence_of_texts(sources),
        sources=sources,
        files={name: corpus.folder / name for name in names}
        | _manifest_files(artifacts)
        | {CARD: dataset_card(config, recipe, artifacts, repo=repo)},
        not_sent=not_sent,
        documents=corpus.summary.total.kept,
        masked=corpus.masks_personal_data,
    )


def _refuse_changed(folder: Path) -> None:
    if problems := verify(folder):
        raise ArtifactMismatch(
            "{folder}: changed since it was made: {problem}. Remove the folder and run the recipe again. The recipe's `hub` section sets what the card says.",
            folder=folder,
            problem=problems[0],
        )


def _manifest_files(artifacts: ArtifactSet) -> dict[str, Path | str]:
    return {f"{MANIFESTS}/{stage}.json": found.folder / MANIFEST for stage, found in artifacts.by_stage.items()}


def publishable_files(folder: Path, kind: Kind) -> tuple[list[str], tuple[str, ...]]:
    """The names of the files that may be sent, and of those that stay. A link is never followed."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
    allowed = [name for name, path in found.items() if is_publishable(name, kind) and not path.is_symlink()]
    return allowed, tuple(name for name in found if name not in allowed)
