"""A hub on this machine: the few addresses that huggingface_hub asks for, answered as the real one answers them."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves folders as repositories; `gated` repositories list their files, but give none without a login."""

    def __init__(self, repositories: dict[str, Path], gated: set[str] = frozenset()) -> None:
        hub = self
        self.repositories, self.gated = repositories, gated
        self.fetched: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        parts = urlsplit(request.path).path.strip("/").split("/")
        api = parts[0] == "api"
        owner, name, verb, *rest = [*(parts[2:] if api else parts), "", "", "", ""]
        repository = f"{owner}/{name}"
        folder = self.repositories.get(repository)
        if folder is None:
            return self._send(request, 404, {"X-Error-Code": "RepoNotFound"}, b"{}", body)
        if api and verb == "revision" and rest[0] not in ("main", COMMIT):
            return self._send(request, 404, {"X-Error-Code": "RevisionNotFound"}, b"{}", body)
        if api:
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            tree = [
                {
                    "type": "file",
                    "path": path.relative_to(folder).as_posix(),
                    "size": path.stat().st_size,
                    "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
                }
                for path in files
            ]
            data = tree if verb == "tree" else {"id": repository, "sha": COMMIT, "siblings": []}
            return self._send(request, 200, {}, json.dumps(data).encode(), body)
        if repository in self.gated:
            return self._send(request, 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Restricted"}, b"", body)
        path = folder / "/".join(part for part in rest[1:] if part)
        if body:
            self.fetched.append(path.name)
        data = path.read_bytes()
        return self._send(
            request, 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}, data, body
        )

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], data: bytes, body: bool
    ) -> None:
        request.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(data))}.items():
            request.send_header(key, value)
        request.end_headers()
        if body:
            request.wfile.write(data)


def run_with_hub(code: str, url: str, cache: Path, **variables: str) -> str:
    """What `code` prints, run in a process whose hub is at `url`; a GrowmergeError is printed."""
    lines = ["from growmerge.errors import GrowmergeError", "try:", f"    {code}"]
    program = "\n".join([*lines, "except GrowmergeError as error:", "    print(error)"])
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **variables}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
