"""A round: the grid is built while faults strike it, until a user would call it done."""

from __future__ import annotations

import shutil
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from random import Random

from small_disk import Disk

from faults.kinds import KINDS, Faults, Struck
from faults.run import Hangs, Run, jobs_left
from faults.study import ASKED, PHASES, RUN, STUDY, TARGETS, artifacts, content, contents
from faults.user import User
from growmerge.disk import bytes_under

COMMANDS = 12  # most that a user gives without getting on
EARLY = 0.15  # share of the faults that strike before the first job
PAUSE = 3.0  # seconds: most that a fault waits after a job has begun
AFTER = (0, 0, 1, 1, 2, 3)  # how many more jobs end before it


class Stuck(Exception):
    """A user would not know what to do."""


@dataclass
class Outcome:
    """A fault and what became of it; `problems` says what was not as it should be."""

    number: int
    kind: str
    struck: Struck
    said: list[str] = field(default_factory=list)
    commands: int = 0
    problems: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    seconds: float | None = None  # until a user went on

    def __str__(self) -> str:
        how = f"NOT RECOVERED: {'; '.join(self.problems)}" if self.problems else "recovered"
        took = f"{self.seconds or 0:.0f} s, {self.commands} commands"
        said = " / ".join(dict.fromkeys(self.said[-3:])) or "nothing"
        return f"{self.number:4}  {self.kind:20}  {self.struck.where:50}  {how} ({took}); said: {said}"


@dataclass(frozen=True)
class Built:
    """When an artifact was built, as the file system says, and from which others."""

    when: tuple[int, int]
    inputs: tuple[str, ...]


class Round:
    """Begins with a part of the undisturbed results, which are in the clone `undisturbed`.

    `disk` is that of the results, if it can be filled. `deal` draws the next kind of fault, and `report` takes a line
    about each when it is known what became of it; if more becomes known, another line. `first` is the first's number.
    """

    def __init__(
        self,
        clone: Path,
        undisturbed: Path,
        *,
        disk: Disk | None,
        draw: Random,
        deal: Callable[[], str],
        report: Callable[[str], None],
        first: int,
    ) -> None:
        self._clone, self._disk, self._draw, self._first = clone, disk, draw, first
        self._deal, self._report = deal, report
        self._right = contents(undisturbed)
        self._user = User(clone, draw)
        self._built: dict[str, Built] = {}
        self._unseen: list[Outcome] = []  # damage that nobody has seen yet
        self._outlived: set[str] = set()  # outputs of jobs that outlived their Snakemake
        self._in_vain = 0  # commands without getting on
        self.outcomes: list[Outcome] = []
        self._begin_with(undisturbed, draw.randrange(len(PHASES) + 1))

    def play(self, most: int) -> list[Outcome]:
        """At most so many faults, and what became of them."""
        try:
            self._finish(self._strike(Run(self._clone, *TARGETS, *RUN), most))
        except (Hangs, Stuck) as error:
            self._blame(str(error))
        finally:
            for process in jobs_left(self._clone):
                process.kill()
        for outcome in self.outcomes:
            if outcome.problems or outcome.seconds is None:
                self._known(outcome)
        return self.outcomes

    def _begin_with(self, undisturbed: Path, phase: int) -> None:
        for old in [self._clone / ".snakemake", *(self._clone / "results").glob("*")]:
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(undisturbed / ".snakemake", self._clone / ".snakemake")
        shutil.copytree(undisturbed / "results/downloads", self._clone / "results/downloads")
        for name in [name for names in PHASES[:phase] for name in names]:
            shutil.copytree(undisturbed / STUDY / name, self._clone / STUDY / name)
        self._built = self._scan()

    # Faults

    def _strike(self, run: Run, most: int) -> Run:
        while len(self.outcomes) < most:
            if not self._moment(run):
                if run.process.returncode == 0:
                    return run
                run = self._again(run)
                continue
            kind = self._deal()
            struck = KINDS[kind](Faults(run, self._disk, [o.struck.damaged for o in self._unseen], self._draw))
            if struck is None:
                continue
            outcome = Outcome(self._first + len(self.outcomes), kind, struck)
            self.outcomes.append(outcome)
            self._in_vain = 0
            if struck.damaged:
                self._unseen.append(outcome)
            else:
                run.wait()
                if self._disk:
                    self._disk.free()
                self._look()
                if run.process.returncode:
                    run = self._again(run)
                self._known(outcome)
        return run

    def _moment(self, run: Run) -> bool:
        """Wait for one; False if the run ended before."""
        if self._draw.random() < EARLY:
            return run.wait(lambda: any((self._clone / ".snakemake/locks").glob("*")))
        wanted, pause = run.finished_jobs() + self._draw.choice(AFTER), self._draw.uniform(0, PAUSE)
        if not run.wait(lambda: run.finished_jobs() >= wanted and run.jobs()):
            return False
        end = time.monotonic() + pause
        return run.wait(lambda: time.monotonic() > end and run.jobs())

    # What a user does

    def _again(self, run: Run) -> Run:
        """The same command, after what the messages of the last one say, until a job begins or all is done."""
        while True:
            self._follow(run.output)
            run = Run(self._clone, *TARGETS, *RUN)
            if run.wait(run.jobs) or run.process.returncode == 0:
                return run

    def _follow(self, output: str) -> None:
        followed = self._user.follow(output)
        for outcome in self.outcomes[-1:] + self._unseen:
            outcome.commands += 1
        for line in self._user.said:
            damaged = [o for o in self._unseen if o.struck.damaged and o.struck.damaged.name in line]
            for outcome in damaged or self.outcomes[-1:]:
                outcome.said.append(line)
        self._user.said.clear()
        self._forget_removed()
        self._in_vain = self._in_vain + (1 if followed else 4)
        if self._in_vain > COMMANDS:
            raise Stuck("a user would not know what to do")

    def _forget_removed(self) -> None:
        for pattern in [made for removed in self._user.removed for made in _made_with(removed)]:
            self._built = {name: b for name, b in self._built.items() if not _goes_with(name, pattern)}
            for outcome in [o for o in self._unseen if o.struck.damaged and _goes_with(o.struck.damaged.name, pattern)]:
                self._unseen.remove(outcome)
                self._known(outcome)
        self._user.removed.clear()

    def _finish(self, run: Run) -> None:
        """Until the run ends well, and `verify` finds nothing."""
        while True:
            run.wait()
            if run.process.returncode:
                run = self._again(run)
                continue
            while jobs_left(self._clone):
                time.sleep(1)
            found = self._user.command("verify")
            if not found:
                break
            self._follow(found)
            run = Run(self._clone, *TARGETS, *RUN)
        self._look()
        for outcome in self._unseen:
            outcome.problems.append("nobody saw it")
        present = contents(self._clone)
        wrong = [name for name, digest in present.items() if self._right.get(name) != digest]
        missing = [
            name for name in self._right if name not in present and Path(name).relative_to(STUDY).parts[0] in ASKED
        ]
        left = [path for path in (self._clone / STUDY).rglob("*.partial*")]
        left += [path for path in (self._clone / STUDY / "work").glob("*/*") if bytes_under(path)]
        for names, fault in ((wrong, "another"), (missing, "missing"), (left, "left")):
            for name in names:
                self._blame(f"{name} is {fault}")

    def _known(self, outcome: Outcome) -> None:
        known, outcome.seconds = outcome.seconds, outcome.seconds or time.monotonic() - outcome.begun
        if known is None or outcome.problems:
            self._report(str(outcome))

    # What is so

    def _scan(self) -> dict[str, Built]:
        found = {}
        for artifact in artifacts(self._clone):
            manifest = artifact.read()
            if manifest:
                found[artifact.name] = Built(artifact.built(), tuple(manifest.inputs))
        return found

    def _look(self) -> None:
        """Find what is wrong, or was built again without cause, when no run is going on."""
        before, now = self._built, self._scan()
        outputs = list(_incomplete(self._clone))
        self._outlived.update(outputs if jobs_left(self._clone) else [])
        begun = {name for name in before | now for output in outputs if _is_under(output, name)}
        for name, old in before.items():
            rebuilt = name not in now or now[name].when != old.when
            damaged = [o for o in self._unseen if o.struck.damaged and o.struck.damaged.name == name]
            if not rebuilt or name in begun or (damaged and name not in now):
                continue
            if any(_is_under(output, name) for output in self._outlived):  # two jobs have made it
                continue
            sources = [source for source in map(_stem, old.inputs) if source in before or source in now]
            if not any(source not in now or now[source].when > old.when for source in sources):
                self._blame(f"{name} was built again without cause")
            for outcome in damaged:
                self._unseen.remove(outcome)
                outcome.said.append("made again before anybody read it")
                self._known(outcome)
        # What a job made that outlived its Snakemake is made again: nobody saw its end.
        self._built = {name: built for name, built in now.items() if name not in begun}
        unseen = {o.struck.damaged.name for o in self._unseen if o.struck.damaged}
        for artifact in artifacts(self._clone):
            if artifact.name in unseen | begun:
                continue
            for file in artifact.files():
                if content(self._clone / file) != self._right.get(str(file)):
                    self._blame(f"{file} is another")

    def _blame(self, what: str) -> None:
        if self.outcomes and what not in self.outcomes[-1].problems:
            self.outcomes[-1].problems.append(what)


def _is_under(path: str, pattern: str) -> bool:
    """Whether a path is the artifact that a pattern or a name stands for, or within it."""
    stem = pattern.removesuffix(".*")
    return fnmatch(path, pattern) or path == stem or path.startswith((f"{stem}/", f"{stem}."))


def _goes_with(name: str, pattern: str) -> bool:
    """Whether an artifact is made again if `pattern` is removed: all of it, or one of its files."""
    return _is_under(name, pattern) or _is_under(pattern, name)


def _made_with(removed: str) -> set[str]:
    """What is made again if something is removed: a model and its checkpoints are of one job."""
    stem = _stem(removed)
    return {stem, stem.replace("/models/", "/checkpoints/"), stem.replace("/checkpoints/", "/models/")}


def _stem(source: str) -> str:
    """The name of an artifact that a manifest names as an input, perhaps by one of its files."""
    return source.removesuffix(".parquet").removesuffix(".json")


def _incomplete(clone: Path) -> Iterator[str]:
    """The outputs of jobs whose end Snakemake has not seen, by its records."""
    folder = clone / ".snakemake/incomplete"
    for record in folder.rglob("*"):
        if record.is_file():
            parts = (part.removeprefix("@") for part in record.relative_to(folder).parts)
            yield urlsafe_b64decode("".join(parts)).decode()
