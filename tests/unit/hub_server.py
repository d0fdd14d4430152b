"""A hub on this machine: the few addresses that huggingface_hub asks for, answered as the real one answers them."""

import hashlib
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from local_server import LocalServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(LocalServer):
    """Serves folders as repositories; `gated` repositories list their files, but give none without a login."""

    def __init__(self, repositories: dict[str, Path], gated: set[str] = frozenset()) -> None:
        super().__init__()
        self.repositories, self.gated = repositories, gated
        self.fetched: list[str] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path).path.strip("/").split("/")
        api = parts[0] == "api"
        owner, name, verb, *rest = [*(parts[2:] if api else parts), "", "", "", ""]
        repository = f"{owner}/{name}"
        folder = self.repositories.get(repository)
        if folder is None:
            return self.send(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if api and verb == "revision" and rest[0] not in ("main", COMMIT):
            return self.send(request, 404, b"{}", {"X-Error-Code": "RevisionNotFound"})
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
            return self.send(request, 200, json.dumps(data).encode(), {"Content-Type": "application/json"})
        if repository in self.gated:
            return self.send(request, 401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Restricted"})
        path = folder / "/".join(part for part in rest[1:] if part)
        if request.command == "GET":
            self.fetched.append(path.name)
        data = path.read_bytes()
        return self.send(request, 200, data, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})


def run_with_hub(code: str, url: str, cache: Path, **variables: str) -> str:
    """What `code` prints, run in a process whose hub is at `url`; a GrowmergeError is printed."""
    lines = ["from growmerge.errors import GrowmergeError", "try:", f"    {code}"]
    program = "\n".join([*lines, "except GrowmergeError as error:", "    print(error)"])
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **variables}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
