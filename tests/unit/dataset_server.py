"""A hub of datasets on this machine: the addresses that `datasets` asks for, answered as the real one answers them."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class DatasetServer:
    """Serves {repository: folder}, every revision alike; `revisions` are those that were asked for."""

    def __init__(self, repositories: dict[str, Path]) -> None:
        hub = self
        self.repositories = repositories
        self.revisions: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> "DatasetServer":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = [unquote(part) for part in urlsplit(request.path).path.strip("/").split("/")]
        api = parts[0] == "api"
        owner, name, verb, revision, *rest = [*parts[2 if api else 1 :], "", "", "", ""]
        folder = self.repositories.get(f"{owner}/{name}")
        if folder is None:  # agent tracking and the like
            return self._send(request, 404, {}, {"X-Error-Code": "RepoNotFound"})
        if revision:
            self.revisions.add(revision)
        path = folder.joinpath(*filter(None, rest))
        if not api:
            self._file(request, path)
        elif verb == "tree":
            found = path.rglob("*") if "recursive=true" in request.path.lower() else path.iterdir()
            self._send(request, 200, [self._entry(folder, p) for p in sorted(found)] if path.is_dir() else [])
        else:
            self._send(request, 200, {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": []})

    def _entry(self, folder: Path, path: Path) -> dict[str, object]:
        about = {"path": path.relative_to(folder).as_posix(), "oid": hashlib.sha1(str(path).encode()).hexdigest()}
        return about | ({"type": "directory"} if path.is_dir() else {"type": "file", "size": path.stat().st_size})

    def _file(self, request: BaseHTTPRequestHandler, path: Path) -> None:
        if not path.is_file():
            return self._send(request, 404, {}, {"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        span = request.headers.get("Range", "")
        if span.startswith("bytes="):
            first, last = span.removeprefix("bytes=").split("-")
            start, stop = int(first), min(int(last) + 1 if last else len(data), len(data))
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
            return self._raw(request, 206, headers, data[start:stop])
        return self._raw(request, 200, headers, data)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, data: object, headers: dict[str, str] | None = None
    ) -> None:
        self._raw(request, status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(data).encode())

    def _raw(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], data: bytes) -> None:
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)
