"""A Hub on this machine: it answers the HTTP requests of `huggingface_hub` in threads and keeps its state in memory.

It is written from what the client sends and reads (huggingface_hub 2.4). A test can add faults. `received` keeps every
byte that a client sends in a body. Only what reaches a commit is published, as on the real Hub.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

PART_BYTES = 1_000_000
"""Larger files must be uploaded in parts of this size; the real Hub asks for parts from 5 GB on."""
LFS_SUFFIXES = (".safetensors", ".parquet", ".bin", ".ckpt")
ATTRIBUTES = b"".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n".encode() for suffix in LFS_SUFFIXES)
"""Content of the one file that a new repository has."""


@dataclass(frozen=True)
class Blob:
    """One file of a commit."""

    content: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        """Git's hash of the file, or of its pointer for an LFS file."""
        content = self.content
        if self.lfs:
            content = (
                f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(content)}\n".encode()
            )
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True)
class Commit:
    sha: str
    parent: str | None
    message: str
    tree: dict[str, Blob]


@dataclass
class Repository:
    kind: str
    """`models` or `datasets`, as in the API's addresses."""
    name: str
    private: bool
    gated: bool = False
    """Whether only its owner may read the files."""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def find(self, revision: str) -> Commit | None:
        return self.commits.get(self.branches.get(revision) or self.tags.get(revision) or revision)

    def commit(self, branch: str, message: str, tree: dict[str, Blob]) -> Commit:
        parent = self.branches.get(branch)
        sha = hashlib.sha1(f"{self.name} {len(self.commits)} {parent} {message}".encode()).hexdigest()
        commit = Commit(sha, parent, message, tree)
        self.commits[sha], self.branches[branch] = commit, sha
        return commit

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Path -> content of the revision, without the file that the Hub itself added."""
        found = self.find(revision)
        assert found is not None, revision
        return {path: blob.content for path, blob in found.tree.items() if path != ".gitattributes"}


@dataclass
class Fault:
    """What happens to the next `times` requests that match. `answer` sends an error, or `body` as it is; `drop` closes
    the connection in the middle of the body; `lose` does what was requested and closes it before the answer;
    `meanwhile` calls `event` first."""

    method: str
    pattern: re.Pattern[str]
    times: int
    action: Literal["answer", "drop", "lose", "meanwhile"]
    status: int = 500
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "something went wrong"
    event: Callable[[], object] = int


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class HubServer(ThreadingHTTPServer):
    """The server with its users, repositories and faults."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        """LFS objects by sha256, whether a commit uses them or not."""
        self.parts: dict[tuple[str, int], bytes] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.received: list[bytes] = []
        self.lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add_user(
        self, token: str, name: str, *, organizations: dict[str, str] | None = None, role: str = "write"
    ) -> None:
        """Adds a user. `organizations` maps names of organizations to the user's role in them."""
        self.users[token] = {"name": name, "organizations": organizations or {}, "role": role}

    def add_repository(
        self,
        name: str,
        *,
        private: bool = True,
        kind: str = "models",
        files: dict[str, bytes] | None = None,
        gated: bool = False,
    ) -> Repository:
        repository = Repository(kind, name, private, gated)
        tree = {".gitattributes": Blob(ATTRIBUTES, lfs=False)}
        tree |= {path: Blob(content, is_lfs(path, len(content))) for path, content in (files or {}).items()}
        repository.commit("main", "initial commit", tree)
        self.repositories[kind, name] = repository
        return repository

    def fail(
        self,
        method: str,
        pattern: str,
        status: int,
        *,
        times: int = 1,
        message: str = "something went wrong",
        headers: dict[str, str] | None = None,
    ) -> None:
        """The next requests that match get this answer."""
        self.faults.append(Fault(method, re.compile(pattern), times, "answer", status, None, headers or {}, message))

    def reply(
        self,
        method: str,
        pattern: str,
        body: bytes,
        *,
        status: int = 200,
        times: int = 1_000,
        headers: dict[str, str] | None = None,
    ) -> None:
        """The next requests that match get these bytes, whatever they ask."""
        known = {"Content-Type": "application/json"} | (headers or {})
        self.faults.append(Fault(method, re.compile(pattern), times, "answer", status, body, known))

    def drop(self, method: str, pattern: str, *, times: int = 1) -> None:
        """The connection of the next requests that match closes in the middle of the body."""
        self.faults.append(Fault(method, re.compile(pattern), times, "drop"))

    def lose(self, method: str, pattern: str, *, times: int = 1) -> None:
        """The next requests that match are carried out, but their answers are lost."""
        self.faults.append(Fault(method, re.compile(pattern), times, "lose"))

    def meanwhile(self, method: str, pattern: str, event: Callable[[], object]) -> None:
        """Calls `event` just before the next request that matches is answered."""
        self.faults.append(Fault(method, re.compile(pattern), 1, "meanwhile", event=event))

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.method == method and fault.pattern.search(path):
                    fault.times -= 1
                    return fault
        return None

    def asked(self, method: str, pattern: str) -> int:
        """The number of requests that matched."""
        return sum(made == method and re.search(pattern, path) is not None for made, path in self.requests)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing when the client or a fault closes a connection."""


def is_lfs(path: str, size: int) -> bool:
    return path.endswith(LFS_SUFFIXES) or size > 10_000_000


REPO = r"(?P<name>[\w.-]+/[\w.-]+)"
API = rf"/api/(?P<kind>models|datasets)/{REPO}"
GIT = rf"/(?:(?P<kind>datasets)/)?{REPO}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two packets, and the second one waited 40 ms for the first
    server: HubServer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Prints nothing: tests read `requests` instead."""

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    # --- one request -------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        address = urlsplit(self.path)
        path, self.query = address.path, parse_qs(address.query)
        self.server.requests.append((self.command, unquote(path)))
        fault = self.server.fault(self.command, unquote(path))
        if fault is not None and fault.action == "drop":
            self._break_off(read=int(self.headers.get("Content-Length", 0)) // 2)
            return
        if fault is not None and fault.action == "meanwhile":
            fault.event()
        self.body = self._read_body()
        if self.body:
            self.server.received.append(self.body)
        if fault is not None and fault.action == "answer":
            answer = {"error": fault.message} if fault.body is None else fault.body
            self._answer(answer, fault.status, fault.headers)
            return
        try:
            with self.server.lock:
                answer, headers = self._handle(path)
        except Refused as refused:
            headers = {"X-Error-Code": refused.code} if refused.code else {}
            if refused.message.isascii():
                headers["X-Error-Message"] = refused.message
            self._answer({"error": refused.message, "errors": [{"message": refused.message}]}, refused.status, headers)
            return
        if fault is not None and fault.action == "lose":
            self._break_off()
            return
        self._answer(answer, 200, headers)

    def _break_off(self, read: int = 0) -> None:
        self.rfile.read(read)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, answer: Any, status: int, headers: dict[str, str]) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self, path: str) -> tuple[Any, dict[str, str]]:
        for method, pattern, function in ROUTES:
            match = pattern.fullmatch(path)
            if match and self.command in method:
                values = {name: unquote(value) for name, value in match.groupdict().items() if value is not None}
                answer = function(self, **values)
                return answer if isinstance(answer, tuple) else (answer, {})
        raise Refused(404, f"no such page: {path}")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    # --- user and repository ----------------------------------------------------------------------------------------

    def user(self) -> dict[str, Any] | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.server.users:
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.server.users.get(token)

    def writer(self, name: str) -> dict[str, Any]:
        """Returns the user. Refuses one who may not write under this name."""
        user = self.user()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        owner = name.split("/")[0]
        may = owner == user["name"] or user["organizations"].get(owner) in ("write", "admin", "contributor")
        if not may or user["role"] == "read":
            raise Refused(403, f"You don't have the rights to write under the namespace {owner}")
        return user

    def repository(self, kind: str, name: str) -> Repository:
        found = self.server.repositories.get((kind, name))
        user = self.user()
        if found is None or (found.private and user is None):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        return found

    def readable(self, kind: str, name: str) -> Any:
        """Refuses one who may not read the files of a gated repository."""
        user = self.user()
        if self.repository(kind, name).gated and (user is None or user["name"] != name.split("/")[0]):
            raise Refused(403 if user else 401, f"Access to {kind[:-1]} {name} is restricted", "GatedRepo")
        return {}

    def at(self, kind: str, name: str, revision: str) -> tuple[Repository, Commit]:
        repository = self.repository(kind, name)
        commit = repository.find(revision)
        if commit is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, commit

    # --- the pages ---------------------------------------------------------------------------------------------------

    def whoami(self) -> Any:
        user = self.user()
        if user is None:
            raise Refused(401, "Invalid username or password.")
        organizations = [{"name": name, "roleInOrg": role} for name, role in user["organizations"].items()]
        token = {"displayName": "test", "role": user["role"]}
        return {
            "type": "user",
            "name": user["name"],
            "orgs": organizations,
            "auth": {"type": "access_token", "accessToken": token},
        }

    def create(self) -> Any:
        asked = self.json
        name = f"{asked['organization']}/{asked['name']}"
        self.writer(name)
        kind = f"{asked.get('type', 'model')}s"
        address = {"url": f"{self.server.url}/{'' if kind == 'models' else 'datasets/'}{name}", "name": name}
        if (kind, name) in self.server.repositories:
            raise Refused(409, "You already created this model repo")
        self.server.add_repository(name, private=asked.get("visibility") == "private", kind=kind)
        return address

    def validate(self) -> Any:
        parts = self.json["content"].split("---\n")
        try:
            values = yaml.safe_load(parts[1]) if len(parts) > 2 else {}
        except yaml.YAMLError as error:
            raise Refused(400, str(error)) from None
        if not isinstance(values, dict) or ("model-index" in values and not isinstance(values["model-index"], list)):
            raise Refused(400, '"model-index" must be an array')
        return {"errors": [], "warnings": []}

    def info(self, kind: str, name: str, revision: str = "main") -> Any:
        repository, commit = self.at(kind, name, revision)
        files = [{"rfilename": path} for path in commit.tree]
        shared = {"id": name, "sha": commit.sha, "private": repository.private, "tags": [], "siblings": files}
        return shared | {"downloads": 0, "likes": 0, "gated": "manual" if repository.gated else False}

    def tree(self, kind: str, name: str, revision: str, folder: str = "") -> Any:
        _, commit = self.at(kind, name, revision)
        inside = {path: blob for path, blob in commit.tree.items() if path.startswith(f"{folder}/" if folder else "")}
        if folder and not inside:
            raise Refused(404, f"{folder} does not exist", "EntryNotFound")
        if self.query.get("recursive", ["false"])[0].lower() == "true":
            return [self._entry(path, blob) for path, blob in inside.items()]
        depth = folder.count("/") + 1 if folder else 0
        files = [self._entry(path, blob) for path, blob in inside.items() if path.count("/") == depth]
        folders = sorted({"/".join(path.split("/")[: depth + 1]) for path in inside if path.count("/") > depth})
        return [*files, *({"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders)]

    def _entry(self, path: str, blob: Blob) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(blob.content), "oid": blob.oid}
        return entry | (
            {"lfs": {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 134}} if blob.lfs else {}
        )

    def refs(self, kind: str, name: str) -> Any:
        repository = self.repository(kind, name)

        def listed(folder: str, names: dict[str, str]) -> list[dict[str, str]]:
            return [{"name": key, "ref": f"refs/{folder}/{key}", "targetCommit": sha} for key, sha in names.items()]

        return {
            "branches": listed("heads", repository.branches),
            "tags": listed("tags", repository.tags),
            "converts": [],
        }

    def preupload(self, kind: str, name: str, revision: str) -> Any:
        self.writer(name)
        _, commit = self.at(kind, name, revision)
        answers = []
        for file in self.json["files"]:
            known = commit.tree.get(file["path"])
            answers.append(
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if is_lfs(file["path"], file["size"]) else "regular",
                    "shouldIgnore": False,
                    "oid": known.etag if known else None,
                }
            )
        return {"files": answers}

    def batch(self, name: str, kind: str = "models") -> Any:
        self.writer(name)
        return {
            "transfer": "basic",
            "objects": [self._upload(item["oid"], item["size"]) for item in self.json["objects"]],
        }

    def _upload(self, oid: str, size: int) -> dict[str, Any]:
        """The answer for one object: where to send it, or no address if it is here already."""
        answer: dict[str, Any] = {"oid": oid, "size": size}
        if oid in self.server.objects:
            return answer
        address = f"{self.server.url}/lfs/{oid}"
        verify = {"href": f"{address}/verify", "header": {}}
        if size <= PART_BYTES:
            return answer | {"actions": {"upload": {"href": address, "header": {}}, "verify": verify}}
        parts = {str(part + 1): f"{address}/part/{part + 1}" for part in range(-(-size // PART_BYTES))}
        header = parts | {"chunk_size": str(PART_BYTES)}
        return answer | {"actions": {"upload": {"href": f"{address}/complete", "header": header}, "verify": verify}}

    def put_object(self, oid: str) -> Any:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refused(400, "the content does not have this sha256")
        self.server.objects[oid] = self.body
        return {}

    def put_part(self, oid: str, part: str) -> Any:
        self.server.parts[oid, int(part)] = self.body
        return {}, {"ETag": hashlib.md5(self.body).hexdigest()}

    def complete(self, oid: str) -> Any:
        numbers = [part["partNumber"] for part in self.json["parts"]]
        self.body = b"".join(self.server.parts[oid, number] for number in numbers)
        return self.put_object(oid)

    def verify(self, oid: str) -> Any:
        if len(self.server.objects.get(oid, b"")) != self.json["size"]:
            raise Refused(404, "no such object")
        return {}

    def commit(self, kind: str, name: str, revision: str) -> Any:
        """Makes the whole commit, or refuses it."""
        self.writer(name)
        repository, head = self.at(kind, name, revision)
        if revision not in repository.branches:
            raise Refused(400, f"{revision} is not a branch")
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit", head.sha) != head.sha:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(head.tree)
        for line in lines[1:]:
            self._change(tree, line["key"], line["value"])
        commit = repository.commit(revision, header["summary"], tree)
        return {"success": True, "commitOid": commit.sha, "commitUrl": f"{self.server.url}/{name}/commit/{commit.sha}"}

    def _change(self, tree: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
        if key == "file":
            tree[value["path"]] = Blob(base64.b64decode(value["content"]), lfs=False)
            self.server.received.append(tree[value["path"]].content)
        elif key == "lfsFile":
            if value["oid"] not in self.server.objects:
                raise Refused(400, f"{value['path']}: its LFS object was never uploaded")
            tree[value["path"]] = Blob(self.server.objects[value["oid"]], lfs=True)
        elif key == "deletedFile":
            if tree.pop(value["path"], None) is None:
                raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        else:
            raise Refused(400, f"unknown operation {key}")

    def branch(self, kind: str, name: str, new: str) -> Any:
        self.writer(name)
        start = self.json.get("startingPoint", "main")
        repository, commit = self.at(kind, name, start)
        if new in repository.branches:
            raise Refused(409, f"Reference already exists: {new}")
        repository.branches[new] = commit.sha
        return {}

    def tag(self, kind: str, name: str, revision: str) -> Any:
        self.writer(name)
        repository, commit = self.at(kind, name, revision)
        if self.json["tag"] in repository.tags:
            raise Refused(409, "Tag reference exists already")
        repository.tags[self.json["tag"]] = commit.sha
        return {}

    def resolve(self, name: str, revision: str, path: str, kind: str = "models") -> Any:
        _, commit = self.at(kind, name, revision)
        self.readable(kind, name)
        blob = commit.tree.get(path)
        if blob is None:
            raise Refused(404, "Entry not found", "EntryNotFound")
        linked = {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))} if blob.lfs else {}
        return blob.content, {"ETag": f'"{blob.etag}"', "X-Repo-Commit": commit.sha} | linked


Page = Callable[..., Any]
ROUTES: tuple[tuple[tuple[str, ...], re.Pattern[str], Page], ...] = tuple(
    (methods, re.compile(pattern), page)
    for methods, pattern, page in (
        (("GET",), "/api/whoami-v2", Handler.whoami),
        (("POST",), "/api/repos/create", Handler.create),
        (("POST",), "/api/validate-yaml", Handler.validate),
        (("GET",), API, Handler.info),
        (("GET",), rf"{API}/auth-check", Handler.readable),
        (("GET",), rf"{API}/revision/(?P<revision>[^/]+)", Handler.info),
        (("GET",), rf"{API}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?", Handler.tree),
        (("GET",), rf"{API}/refs", Handler.refs),
        (("POST",), rf"{API}/preupload/(?P<revision>[^/]+)", Handler.preupload),
        (("POST",), rf"{API}/commit/(?P<revision>[^/]+)", Handler.commit),
        (("POST",), rf"{API}/branch/(?P<new>[^/]+)", Handler.branch),
        (("POST",), rf"{API}/tag/(?P<revision>[^/]+)", Handler.tag),
        (("POST",), rf"{GIT}\.git/info/lfs/objects/batch", Handler.batch),
        (("PUT",), r"/lfs/(?P<oid>[0-9a-f]{64})", Handler.put_object),
        (("PUT",), r"/lfs/(?P<oid>[0-9a-f]{64})/part/(?P<part>\d+)", Handler.put_part),
        (("POST",), r"/lfs/(?P<oid>[0-9a-f]{64})/complete", Handler.complete),
        (("POST",), r"/lfs/(?P<oid>[0-9a-f]{64})/verify", Handler.verify),
        (("GET", "HEAD"), rf"{GIT}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.resolve),
    )
)
