"""To publish a study: look at what is there, send what is missing, read back, compare every digest."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from growmerge.artifacts import read_manifest, write_atomically
from growmerge.cards.cards import Cards
from growmerge.errors import GrowmergeError
from growmerge.models.card import CARD
from growmerge.publishing.contents import Content, Remote, of_artifact
from growmerge.publishing.hub import Hub, Kind
from growmerge.publishing.tables import of_tables
from growmerge.study.layout import Layout
from growmerge.study.publication import MAIN, Publication

logger = logging.getLogger(__name__)
# Whatever transformers or another program would load in place of the weights that are meant.
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx")
RECORD = "published.csv"


@dataclass(frozen=True)
class Shipment:
    """What one branch of a repository is to hold: a model, a checkpoint (`folder`) or the tables (None)."""

    repository: str
    branch: str
    contents: list[Content]
    about: str
    folder: Path | None = None
    kind: Kind = "model"

    @property
    def place(self) -> str:
        """As errors and logs name it."""
        return f"{self.repository}, branch {self.branch}"

    def strange(self, there: Mapping[str, Remote]) -> list[str]:
        """Faults of a branch that would be loaded as other weights, whatever is sent."""
        own = {content.name for content in self.contents}
        return [
            f"{self.place}: has {name}, which {self.folder} has not"
            for name in there
            if self.folder and name not in own and name.endswith(WEIGHTS)
        ]

    def differing(self, there: Mapping[str, Remote]) -> list[str]:
        """Faults of a branch that holds other files by these names. Tables may be replaced, and so may notes."""
        return [
            f"{self.place}: serves another {content.name} than {self.folder}"
            for content in self.contents
            if self.folder and content.name in there and not content.is_note and not content.same(there[content.name])
        ]

    def missing(self, there: Mapping[str, Remote]) -> list[Content]:
        """What is to be sent."""
        return [content for content in self.contents if not content.same(there.get(content.name))]


def publish(layout: Layout, chosen: Publication, hub: Hub) -> None:
    """Send what is chosen, and write results/{study}/published.csv.

    A branch whose files have the same digests is left alone, so that a run which was cut off goes on. Before anything
    is sent, all branches are looked at: if one serves other weights, nothing is sent. Afterwards every file of every
    branch is compared again. Raises GrowmergeError for damaged files, for other weights on the hub, and if the hub
    cannot be reached or refuses.
    """
    shipments = list(_shipments(layout, chosen))
    hub.check_token()
    heads = {repository: hub.heads(repository, kind) for repository, kind in _repositories(shipments).items()}
    there = [_files(hub, shipment, heads[shipment.repository]) for shipment in shipments]
    faults = [
        fault
        for shipment, files in zip(shipments, there, strict=True)
        for fault in [*shipment.differing(files), *shipment.strange(files)]
    ]
    faults += _unknown_checkpoints(chosen, shipments, heads)
    if faults:
        what = (
            f"nothing is sent, as {len(faults)} files or branches on the hub are not those of this study; remove the "
            "branch or repository there, or choose another account:"
        )
        raise GrowmergeError("\n".join([what, *faults]))
    for shipment, files in zip(shipments, there, strict=True):
        if missing := shipment.missing(files):
            _send(hub, shipment, missing, heads[shipment.repository], private=chosen.settings.private)
            heads[shipment.repository] = {MAIN: "", **(heads[shipment.repository] or {}), shipment.branch: ""}
        else:
            logger.info("%s: is there already", shipment.place)
    commits = _compare(hub, shipments)
    write_atomically(Path(layout.results, RECORD), _record(shipments, commits))
    logger.info(
        "%d branches of %d repositories agree with the files here, digest by digest: %s",
        *(len(shipments), len(heads), Path(layout.results, RECORD)),
    )


def _shipments(layout: Layout, chosen: Publication) -> Iterator[Shipment]:
    """All branches, that of the finished model before those of its checkpoints."""
    cards = Cards(layout, chosen.by_model())
    for repository in chosen.repositories:
        for branch in repository.branches():
            _refuse_outdated(branch.folder)
            card = Content.of_bytes(CARD, cards.card(branch).text().encode())
            contents = [*of_artifact(branch.folder), card]
            yield Shipment(repository.name, branch.name, contents, branch.id, branch.folder)
    if chosen.tables:
        yield Shipment(chosen.tables, MAIN, of_tables(layout), "tables", kind="dataset")


def _refuse_outdated(folder: Path) -> None:
    """Raise GrowmergeError for a model whose parent, text or members were made again since."""
    for source, digest in read_manifest(folder).inputs.items():
        if Path(source).exists() and read_manifest(Path(source)).digest != digest:
            raise GrowmergeError(
                f"{folder}: was made from another {source} than there is now: make it again (`snakemake {folder}`), or "
                "its card would tell of other ancestors"
            )


def _repositories(shipments: list[Shipment]) -> dict[str, Kind]:
    return {shipment.repository: shipment.kind for shipment in shipments}


def _files(hub: Hub, shipment: Shipment, heads: Mapping[str, str] | None) -> dict[str, Remote]:
    """What the branch of a shipment holds now."""
    commit = (heads or {}).get(shipment.branch)
    return hub.files(shipment.repository, commit, shipment.kind) if commit else {}


def _unknown_checkpoints(
    chosen: Publication, shipments: list[Shipment], heads: Mapping[str, Mapping[str, str] | None]
) -> list[str]:
    """Branches on the hub that are named like checkpoints, of which the training here has none."""
    if not chosen.settings.checkpoints:
        return []
    known = {(shipment.repository, shipment.branch) for shipment in shipments}
    return [
        f"{repository}, branch {branch}: the training here has no such checkpoint"
        for repository, branches in heads.items()
        for branch in branches or ()
        if branch.startswith("step-") and (repository, branch) not in known
    ]


def _send(
    hub: Hub, shipment: Shipment, missing: list[Content], heads: Mapping[str, str] | None, *, private: bool
) -> None:
    for content in missing:
        content.check()
    if heads is None:
        hub.create(shipment.repository, private=private, kind=shipment.kind)
    if shipment.branch not in {MAIN, *(heads or ())}:
        hub.begin(shipment.repository, shipment.branch)
    logger.info("%s: %s", shipment.place, ", ".join(content.name for content in missing))
    hub.send(shipment.repository, shipment.branch, missing, f"{shipment.about}, by growmerge", shipment.kind)


def _compare(hub: Hub, shipments: list[Shipment]) -> dict[tuple[str, str], str]:
    """The commit of each (repository, branch), after every digest was compared with what is here."""
    heads = {repository: hub.heads(repository, kind) or {} for repository, kind in _repositories(shipments).items()}
    faults, commits = [], {}
    for shipment in shipments:
        there = _files(hub, shipment, heads[shipment.repository])
        faults += shipment.strange(there)
        faults += [
            f"{shipment.place}: serves {'another' if content.name in there else 'no'} {content.name}"
            for content in shipment.missing(there)
        ]
        commits[shipment.repository, shipment.branch] = heads[shipment.repository].get(shipment.branch, "")
    if faults:
        what = f"read back, {len(faults)} files on the hub are not those that were sent:"
        raise GrowmergeError("\n".join([what, *faults]))
    return commits


def _record(shipments: list[Shipment], commits: Mapping[tuple[str, str], str]) -> str:
    """What is where, as CSV: the digest is that of the manifest here, the commit is the hub's."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "repository", "branch", "commit", "digest"])
    for shipment in shipments:
        digest = read_manifest(shipment.folder).digest if shipment.folder else ""
        commit = commits[shipment.repository, shipment.branch]
        writer.writerow([shipment.about, shipment.repository, shipment.branch, commit, digest])
    return text.getvalue()
