"""A hub on this machine that is written to: repositories, branches, commits, and large files by the LFS protocol.

It answers what huggingface_hub asks as the real one does (https://huggingface.co/docs/hub/api), in memory.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from huggingface_hub import ModelCard
from local_server import LocalServer

LARGE = (".safetensors", ".parquet", ".bin")
_REPOSITORY = re.compile(
    r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(refs|commits|branch|tree|preupload|commit)(?:/(.*))?)?"
)
_BATCH = re.compile(r"/(?:datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch")


@dataclass(frozen=True)
class Stored:
    """A file of a commit; a `large` one is a pointer in git."""

    data: bytes
    large: bool

    @property
    def pointer(self) -> bytes:
        digest = hashlib.sha256(self.data).hexdigest()
        lines = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(self.data)}\n"
        return lines.encode() if self.large else self.data

    def entry(self, path: str) -> dict:
        blob = hashlib.sha1(b"blob %d\0" % len(self.pointer) + self.pointer).hexdigest()
        entry = {"type": "file", "path": path, "size": len(self.data), "oid": blob}
        large = {"oid": hashlib.sha256(self.data).hexdigest(), "size": len(self.data), "pointerSize": len(self.pointer)}
        return entry | ({"lfs": large} if self.large else {})


@dataclass
class Repository:
    """Branches as the list of their commits, newest first; the files of each commit."""

    private: bool
    branches: dict[str, list[str]] = field(default_factory=dict)
    commits: dict[str, dict[str, Stored]] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, Stored]) -> str:
        history = self.branches.setdefault(branch, [])
        commit = hashlib.sha1(f"{branch} {len(self.commits)}".encode()).hexdigest()
        self.commits[commit] = files
        history.insert(0, commit)
        return commit

    def files(self, revision: str) -> dict[str, Stored] | None:
        commit = self.branches[revision][0] if revision in self.branches else revision
        return self.commits.get(commit)


class WritableHub(LocalServer):
    """`rights` say by token whether its owner may 'write' or 'read'; other tokens are unknown.

    `on` sees each request (method, path) before it is answered. If it returns True, the connection breaks.
    """

    def __init__(self, rights: dict[str, str]) -> None:
        super().__init__()
        self.rights = rights
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.sent: list[str] = []  # the paths of files in commits
        self.on: Callable[[str, str], bool | None] = lambda _method, _path: None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(request.path).path)
        if self.on(request.command, path):
            request.close_connection = True
            request.connection.close()
            return
        if path.startswith("/lfs/"):  # signed addresses, which need no token
            return self._keep(request, path.removeprefix("/lfs/"), body)
        right = self.rights.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if right is None:
            return self._say(request, {"error": "Invalid username or password."}, 401)
        if path == "/api/whoami-v2":
            return self._say(request, {"name": "me", "type": "user", "orgs": []})
        if request.command != "GET" and right != "write" and path != "/api/validate-yaml":
            return self._say(request, {"error": "Forbidden: you must use a write token"}, 403)
        if path == "/api/validate-yaml":
            return self._validate(request, json.loads(body))
        if path == "/api/repos/create":
            return self._create(request, json.loads(body))
        if match := _BATCH.fullmatch(path):
            return self._batch(request, json.loads(body))
        match = _REPOSITORY.fullmatch(path)
        assert match, f"{request.command} {path}: what is asked for is not known here"
        kind, name, verb, rest = match.groups()
        repository = self.repositories.get(name)
        if repository is None:
            return self._say(request, {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        getattr(self, f"_{verb or 'info'}")(
            request, repository, rest, body, f"{'datasets/' * (kind == 'datasets')}{name}"
        )

    def _say(self, request, data, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(request, status, json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _validate(self, request, asked) -> None:
        data = ModelCard(asked["content"], ignore_metadata_errors=False).data.to_dict()
        bases = data.get("base_model") or []
        bad = [base for base in bases if not re.fullmatch(r"[\w.-]+/[\w.-]+", base)]
        errors = [{"message": f'"base_model" with value "{base}" is not valid'} for base in bad]
        self._say(request, {"errors": errors, "warnings": []}, 400 if errors else 200)

    def _create(self, request, asked) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.repositories:
            return self._say(request, {"error": "You already created this repo"}, 409)
        self.repositories[name] = Repository(asked["visibility"] == "private")
        self.repositories[name].commit("main", {".gitattributes": Stored(b"*.safetensors filter=lfs\n", False)})
        prefix = "datasets/" if asked.get("type") == "dataset" else ""
        self._say(request, {"url": f"{self.url}/{prefix}{name}"})

    def _info(self, request, repository, _rest, _body, name) -> None:
        self._say(request, {"id": name, "sha": repository.branches["main"][0], "siblings": []})

    def _refs(self, request, repository, _rest, _body, _name) -> None:
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": history[0]}
            for name, history in repository.branches.items()
        ]
        self._say(request, {"branches": branches, "converts": [], "tags": []})

    def _commits(self, request, repository, revision, _body, _name) -> None:
        about = {"authors": [], "date": "2026-11-28T12:00:00.000Z", "title": "", "message": ""}
        self._say(request, [{"id": commit, **about} for commit in repository.branches[revision]])

    def _branch(self, request, repository, branch, body, _name) -> None:
        if branch in repository.branches:
            return self._say(request, {"error": "Reference already exists"}, 409)
        start = json.loads(body).get("startingPoint", repository.branches["main"][0])
        repository.branches[branch] = [start]
        self._say(request, {})

    def _tree(self, request, repository, revision, _body, _name) -> None:
        files = repository.files(revision)
        if files is None:
            return self._say(request, {"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        self._say(request, [stored.entry(path) for path, stored in files.items()])

    def _preupload(self, request, repository, revision, body, _name) -> None:
        there = repository.files(revision) or {}
        asked = json.loads(body)["files"]
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
                "oid": there[file["path"]].entry("")["oid"] if file["path"] in there else None,
            }
            for file in asked
        ]
        self._say(request, {"files": modes})

    def _batch(self, request, asked) -> None:
        objects = [
            {"oid": o["oid"], "size": o["size"]}
            | (
                {}
                if o["oid"] in self.large
                else {
                    "actions": {
                        "upload": {"href": f"{self.url}/lfs/{o['oid']}"},
                        "verify": {"href": f"{self.url}/lfs/verify"},
                    }
                }
            )
            for o in asked["objects"]
        ]
        self._say(request, {"transfer": "basic", "objects": objects})

    def _keep(self, request, oid: str, body: bytes) -> None:
        if oid == "verify":
            asked = json.loads(body)
            good = len(self.large.get(asked["oid"], b"")) == asked["size"]
            return self._say(request, {}, 200 if good else 404)
        good = hashlib.sha256(body).hexdigest() == oid
        if good:
            self.large[oid] = body
        self._say(request, {}, 200 if good else 400)

    def _commit(self, request, repository, branch, body, name) -> None:
        files = dict(repository.files(branch))
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = Stored(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                files[value["path"]] = Stored(self.large[value["oid"]], True)
            else:
                continue
            self.sent.append(f"{name}@{branch}/{value['path']}")
        commit = repository.commit(branch, files)
        self._say(request, {"commitUrl": f"{self.url}/{name}/commit/{commit}", "commitOid": commit})
