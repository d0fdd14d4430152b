"""What the hub says of a repository at a revision."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from growmerge.errors import GrowmergeError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT = 20  # seconds for an answer
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHOWN = 5  # names, if none is near


@dataclass(frozen=True)
class Repository:
    """A repository: `missing` says why it is not there, `no_answer` why that is unknown.

    `unpinned` is the commit at which the revision stands now, if it is a branch, which can move; `files` are the paths
    of its files.
    """

    missing: str = ""
    no_answer: str = ""
    gated: bool = False
    access: bool = True
    unpinned: str = ""
    files: tuple[str, ...] = ()


def look_up(kind: Literal["model", "dataset"], name: str, revision: str | None) -> Repository:
    """What the hub says. Raises GrowmergeError if it cannot be reached at all."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    api = HfApi()
    try:
        try:
            asked = api.model_info if kind == "model" else api.dataset_info
            info = asked(name, revision=revision, timeout=TIMEOUT)
        except RevisionNotFoundError:
            return Repository(
                missing=f"no revision '{revision}': {nearest(revision or '', _references(api, kind, name))}"
            )
        except GatedRepoError:
            return Repository(gated=True, access=False)
        except RepositoryNotFoundError:
            owner = name.split("/")[0]
            listed = (api.list_models if kind == "model" else api.list_datasets)(author=owner)
            others = nearest(name, [repository.id for repository in listed])
            return Repository(missing=f"the hub has no such {kind}, or it is private: {others}")
        movable = not _COMMIT.fullmatch(revision or "") and revision not in _tags(api, kind, name)
        return Repository(
            gated=bool(info.gated),
            access=not info.gated or _has_access(api, kind, name),
            unpinned=(info.sha or "") if movable else "",
            files=tuple(file.rfilename for file in info.siblings or []),
        )
    except HFValidationError:
        return Repository(missing="no such folder, and no repository of the hub, which is 'owner/name'")
    except HfHubHTTPError as error:
        return Repository(no_answer=str(error).strip().splitlines()[0])
    except (HTTPError, OSError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise GrowmergeError(
            f"the hub ({api.endpoint}) cannot be reached, so nothing is known of what this study needs ({reason}): "
            "check the network, HF_HUB_OFFLINE and HF_ENDPOINT, and run this where there is a network"
        ) from error


def nearest(name: str, known: Iterable[str]) -> str:
    """The nearest of the names that there are, else some of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if near:
        return f"the nearest is '{near[0]}'"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are {', '.join(names[:_SHOWN])}{more}" if names else "there are none"


def _has_access(api: HfApi, kind: str, name: str) -> bool:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        api.auth_check(name, repo_type=kind)
    except RepositoryNotFoundError:  # gated for this account
        return False
    return True


def _references(api: HfApi, kind: str, name: str) -> list[str]:
    references = api.list_repo_refs(name, repo_type=kind)
    return [reference.name for reference in [*references.branches, *references.tags]]


def _tags(api: HfApi, kind: str, name: str) -> list[str]:
    return [reference.name for reference in api.list_repo_refs(name, repo_type=kind).tags]
