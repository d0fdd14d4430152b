"""The intermediate checkpoints that a finished training has published."""

from __future__ import annotations

from pathlib import Path

from growmerge.artifacts import read_manifest
from growmerge.errors import GrowmergeError
from growmerge.study.layout import step_folder


def published_checkpoint(holder: Path, step: int) -> Path:
    """The checkpoint after `step`: in the folder of a training's checkpoints, or `holder` itself where it is taken.

    Raises GrowmergeError if the training was not as long as the configuration expected and has no such step.
    """
    if (holder / "config.json").exists():
        return holder
    folder = holder / step_folder(step)
    if not folder.exists():
        names = sorted(path.name for path in holder.glob("step-*"))
        shards = [name for name in read_manifest(holder).inputs if "/tokens/" in name]
        raise GrowmergeError(
            f"{folder}: the training saved no such checkpoint, but {', '.join(names) or 'none'}: its corpora have "
            "another size than `corpora.expected` says. Correct `expected` after the facts in the manifests of "
            f"{', '.join(shards[:3])}{', ...' if shards[3:] else ''}, or change `checkpoint_every`, and run again"
        )
    return folder
