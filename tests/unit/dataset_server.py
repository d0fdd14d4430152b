"""A hub of datasets on this machine: the addresses that `datasets` asks for, answered as the real one answers them."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_server import LocalServer

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class DatasetServer(LocalServer):
    """Serves {repository: folder}, every revision alike; `revisions` are those that were asked for."""

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__()
        self.repositories = repositories
        self.revisions: set[str] = set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = [unquote(part) for part in urlsplit(request.path).path.strip("/").split("/")]
        api = parts[0] == "api"
        owner, name, verb, revision, *rest = [*parts[2 if api else 1 :], "", "", "", ""]
        folder = self.repositories.get(f"{owner}/{name}")
        if folder is None:  # agent tracking and the like
            return self._json(request, 404, {}, {"X-Error-Code": "RepoNotFound"})
        if revision:
            self.revisions.add(revision)
        path = folder.joinpath(*filter(None, rest))
        if not api:
            self._file(request, path)
        elif verb == "tree":
            found = path.rglob("*") if "recursive=true" in request.path.lower() else path.iterdir()
            self._json(request, 200, [self._entry(folder, p) for p in sorted(found)] if path.is_dir() else [])
        else:
            self._json(request, 200, {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": []})

    def _entry(self, folder: Path, path: Path) -> dict[str, object]:
        about = {"path": path.relative_to(folder).as_posix(), "oid": hashlib.sha1(str(path).encode()).hexdigest()}
        return about | ({"type": "directory"} if path.is_dir() else {"type": "file", "size": path.stat().st_size})

    def _file(self, request: BaseHTTPRequestHandler, path: Path) -> None:
        if not path.is_file():
            return self._json(request, 404, {}, {"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        span = request.headers.get("Range", "")
        if span.startswith("bytes="):
            first, last = span.removeprefix("bytes=").split("-")
            start, stop = int(first), min(int(last) + 1 if last else len(data), len(data))
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
            return self.send(request, 206, data[start:stop], headers)
        return self.send(request, 200, data, headers)

    def _json(
        self, request: BaseHTTPRequestHandler, status: int, data: object, headers: dict[str, str] | None = None
    ) -> None:
        self.send(request, status, json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})})
