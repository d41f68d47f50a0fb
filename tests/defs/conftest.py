"""Grounds for tests of the shell: an empty one for each test, and one on which the whole chain ran, for all to read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from leadscout_assets.database.reviews import Reviews
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.table_io import CONTRACTS
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.reviews.checking import Given
from leadscout_assets.reviews.questions import Question
from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.supervisor import prepare_instance
from leadscout_assets.terms import ReviewKind
from tests.defs.ground import BROKEN, MORNING, Ground, in_use, opened, small_list
from tests.purposes import IN_TESTS
from tests.scenario import scenario_csv


@pytest.fixture
def home(home: Settings) -> Settings:
    """Storage that a test takes away does not come back by waiting."""
    return home.model_copy(update={"retry_seconds": 0.01})


@pytest.fixture(scope="session")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose instance and database were made: copying it takes a moment, making it more than a second."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with opened(read_settings(home=folder)) as ground:
        assert ground.home.records.newest() is None
        assert ground.home.lead_id_key
    return folder


@pytest.fixture
def ground(home: Settings, opened_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """An empty home of the test's own, opened; files in its inbox need no second look later."""
    monkeypatch.setattr("leadscout_assets.inbox.SECOND_LOOK_SECONDS", 0.0)
    shutil.copytree(opened_once, home.home)
    with opened(home) as found:
        yield found


@pytest.fixture
def instance_folder(tmp_path: Path, opened_once: Path) -> Path:
    """The folder of an embedded instance."""
    shutil.copytree(opened_once, tmp_path / "home")
    return prepare_instance(Settings(home=tmp_path / "home")).folder


@pytest.fixture
def page(instance_folder: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of a webserver, beside which a test opens those of other processes."""
    with open_instance(instance_folder) as instance:
        yield instance


@dataclass(frozen=True)
class Chain:
    """A home after two runs: one over a good, an unreadable and another good delivery, one over a single delivery.

    `before` holds every table's rows and every report file as they were before the first batch was run again with
    another purpose, which is the third run; a reviewer had answered about the lead `reviewed` meanwhile.
    """

    ground: Ground
    good: Delivery
    broken: Delivery
    plain: Delivery
    single: Delivery
    source: Path
    ranged_run: dg.DagsterRun
    single_run: dg.DagsterRun
    again_run: dg.DagsterRun
    reviewed: str
    before: dict[str, pa.Table]
    files_before: dict[str, dict[str, bytes]]

    @property
    def all(self) -> tuple[Delivery, ...]:
        """The deliveries, in the order of their partitions."""
        return (self.good, self.broken, self.plain, self.single)


@pytest.fixture(scope="session")
def chain(opened_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The whole chain, run once for all tests that only look; they must not change it."""
    base = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        for variable in [variable for variable in os.environ if variable.startswith("LEADSCOUT_")]:
            patch.delenv(variable)
        settings = read_settings(home=base / "home")
    shutil.copytree(opened_once, settings.home)
    with opened(settings) as ground:
        source = scenario_csv(base / "Leads March.csv", ragged=True)
        good = ground.deliver(source.name, source.read_bytes())
        broken = ground.deliver("broken.xlsx", BROKEN, at=MORNING + timedelta(minutes=1))
        plain = ground.deliver("leads two.csv", small_list(2, rows=30), at=MORNING + timedelta(minutes=2))
        single = ground.deliver("leads three.csv", small_list(3, rows=20), at=MORNING + timedelta(minutes=3))
        ranged_run = ground.run([good.batch_id, broken.batch_id, plain.batch_id])
        single_run = ground.run([single.batch_id])
        batches = [good.batch_id, broken.batch_id, plain.batch_id, single.batch_id]
        before = {name: ground.rows(contract, *batches) for name, contract in CONTRACTS.items()}
        files_before = {batch: ground.files(batch) for batch in batches}
        reviewed = str(ground.rows(CONTRACTS["leads"], good.batch_id)["lead_id"][0])
        question = Question("0123456789-1", good.batch_id, reviewed, "0" * 32, False, True, ("african",), "1")
        said = Given(question, "chinese", None, None)
        Reviews(ground.home.database).store([said], kind=ReviewKind.REVIEWER, reviewer="Ann")
        with in_use(settings.model_copy(update=IN_TESTS)):
            again_run = ground.run([good.batch_id])
        yield Chain(
            ground,
            good,
            broken,
            plain,
            single,
            source,
            ranged_run,
            single_run,
            again_run,
            reviewed,
            before,
            files_before,
        )
