"""Objects of the Software Heritage archive, over HTTP: a gzip each, under the SHA-1 of what it holds.

"Contents on S3" of the archive's documentation of its dataset names the bucket, which needs no account:
https://docs.softwareheritage.org/devel/swh-export/graph/dataset.html.
"""

from __future__ import annotations

import hashlib
import random
import threading
import zlib
from collections.abc import Iterable
from typing import Literal

from growmerge.config.corpora import MOST_CHARACTERS
from growmerge.errors import GrowmergeError
from growmerge.lazily import lazily

with lazily():
    import httpx2

Loss = Literal["missing", "damaged", "too_long"]

MOST_BYTES = MOST_CHARACTERS  # of an object: a text has no more characters than bytes
TIMEOUT = 60.0  # seconds for a connection, and for each piece of an answer
FIRST_DELAY = 1.0  # seconds before the second attempt; doubled before each further one
ATTEMPTS = 7  # over a minute in all
ATTEMPTS_IF_DAMAGED = 2
_GZIP = 31  # for zlib: a gzip header, and windows of any size
# S3 answers 403 for a key that is not there to those who may not list the bucket.
_ABSENT = (403, 404, 410)
_BUSY = (408, 429, 500, 502, 503, 504)


class _NotThisTime(Exception):
    """Why an attempt failed that may succeed later."""


class _Damaged(_NotThisTime):
    pass


class Archive:
    """A bucket that objects are fetched from, by many threads at a time."""

    def __init__(self, url: str, at_once: int) -> None:
        self._url = url
        self._client = httpx2.Client(limits=httpx2.Limits(max_connections=at_once), timeout=TIMEOUT)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let threads that wait for their next attempt give up."""
        self._stopped.set()

    def close(self) -> None:
        """Close all connections, when no thread uses them any more."""
        self._client.close()

    def fetch(self, sha1: str) -> bytes | Loss:
        """What the object holds, which has this SHA-1; or why it cannot be had.

        It is `damaged` if it is no gzip of bytes with this digest, twice; `too_long` above `MOST_BYTES`, of which no
        more are unpacked. Raises GrowmergeError if the archive does not answer, or refuses, after `ATTEMPTS` attempts.
        """
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt and self._stopped.wait(FIRST_DELAY * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)):
                break
            try:
                return self._attempt(sha1)
            except _NotThisTime as error:
                if isinstance(error, _Damaged) and attempt + 1 >= ATTEMPTS_IF_DAMAGED:
                    return "damaged"
                reason = str(error)
        raise GrowmergeError(
            f"{self._url}/{sha1}: cannot be fetched ({reason}); check the network and run again, what was fetched "
            "is kept"
        )

    def _attempt(self, sha1: str) -> bytes | Loss:
        try:
            with self._client.stream("GET", f"{self._url}/{sha1}") as response:
                if response.status_code in _ABSENT:
                    return "missing"
                if response.status_code in _BUSY:
                    raise _NotThisTime(f"HTTP status {response.status_code}")
                if response.status_code != 200:
                    raise self._no_archive(sha1, f"HTTP status {response.status_code}")
                content = unpacked(response.iter_raw())
        except zlib.error as error:
            raise _Damaged(str(error)) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise self._no_archive(sha1, str(error)) from error
        except httpx2.TransportError as error:
            raise _NotThisTime(str(error) or type(error).__name__) from error
        if content is None:
            return "too_long"
        if hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1:
            raise _Damaged("its bytes have another SHA-1")
        return content

    def _no_archive(self, sha1: str, reason: str) -> GrowmergeError:
        return GrowmergeError(f"{self._url}/{sha1}: {reason}; see that `url` is the address of the archive's objects")


def unpacked(pieces: Iterable[bytes]) -> bytes | None:
    """The content of a gzip that comes in pieces; None if it, or the gzip itself, has more than `MOST_BYTES`.

    No more than that is held in memory. Raises zlib.error for what is no gzip, or ends early.
    """
    unpacker = zlib.decompressobj(_GZIP)
    content = bytearray()
    read = 0
    for piece in pieces:
        read += len(piece)
        content += unpacker.decompress(piece, MOST_BYTES + 1 - len(content))
        if max(read, len(content)) > MOST_BYTES:
            return None
    if not unpacker.eof:
        raise zlib.error("the gzip ends early")
    return bytes(content)
