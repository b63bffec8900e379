"""What is published, file by file: a model, a tokenizer or the texts of a finished run. Reads artifacts, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kobert_pipeline.ground.artifacts import MANIFEST, RUN, Manifest, read_manifest, verify
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.hub import facts
from kobert_pipeline.hub.card import dataset_card, model_card, tokenizer_card
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.files import BINARY, CARD, MANIFESTS, PAGE, PUBLISH, STAGES, Kind, is_publishable
from kobert_pipeline.hub.licences import licence_of_texts, withheld
from kobert_pipeline.uses import use_named
from kobert_pipeline.uses.use import Use

GOLDEN = "golden.json"
"""Sentences of the corpus with their pieces, beside the tokenizer: the load-back check reads it, it is never published."""


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
    """Name in the repository -> where its content lies, or the text itself."""
    left_behind: tuple[str, ...]
    """Files beside them that are never sent: other names than the allow-list's, and links."""
    golden: Path | None = None
    """Sentences with the pieces that the tokenizer must cut them into; stays here."""
    export: Path | None = None
    """The folder that training exported, for a model."""
    use: Use | None = None
    """What a model is for."""
    documents: int | None = None
    """Rows of a dataset."""
    masked: bool = True
    """False for a dataset whose recipe left personal data in."""

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
        """The content of every file that people could read."""
        return {
            name: content if isinstance(content, str) else content.read_text(encoding="utf-8")
            for name, content in self.files.items()
            if not name.endswith(BINARY)
        }


def model_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str, page: str) -> Bundle:
    """`folders`: stage -> finished artifact, `page` the public edition of the run's page.

    Raises ArtifactMismatch when a file is not what the hub stage wrote and checked.
    """
    publish = folders["hub"] / PUBLISH
    _refuse_changed(folders["hub"])
    manifests = _manifests(folders, STAGES)
    names, left_behind = _split(publish, "model")
    card = model_card(config, recipe, manifests, repo=repo, cost=training_cost(folders["pretrain"]))
    return Bundle(
        kind="model",
        recipe=recipe,
        fingerprint=read_manifest(folders["hub"]).fingerprint,
        license=config.license,
        sources=facts.source_licences(manifests["corpora"]),
        files={name: publish / name for name in names} | {CARD: card, PAGE: page},
        left_behind=left_behind,
        golden=folders["tokenizer"] / GOLDEN,
        export=folders["pretrain"] / "model",
        use=use_named(manifests["pretrain"].summary["use"]),
    )


def tokenizer_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str) -> Bundle:
    """The tokenizer alone. `golden.json` stays here: its sentences are the corpus's."""
    _refuse_changed(folders["tokenizer"])
    manifests = _manifests(folders, ("corpora", "tokenizer"))
    names, left_behind = _split(folders["tokenizer"], "tokenizer")
    return Bundle(
        kind="tokenizer",
        recipe=recipe,
        fingerprint=manifests["tokenizer"].fingerprint,
        license=config.license,
        sources=facts.source_licences(manifests["corpora"]),
        files={name: folders["tokenizer"] / name for name in names}
        | _manifest_files(folders, manifests)
        | {CARD: tokenizer_card(config, recipe, manifests, repo=repo)},
        left_behind=left_behind,
        golden=folders["tokenizer"] / GOLDEN,
    )


def dataset_bundle(config: HubConfig, recipe: str, folders: Mapping[str, Path], *, repo: str) -> Bundle:
    """The cleaned texts. Raises InputError when the licence of a source does not let its text be given away."""
    _refuse_changed(folders["corpora"])
    manifests = _manifests(folders, ("corpora",))
    sources = facts.source_licences(manifests["corpora"])
    if closed := withheld(sources):
        told = ", ".join(f"{name} ({sources[name]})" for name in closed)
        raise InputError(
            f"The licence does not let these texts be published: {told}. Leave the sources out, or state their licence in the recipe."
        )
    names, left_behind = _split(folders["corpora"], "dataset")
    return Bundle(
        kind="dataset",
        recipe=recipe,
        fingerprint=manifests["corpora"].fingerprint,
        license=licence_of_texts(sources),
        sources=sources,
        files={name: folders["corpora"] / name for name in names}
        | _manifest_files(folders, manifests)
        | {CARD: dataset_card(config, recipe, manifests, repo=repo)},
        left_behind=left_behind,
        documents=facts.source_total(manifests["corpora"]).kept,
        masked=facts.masks(manifests["corpora"]),
    )


def training_cost(pretrain: Path) -> facts.Cost | None:
    """None where the run kept no record."""
    if not (pretrain / RUN).is_file():
        return None
    run = read_json(pretrain / RUN)
    return facts.Cost(run["seconds"] / 3600, run.get("hardware", ""))


def _refuse_changed(folder: Path) -> None:
    if problems := verify(folder):
        raise ArtifactMismatch(
            f"{folder}: not as it was made: {problems[0]}. Remove the folder and run the recipe again; what belongs into the card is set in the recipe's `hub` section."
        )


def _manifests(folders: Mapping[str, Path], stages: tuple[str, ...]) -> dict[str, Manifest]:
    return {stage: read_manifest(folders[stage]) for stage in stages if stage in folders}


def _manifest_files(folders: Mapping[str, Path], manifests: Mapping[str, Manifest]) -> dict[str, Path | str]:
    return {f"{MANIFESTS}/{stage}.json": folders[stage] / MANIFEST for stage in manifests}


def _split(folder: Path, kind: Kind) -> tuple[list[str], tuple[str, ...]]:
    """The names that may go and those that stay. A link is never followed."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
    may_go = [name for name, path in found.items() if is_publishable(name, kind) and not path.is_symlink()]
    return may_go, tuple(name for name in found if name not in may_go)
