"""The public bucket of the Software Heritage archive on this machine, with the faults that networks have."""

import gzip
import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler

from local_server import LocalServer


def sha1(content: bytes) -> str:
    """The id of an object in the archive."""
    return hashlib.sha1(content).hexdigest()


class ArchiveServer(LocalServer):
    """Serves objects as gzip under their SHA-1, as the bucket does; what it has not, it answers as S3 does.

    `faults` maps ids to the answers that come before the right one: HTTP statuses, or bodies that take its place.
    `bodies` maps ids to what is served for them always. `requests` counts them by id; `most` is the largest number of
    requests that were under way at a time, of which each waits for `delay` seconds.
    """

    def __init__(self, contents: list[bytes]) -> None:
        super().__init__()
        self.bodies = {sha1(content): gzip.compress(content) for content in contents}
        self.faults: dict[str, list[int | bytes]] = {}
        self.requests: Counter[str] = Counter()
        self.absent = 404
        self.delay = 0.0
        self.most = 0
        self._under_way = 0
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"{self.url}/content"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.removeprefix("/content/")
        with self._lock:
            self.requests[name] += 1
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            faults = self.faults.get(name, [])
            fault = faults.pop(0) if faults else None
        threading.Event().wait(self.delay)
        with self._lock:
            self._under_way -= 1
        if isinstance(fault, int):
            self.send(request, fault, b"<Error/>")
        elif name in self.bodies:
            self.send(request, 200, self.bodies[name] if fault is None else fault)
        else:
            self.send(request, self.absent, b"<Error><Code>NoSuchKey</Code></Error>")
