"""Repositories of the Hugging Face hub: their files, or one line that says why they cannot be had and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from growmerge.errors import GrowmergeError


def download(repository: str, revision: str | None, allow: Sequence[str], ignore: Sequence[str] = ()) -> Path:
    """The folder of a model repository's snapshot; it is named after the commit.

    Only files that fit a pattern of `allow` and none of `ignore` are fetched, into the cache of huggingface_hub: a
    second call, also on a node without a network, finds them there.

    Raises GrowmergeError where the repository is gated, is not there, has no such revision or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(
            snapshot_download(repository, revision=revision, allow_patterns=[*allow], ignore_patterns=[*ignore])
        )
    except HFValidationError as error:
        raise GrowmergeError(f"{repository}: is neither a folder nor a repository of the hub ('owner/name')") from error
    except GatedRepoError as error:
        raise GrowmergeError(
            f"{repository}: is gated: accept its licence on https://huggingface.co/{repository} and run `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise GrowmergeError(
            f"{repository}: the hub has no such repository, or it is private: check the name, or run `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise GrowmergeError(f"{repository}: has no revision '{revision}': give one of its commits or tags") from error
    except (HTTPError, OSError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise GrowmergeError(
            f"{repository}: cannot be fetched ({reason}): check the network and HF_HUB_OFFLINE, or run "
            f"`hf download {repository}` where there is a network and share its cache (HF_HOME)"
        ) from error


def refuse_links_to_elsewhere(folder: Path, patterns: Sequence[str]) -> None:
    """Raise GrowmergeError for the first file of `folder` that fits a pattern and is a link to outside of it.

    Whoever made the folder would decide which of the reader's files are copied. The cache of huggingface_hub
    counts as one folder: the files of its snapshots/{commit}/ are links to ../../blobs/.
    """
    home = folder.resolve()
    homes = [home, *(parent.parent / "blobs" for parent in home.parents if parent.name == "snapshots")]
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in patterns):
            target = path.resolve()
            if not any(target.is_relative_to(allowed) for allowed in homes):
                raise GrowmergeError(
                    f"{path}: is a link to {target}, outside of its folder, and is not followed; if you trust it, "
                    "put a copy of the file in its place"
                )
