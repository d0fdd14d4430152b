"""Repositories of the hub that are written to. No error, log or traceback holds the token."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from growmerge.errors import GrowmergeError
from growmerge.publishing.contents import Content, Remote

Kind = Literal["model", "dataset"]
TOKEN = "HF_TOKEN"
SETTINGS = "https://huggingface.co/settings/tokens"
AGAIN = "run `snakemake publish` again, it goes on where it stopped"


def token_of_environment() -> str:
    """The token in HF_TOKEN. One that was stored by `hf auth login` is not taken: to publish is said each time anew.

    Raises GrowmergeError if there is none, or what cannot be one.
    """
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise GrowmergeError(
            f"{TOKEN}: is not set: make a token with the right to write at {SETTINGS} and give it in the environment"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise GrowmergeError(f"{TOKEN}: is no token: it has a blank, a line break or letters beyond ASCII within")
    return token


class Hub:
    """The hub as the owner of a token sees it."""

    def __init__(self, token: str, endpoint: str | None = None) -> None:
        """`endpoint`: the hub's address; default: that of huggingface_hub (HF_ENDPOINT)."""
        from huggingface_hub import HfApi
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()  # a log keeps each step of a bar
        self._token = token
        self._api = HfApi(endpoint=endpoint, token=token)
        self._first: dict[str, str] = {}  # commits of repositories, for all of their branches

    def check_token(self) -> None:
        """Raise GrowmergeError if the hub does not know the token, or cannot be reached."""
        with self._told("the hub"):
            self._api.whoami()

    def heads(self, repository: str, kind: Kind = "model") -> dict[str, str] | None:
        """The branches of a repository, each with its newest commit; None if there is no such repository."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._told(repository):
            try:
                refs = self._api.list_repo_refs(repository, repo_type=kind)
            except RepositoryNotFoundError:
                return None
            return {branch.name: branch.target_commit for branch in refs.branches}

    def files(self, repository: str, commit: str, kind: Kind = "model") -> dict[str, Remote]:
        """The files of a commit by their paths."""
        from huggingface_hub import RepoFile

        with self._told(repository):
            tree = self._api.list_repo_tree(repository, recursive=True, revision=commit, repo_type=kind)
            return {
                file.path: Remote(file.blob_id, file.lfs.sha256 if file.lfs else None)
                for file in tree
                if isinstance(file, RepoFile)
            }

    def create(self, repository: str, *, private: bool, kind: Kind = "model") -> None:
        """Make a repository."""
        with self._told(repository):
            self._api.create_repo(repository, private=private, repo_type=kind, exist_ok=True)

    def begin(self, repository: str, branch: str) -> None:
        """Make a branch of a model that has nothing of `main`.

        By default the hub lets a branch begin as a copy of `main`. If the run ended then, the branch would serve the
        weights of the finished model as those of a checkpoint. So it begins at the first commit, which has no weights.
        """
        with self._told(repository):
            if repository not in self._first:
                self._first[repository] = self._api.list_repo_commits(repository)[-1].commit_id
            self._api.create_branch(repository, branch=branch, revision=self._first[repository], exist_ok=True)

    def send(
        self, repository: str, branch: str, contents: Sequence[Content], message: str, kind: Kind = "model"
    ) -> None:
        """Add files in one commit: the branch has all of them afterwards, or none."""
        from huggingface_hub import CommitOperationAdd

        with self._told(repository):
            added = [
                CommitOperationAdd(
                    content.name, str(content.source) if isinstance(content.source, Path) else content.source
                )
                for content in contents
            ]
            self._api.create_commit(repository, added, commit_message=message, revision=branch, repo_type=kind)

    @contextmanager
    def _told(self, place: str) -> Iterator[None]:
        """Turn what huggingface_hub raises into one line, without the errors before it: they may quote headers."""
        from huggingface_hub.errors import HfHubHTTPError, HTTPError

        try:
            yield
        except (HTTPError, OSError, RuntimeError, ValueError) as error:
            answer = next((e.response for e in _causes(error) if isinstance(e, HfHubHTTPError)), None)
            raise GrowmergeError(self._line(place, answer.status_code if answer else None, error)) from None

    def _line(self, place: str, status: int | None, error: BaseException) -> str:
        reason = self._reason(error)
        if status == 401:
            return f"{TOKEN}: the hub does not accept this token; make one at {SETTINGS}"
        if status == 403:
            return (
                f"{place}: the token in {TOKEN} may not write there: give it the right to write at {SETTINGS}, or "
                "change publish.account"
            )
        if status is not None:
            return f"{place}: the hub answers {status} ({reason}); if it is overloaded, {AGAIN}"
        return f"{place}: cannot be reached ({reason}): check the network and HF_ENDPOINT, then {AGAIN}"

    def _reason(self, error: BaseException) -> str:
        """The innermost cause in one line, without the token."""
        *_, first = _causes(error)
        lines = [line.strip() for line in str(first).splitlines() if line.strip()]
        return (lines[-1] if lines else type(first).__name__).replace(self._token, "...")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it, the innermost last."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__
