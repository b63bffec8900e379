"""Publishes a bundle: shows what would be sent, and sends it in one commit, all or nothing.

Every attempt looks first and then does only what is missing, so a push may be repeated after any failure: files that
arrived are not sent again, and an equal commit is not made twice.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kobert_pipeline.ground.errors import InputError, KobertError
from kobert_pipeline.ground.files import file_sha256
from kobert_pipeline.ground.hub_client import check_token, prepare_client
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.progress_line import cells
from kobert_pipeline.hub.bundle import Bundle
from kobert_pipeline.hub.failures import persistent
from kobert_pipeline.hub.publishable import is_publishable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

logger = logging.getLogger(__name__)

MAIN = "main"
MADE_BY_THE_HUB = (".gitattributes",)
ODD = "Its answer is not what it should be. Check HF_ENDPOINT and the proxy, and run the same command again."
_REVISION = re.compile(r"(?!refs/)\w(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)|[./]$|\./))[\w./-]{0,199}")
"""Fewer names than git allows; letters of any script."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Destination:
    """Where a bundle is sent, and under which names. Raises InputError for a name that the Hub or git would refuse."""

    repo: str
    private: bool = True
    revision: str | None = None
    """Branch to publish on; it is made if it is missing. None: `main`, and only if nothing else is there."""
    tag: str = ""
    """Empty: `run-` and the beginning of the fingerprint."""
    message: str = ""
    """Of the commit. Empty: a message with the recipe and the run."""

    def __post_init__(self) -> None:
        _check_repo(self.repo)
        given = [("--revision", self.revision)] if self.revision is not None else []
        for option, name in [*given, *([("--tag", self.tag)] if self.tag else [])]:
            if not _is_revision(name):
                raise InputError(
                    "{option} {name!r}: not a name that git allows. Use letters, digits, `.`, `-`, `_`, `/`.",
                    option=option, name=name,
                )  # fmt: skip
        if self.tag in (self.branch, MAIN):
            raise InputError(
                "--tag {tag}: this is the name of a branch. Choose another name for the tag.", tag=self.tag
            )

    @property
    def branch(self) -> str:
        return self.revision or MAIN


@dataclass(frozen=True)
class Published:
    repo: str
    commit: str
    tag: str
    is_new: bool
    """False: the same files were there already."""


def describe(bundle: Bundle, to: Destination, questions: Iterable[str] = ()) -> str:
    """The text of a dry run: where to, every file with its size, what stays, the questions to answer, and the card."""
    sizes = {name: bundle.size(name) for name in sorted(bundle.files)}
    kind = say("private") if to.private else say("public")
    where = say(
        "To {repo} ({visibility} {kind} repository, branch {branch}, tag {tag})",
        repo=to.repo,
        visibility=kind,
        kind=bundle.kind,
        branch=to.branch,
        tag=tag_of(bundle, to),
    )
    size = say("{count} files, {bytes:,} bytes", count=len(sizes), bytes=sum(sizes.values()))
    not_sent = say("not sent")
    return "\n".join(
        [
            say("Dry run: nothing was sent. {where} would go {size}, in one commit:", where=where, size=size),
            *(f"  {size:>15,}  {name}" for name, size in sizes.items()),
            *(f"  {' ' * (15 - cells(not_sent))}{not_sent}  {name}" for name in bundle.not_sent),
            "",
            say("The card, README.md:"),
            *(f"  {line}".rstrip() for line in bundle.card.splitlines()),
            "",
            *(say("To answer before it is sent: {question}", question=question) for question in questions),
            say("To send it, run the same command with --yes."),
        ]
    )


def find_token() -> str:
    """The token that the Hub's own tools use: HF_TOKEN, or the file that `hf auth login` writes.

    Raises KobertError if there is none, or none that can be used.
    """
    from huggingface_hub import constants, get_token

    try:
        token = get_token()
    except (OSError, UnicodeDecodeError):
        raise KobertError(
            "The Hub token in {file} cannot be read. Run `hf auth login` again, or set HF_TOKEN. Nothing was sent.",
            file=constants.HF_TOKEN_PATH,
        ) from None
    if not token:
        raise KobertError("No Hub token on this machine. Run `hf auth login` once, or set HF_TOKEN. Nothing was sent.")
    check_token(token)
    return token


def push(bundle: Bundle, to: Destination, *, token: str, sleep: Callable[[float], None] | None = None) -> Published:
    """Publishes the bundle, or finds it published. Raises KobertError with one line that says what to do."""
    from huggingface_hub import HfApi

    check_token(token)
    prepare_client()
    api = HfApi(token=token, library_name="kobert-pipeline")
    persistent(lambda: _check_rights(api, to.repo), to.repo, token=token, sleep=sleep, is_first=True)
    done = persistent(lambda: _publish(api, bundle, to), to.repo, token=token, sleep=sleep)
    logger.info("push: %s is %s, tagged %s", done.repo, "published" if done.is_new else "up to date", done.tag)
    return done


def tag_of(bundle: Bundle, to: Destination) -> str:
    return to.tag or f"run-{bundle.fingerprint[:8]}"


# --- one attempt -----------------------------------------------------------------------------------------------------


def _check_rights(api: HfApi, repo: str) -> None:
    """Raises KobertError if the Hub says that the token cannot write there."""
    user: Any = api.whoami()
    name, owner = _named(user), repo.split("/")[0]
    if name is None:
        raise KobertError("The Hub does not say whose token this is. {advice}", advice=say(ODD))
    organizations = user.get("orgs")
    known = [name, *filter(None, map(_named, organizations if isinstance(organizations, list) else []))]
    if owner not in known:
        raise KobertError(
            "--to {repo}: the token's user is {name}, not a member of {owner}. Known: {known}.",
            repo=repo, name=name, owner=owner, known=", ".join(known),
        )  # fmt: skip
    access: Any = user
    for key in ("auth", "accessToken", "role"):
        access = access.get(key) if isinstance(access, dict) else None
    if access == "read":
        raise KobertError(
            "The Hub token may only read. Make one with the right to write: https://huggingface.co/settings/tokens"
        )


def _named(value: Any) -> str | None:
    """The name in an answer of the Hub about a user or an organization."""
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def _publish(api: HfApi, bundle: Bundle, to: Destination) -> Published:
    """Makes what is missing of: repository, branch, commit, tag."""
    kind = bundle.kind if bundle.kind == "dataset" else "model"
    tag = tag_of(bundle, to)
    _ensure_repository(api, to, kind)
    _check_names(api, to, tag, kind)
    tagged = _commit_of(api, to.repo, tag, kind)  # before the files: a push next to this one makes its tag last
    head = _head(api, to, kind)
    there = _files_at(api, to.repo, head, kind)
    same = set(there) == set(bundle.files) and _has_all(there, bundle)
    if not same and to.revision is None and there:
        shown = ", ".join(sorted(there)[:3])
        raise InputError(
            "{repo} holds other files already ({shown}). Nothing was sent. Give another name, or `--revision BRANCH` to publish on another branch (`--revision {main}` to replace an earlier push).",
            repo=to.repo, shown=shown, main=MAIN,
        )  # fmt: skip
    if tagged is not None and not (same and tagged == head):
        raise InputError(
            "{repo}: the tag {tag} names another commit. Nothing was sent. Choose another with --tag.",
            repo=to.repo, tag=tag,
        )  # fmt: skip
    if not same:
        head = _commit(api, bundle, to, kind, head, there)
        if not _has_all(_files_at(api, to.repo, head, kind), bundle):
            raise KobertError(
                "{repo}: the Hub took commit {head}, but does not show its files. {advice}",
                repo=to.repo, head=head[:8], advice=say(ODD),
            )  # fmt: skip
    if tagged is None:
        api.create_tag(to.repo, tag=tag, revision=head, repo_type=kind)
        if _commit_of(api, to.repo, tag, kind) != head:
            raise KobertError(
                "{repo}: the Hub made commit {head}, but not the tag {tag}. {advice}",
                repo=to.repo, head=head[:8], tag=tag, advice=say(ODD),
            )  # fmt: skip
    return Published(to.repo, head, tag, is_new=not same)


def _check_names(api: HfApi, to: Destination, tag: str, kind: str) -> None:
    """Raises InputError for a tag that is a branch there, a branch that is a tag, and a name that is a folder of another."""
    refs = api.list_repo_refs(to.repo, repo_type=kind)
    branches, tags = {ref.name for ref in refs.branches}, {ref.name for ref in refs.tags}
    for option, name, its, others in (("--tag", tag, tags, branches), ("--revision", to.branch, branches, tags)):
        other = say("branch") if option == "--tag" else say("tag")
        if name in others:
            raise InputError(
                "{option} {name}: {repo} has a {other} of this name. Nothing was sent. Choose another name.",
                option=option, name=name, repo=to.repo, other=other,
            )  # fmt: skip
        clash = next((one for one in sorted(its) if one.startswith(f"{name}/") or name.startswith(f"{one}/")), None)
        if clash:
            raise InputError(
                "{option} {name}: git cannot keep it next to {clash}, which {repo} has. Nothing was sent. Choose another name.",
                option=option, name=name, clash=clash, repo=to.repo,
            )  # fmt: skip


def _ensure_repository(api: HfApi, to: Destination, kind: str) -> None:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.repo_info(to.repo, repo_type=kind)
    except RepositoryNotFoundError:
        api.create_repo(to.repo, repo_type=kind, private=to.private)  # 409: the next attempt looks at what is there
        return
    if info.id != to.repo:
        raise InputError("{repo} is called {id} on the Hub. Nothing was sent. Say --to {id}.", repo=to.repo, id=info.id)
    if not isinstance(info.private, bool):
        raise KobertError(
            "The Hub does not say whether {repo} is private. Nothing was sent. {advice}", repo=to.repo, advice=say(ODD)
        )
    if to.private and not info.private:
        raise InputError(
            "{repo} is public, but the push is to be private. Nothing was sent. Say --public if everybody may read it.",
            repo=to.repo,
        )


def _head(api: HfApi, to: Destination, kind: str) -> str:
    """The branch's commit. A branch that is missing is made from `main`."""
    found = _commit_of(api, to.repo, to.branch, kind)
    if found is None:
        api.create_branch(to.repo, branch=to.branch, repo_type=kind, exist_ok=True)
        found = _commit_of(api, to.repo, to.branch, kind)
    if found is None:
        raise KobertError(
            "{repo}: the Hub did not make the branch {branch}. Nothing was sent. {advice}",
            repo=to.repo, branch=to.branch, advice=say(ODD),
        )  # fmt: skip
    return found


def _commit_of(api: HfApi, repo: str, revision: str, kind: str) -> str | None:
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        sha = api.repo_info(repo, revision=revision, repo_type=kind).sha
    except RevisionNotFoundError:
        return None
    return _checked(sha, repo)


def _files_at(api: HfApi, repo: str, commit: str, kind: str) -> dict[str, Any]:
    """Name -> `RepoFile`, without the files that the Hub itself puts into a new repository."""
    from huggingface_hub.hf_api import RepoFile

    found = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind)
    return {file.path: file for file in found if isinstance(file, RepoFile) and file.path not in MADE_BY_THE_HUB}


def _has_all(there: dict[str, Any], bundle: Bundle) -> bool:
    """Whether the repository has the files of the bundle as they are here."""
    return all(name in there and _is_same(there[name], bundle, name) for name in bundle.files)


def _is_same(file: Any, bundle: Bundle, name: str) -> bool:
    if file.size != bundle.size(name):
        return False
    content = bundle.files[name]
    if file.lfs is not None:
        found = file_sha256(content) if isinstance(content, Path) else hashlib.sha256(content.encode()).hexdigest()
        return bool(found == file.lfs.sha256)
    raw = content.read_bytes() if isinstance(content, Path) else content.encode()
    return bool(hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest() == file.blob_id)


def _commit(api: HfApi, bundle: Bundle, to: Destination, kind: str, parent: str, there: dict[str, Any]) -> str:
    """All files in one commit on `parent`. Removes files of an earlier push that this one lacks; keeps other files."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    added = [
        CommitOperationAdd(name, content.encode() if isinstance(content, str) else content)
        for name, content in sorted(bundle.files.items())
    ]
    stale = [name for name in there if name not in bundle.files and is_publishable(name, bundle.kind)]
    made = api.create_commit(
        to.repo,
        [*added, *(CommitOperationDelete(name) for name in stale)],
        commit_message=to.message
        or f"{bundle.kind.capitalize()} of the recipe {bundle.recipe}, run {bundle.fingerprint[:8]}",
        repo_type=kind,
        revision=to.branch,
        parent_commit=parent,
    )
    return _checked(made.oid, to.repo)


def _checked(commit: Any, repo: str) -> str:
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise KobertError("{repo}: the Hub names no commit. {advice}", repo=repo, advice=say(ODD))
    return commit


def _is_revision(name: str) -> bool:
    """Whether git takes the name for a branch or a tag, and for nothing else."""
    return _REVISION.fullmatch(name) is not None and name != "HEAD" and not _COMMIT.fullmatch(name)


def _check_repo(repo: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, not re-exported for mypy

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InputError("--to {repo}: {error}", repo=repo, error=error) from None
    if "/" not in repo:
        raise InputError("--to {repo}: name the owner too, as in user/{repo}", repo=repo)
