"""The proof: every byte below the home is searched for the person's values, and what is left is told by place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leadscout_assets.folders import below
from leadscout_assets.forgetting.finding import Values
from leadscout_assets.governance.searching import Needles, search
from leadscout_assets.home import Home
from leadscout_assets.resumable import kept_runs


@dataclass(frozen=True)
class Proof:
    """What the search found.

    `left`: hits of values that are this person's alone, by file below the home; none, or the person is not gone.
    `of_others`: rows of other people that hold one of the values too, and hits of those values. `backups`: which backups hold the person still.
    """

    files: int
    values: int
    left: Mapping[str, int] = field(default_factory=dict)
    rows_of_others: int = 0
    hits_of_others: int = 0
    backups: tuple[str, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether nothing of the person was found."""
        return not self.left


KEPT_RUNS = "interrupted runs"
"""What the kept steps of interrupted runs outside Dagster are called; they lie beside their reports, anywhere."""

NOT_REACHED = (
    "reports of `leadscout run` and what `export`, `classify` and `person` wrote outside the home",
    "the files that lists were read from outside the inbox",
    "copies off this machine, reports handed to people, and what language models were sent",
)
"""Where the person may be still: what left the home. Whoever forgets is told each time."""

ANSWERS = "answers of language models"
"""Where something is left that holds no value, but hashes of the person's names."""


def prove(home: Home, values: Values, names: Collection[str] = (), *, backups: bool) -> Proof:
    """Search everything below the home, and the inbox and the logs where they lie elsewhere; the `backups` only if asked.

    By `names` it is looked up what language models were asked about: that stands under keyed hashes, where no search finds it.
    """
    settings = home.settings
    own, of_others = Needles(values.own), Needles(tuple(values.shared))
    left, shared, files = hits_by_file(home, own), 0, 0
    if kept := home.answers_about(names):
        left[ANSWERS] = len(kept)
    for root in places_of(home):
        if of_others.values:
            shared += sum(hit.count for hit in search(root, of_others, apart_from=(settings.backups_dir,)))
        files += sum(path.is_file() for path in below(root, apart_from=(settings.backups_dir,)))
    return Proof(
        files=files,
        values=len(own.values),
        left=dict(left),
        rows_of_others=sum(values.shared.values()),
        hits_of_others=shared,
        backups=tuple(backups_holding(home, own)) if backups else (),
    )


def hits_by_file(home: Home, needles: Needles) -> Counter[str]:
    """Return how often a value stands in which file, by its path below the home; backups are left out."""
    found = Counter[str]()
    for root, called in places_of(home).items():
        for hit in search(root, needles, apart_from=(home.settings.backups_dir,)):
            found[f"{called}{hit.path.relative_to(root).as_posix()}"] += hit.count
    return found


def places_of(home: Home) -> dict[Path, str]:
    """Return the folders that are searched, each with what its files are called by: the home, and the inbox, the logs and what
    interrupted runs keep where they lie elsewhere.
    """
    settings = home.settings
    apart = {settings.inbox_dir: "inbox/", settings.logs_dir: "logs/"}
    apart |= {run.folder: f"{KEPT_RUNS}/{run.folder.name}/" for run in kept_runs(settings)}
    elsewhere = {
        path: called for path, called in apart.items() if not path.is_relative_to(settings.home) and path.is_dir()
    }
    return {settings.home: "", **elsewhere}


def backups_holding(home: Home, needles: Needles) -> list[str]:
    """Return the backups in whose contents a value stands; each content is read once."""
    from leadscout_assets.errors import DamagedBackup
    from leadscout_assets.recovery.repository import Repository

    repository = Repository(home.settings.backups_dir)
    if not needles.values or not repository.root.is_dir():
        return []
    held = {path.name for path in (repository.root / "objects").glob("*/*") if needles.in_content(path)}
    found = []
    for backup_id in repository.ids():
        try:
            manifest = repository.read(backup_id)
        except DamagedBackup:
            continue
        if any(file.sha256 in held or needles.in_name(file.path) for file in manifest.files):
            found.append(backup_id)
    return found
