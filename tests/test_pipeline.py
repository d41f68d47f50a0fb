"""The chain over frames: nothing lost, nothing counted twice, refusal per batch, and many batches equal to one by one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscout_assets import contracts, pipeline
from leadscout_assets.contract_check import judge_contract
from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import TooManyRows
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.delivery import Delivery, batch_key
from leadscout_assets.leads.validation import RULES
from leadscout_assets.pipeline import Frames, Refusal
from leadscout_assets.progress import tracked
from leadscout_assets.scoring import FEATURES, LEAD_SCORES
from leadscout_assets.settings import Settings
from leadscout_assets.terms import Method
from tests import scenario
from tests.purposes import IN_TESTS, PURPOSE, granted

KEY = b"k" * 32
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def with_purpose(home: Settings) -> Settings:
    return home.model_copy(update=IN_TESTS)


def delivered(path: Path, settings: Settings) -> Delivery:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Delivery(
        batch_id=batch_key(NOW, path.name, sha256),
        sha256=sha256,
        file_name=path.name,
        size_bytes=path.stat().st_size,
        delivered_at=NOW,
        rows_counted=count_rows(path, limits=pipeline.read_limits(settings)),
    )


def chain(paths: Sequence[Path], settings: Settings) -> tuple[list[Delivery], Frames, list[Refusal]]:
    deliveries = [delivered(path, settings) for path in paths]
    stored = {delivery.sha256: path for delivery, path in zip(deliveries, paths, strict=True)}
    reading = pipeline.read(deliveries, stored.__getitem__, settings)
    leads, rejected, unbalanced = pipeline.validate(reading.raw, KEY)
    grants = pipeline.ask_purpose(deliveries, reading.raw, settings, NOW)
    frames = Frames(reading.raw, leads, rejected, pipeline.classify(leads, settings, grants), pipeline.score(leads))
    return deliveries, frames, reading.refusals + unbalanced


def assert_conserved(deliveries: Sequence[Delivery], frames: Frames) -> None:
    ids = [delivery.batch_id for delivery in deliveries]
    cut = {name: pipeline.by_batch(getattr(frames, name), ids) for name in Frames.__dataclass_fields__}
    for place, delivery in enumerate(deliveries):
        raw, leads, rejected = cut["raw_leads"][place], cut["leads"][place], cut["rejected_leads"][place]
        assert raw.num_rows == delivery.rows_counted
        became = Counter(leads["source_row"].to_pylist()) + Counter(rejected["source_row"].to_pylist())
        assert became == Counter(raw["source_row"].to_pylist())
        assert set(became.values()) <= {1}
        ids_of = [cut[name][place]["lead_id"].to_pylist() for name in ("leads", "classifications", "lead_scores")]
        assert sorted(ids_of[0]) == sorted(ids_of[1]) == sorted(ids_of[2])
        assert len(set(ids_of[0])) == len(ids_of[0])
        assert sorted(cut["lead_scores"][place]["rank"].to_pylist()) == list(range(1, leads.num_rows + 1))
        assert all(rejected["reasons"].to_pylist())


def assert_scores_are_sums(scores: pa.Table) -> None:
    contributions = [scores[feature.name].to_pylist() for feature in FEATURES]
    for score, *points in zip(scores["score"].to_pylist(), *contributions, strict=True):
        assert score == sum(points) / 100
        assert 0 <= score <= 100


@pytest.fixture(params=["csv", "ragged csv", "xlsx", "utf-16 tabs", "cp1252 semicolons"])
def awkward(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bool]:
    """The scenario as a file, and whether it holds the ragged rows."""
    match request.param:
        case "xlsx":
            return scenario.scenario_xlsx(tmp_path / "leads.xlsx"), False
        case "utf-16 tabs":
            return scenario.scenario_csv(tmp_path / "leads.csv", encoding="utf-16", delimiter="\t"), False
        case "cp1252 semicolons":
            path = scenario.scenario_csv(tmp_path / "utf8.csv", delimiter=";")
            text = path.read_text(encoding="utf-8").replace("\u200b", "")
            path.write_bytes(text.encode("cp1252"))
            return path, False
        case kind:
            return scenario.scenario_csv(tmp_path / "leads.csv", ragged=kind == "ragged csv"), kind == "ragged csv"


class TestScenario:
    def test_each_awkward_row_becomes_what_the_scenario_says(self, awkward, with_purpose):
        path, ragged = awkward
        deliveries, frames, refusals = chain([path], with_purpose)
        assert refusals == []
        assert_conserved(deliveries, frames)
        assert frames.raw_leads.num_rows == scenario.delivered_rows(ragged=ragged)
        became: dict[int, tuple[str, ...]] = dict.fromkeys(frames.leads["source_row"].to_pylist(), ())
        for row in frames.rejected_leads.select(["source_row", "reasons"]).to_pylist():
            became[row["source_row"]] = tuple(sorted(row["reasons"]))
        expected = {row: tuple(sorted(codes)) for row, codes in scenario.expected_by_row(ragged=ragged).items()}
        assert became == expected

    def test_scores_are_the_exact_sum_of_their_contributions(self, awkward, with_purpose):
        _, frames, _ = chain([awkward[0]], with_purpose)
        assert_scores_are_sums(frames.lead_scores)

    def test_frames_fit_their_contracts_in_types_and_values(self, tmp_path, with_purpose):
        path = scenario.scenario_csv(tmp_path / "leads.csv", ragged=True)
        (delivery,), frames, _ = chain([path], with_purpose)
        files, _ = pipeline.report(
            [delivery], frames, tmp_path / "reports", with_purpose, {delivery.batch_id: granted()}
        )
        named = {
            contracts.RAW_LEADS: frames.raw_leads,
            contracts.LEADS: frames.leads,
            contracts.REJECTED_LEADS: frames.rejected_leads,
            contracts.CLASSIFICATIONS: frames.classifications,
            LEAD_SCORES: frames.lead_scores,
            contracts.LEAD_REPORTS: files,
        }
        for contract, frame in named.items():
            assert contract.fit(frame).equals(frame)
            verdict = judge_contract(contract, frame, [delivery.batch_id])[delivery.batch_id]
            assert verdict.passed, f"{contract.name}: {verdict.sentence}"

    def test_every_code_on_a_row_is_a_rules(self, tmp_path, with_purpose):
        _, frames, _ = chain([scenario.scenario_csv(tmp_path / "leads.csv", ragged=True)], with_purpose)
        codes = {rule.code: rule.severity for rule in RULES}
        assert {codes[code] for code in pc.list_flatten(frames.leads["warnings"]).to_pylist()} == {"warn"}
        assert {codes[code] for code in pc.list_flatten(frames.rejected_leads["reasons"]).to_pylist()} == {"reject"}

    def test_without_a_purpose_every_lead_abstains_and_says_why(self, tmp_path, home):
        _, frames, _ = chain([scenario.scenario_csv(tmp_path / "leads.csv")], home)
        assert set(frames.classifications["method"].to_pylist()) == {Method.NO_PURPOSE}
        assert frames.classifications["origin"].null_count == frames.leads.num_rows

    def test_neither_score_nor_rank_depends_on_the_origin_of_names(self, tmp_path, home, with_purpose):
        path = scenario.scenario_csv(tmp_path / "leads.csv")
        assert chain([path], home)[1].lead_scores.equals(chain([path], with_purpose)[1].lead_scores)


def test_several_batches_in_one_frame_are_what_they_are_one_by_one(tmp_path, with_purpose):
    """The same people in all three: a repetition counts within its own batch only."""
    paths = [
        scenario.scenario_csv(tmp_path / "one.csv"),
        scenario.scenario_xlsx(tmp_path / "two.xlsx"),
        scenario.scenario_csv(tmp_path / "three.csv", ragged=True, delimiter=";"),
    ]
    deliveries, together, refusals = chain(paths, with_purpose)
    assert refusals == []
    assert_conserved(deliveries, together)
    ids = [delivery.batch_id for delivery in deliveries]
    alone = [chain([path], with_purpose)[1] for path in paths]
    for name in Frames.__dataclass_fields__:
        for part, single in zip(pipeline.by_batch(getattr(together, name), ids), alone, strict=True):
            assert part.combine_chunks().equals(getattr(single, name).combine_chunks()), name


@pytest.mark.parametrize("purpose", [None, PURPOSE])
def test_a_batch_of_which_no_row_is_a_lead_goes_all_the_way(tmp_path, home, purpose):
    path = tmp_path / "leads.csv"
    path.write_text("EntityName,DirectorName\nN/A,UNKNOWN\n,\nTEST,12345\n")
    settings = home.model_copy(update=IN_TESTS | {"classification_purpose": purpose})
    (delivery,), frames, refusals = chain([path], settings)
    assert refusals == []
    assert (frames.leads.num_rows, frames.rejected_leads.num_rows) == (0, 2)
    assert (frames.classifications.num_rows, frames.lead_scores.num_rows) == (0, 0)
    files, refusals = pipeline.report([delivery], frames, tmp_path / "reports", settings, {})
    assert (files.num_rows, refusals) == (3, [])


@pytest.mark.parametrize("purpose", [None, PURPOSE])
def test_a_run_of_which_every_batch_is_refused_has_no_rows_in_any_step(home, purpose):
    leads, rejected, refusals = pipeline.validate(contracts.RAW_LEADS.empty(), KEY)
    assert (leads.num_rows, rejected.num_rows, refusals) == (0, 0, [])
    assert (
        pipeline.classify(leads, home.model_copy(update=IN_TESTS | {"classification_purpose": purpose}), {}).num_rows
        == 0
    )
    assert pipeline.score(leads).num_rows == 0


class TestRefusal:
    GOOD = "EntityName,DirectorName\nKUDU TRANSPORT,PETRUS BOTHA\nIBIS CATERING,PRECIOUS MOKOENA\n"

    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        path = tmp_path / "good.csv"
        path.write_text(self.GOOD)
        return path

    @pytest.fixture
    def bad(self, tmp_path: Path) -> Path:
        path = tmp_path / "bad.csv"
        path.write_bytes(b"%PDF-1.7 Mokoena")
        return path

    def read(self, paths: list[Path], home: Settings, **altered: object) -> pipeline.Reading:
        deliveries = [
            Delivery(f"2026-03-02_list_{n:08x}", str(n), path.name, 1, NOW, 2) for n, path in enumerate(paths)
        ]
        deliveries[-1] = replace(deliveries[-1], **altered)
        return pipeline.read(deliveries, lambda sha256: paths[int(sha256)], home)

    def test_an_unreadable_file_refuses_its_batch_and_no_other(self, good, bad, home):
        reading = self.read([good, bad], home)
        (refusal,) = reading.refusals
        assert set(reading.raw["batch_id"].to_pylist()) == {"2026-03-02_list_00000000"}
        assert (refusal.batch_id, refusal.step, refusal.code) == ("2026-03-02_list_00000001", "raw_leads", "pdf")
        assert refusal.sentence
        assert "Mokoena" not in refusal.sentence

    @pytest.mark.parametrize("counted", [0, 1, 3])
    def test_a_file_of_which_the_two_readers_count_different_rows_is_refused(self, good, home, monkeypatch, counted):
        monkeypatch.setattr(pipeline, "count_rows", lambda *_, **__: counted)
        reading = self.read([good], home, rows_counted=counted)
        (refusal,) = reading.refusals
        assert (reading.raw.num_rows, reading.recounted) == (0, {})
        assert refusal.code == "not_reconciled"
        assert f"2 rows and the other {counted}" in refusal.sentence

    @pytest.mark.parametrize("noted", [None, 0, 3])
    def test_a_count_made_with_other_settings_is_made_anew_before_the_batch_is_refused(self, good, home, noted):
        reading = self.read([good], home, rows_counted=noted)
        assert (reading.raw.num_rows, reading.refusals) == (2, [])
        assert reading.recounted == {"2026-03-02_list_00000000": 2}

    def test_a_file_that_the_store_has_lost_is_refused(self, good, tmp_path, home):
        reading = self.read([good, tmp_path / "gone"], home)
        (refusal,) = reading.refusals
        assert (reading.raw.num_rows, refusal.code) == (2, "not_stored")

    def test_a_defect_that_one_file_brings_out_refuses_that_batch_alone(self, good, tmp_path, home, monkeypatch):
        other = tmp_path / "other.csv"
        other.write_bytes(good.read_bytes())
        read = pipeline.read_lead_list

        def failing(path: Path, **options: object) -> pa.Table:
            if path == other:
                raise RuntimeError("Mokoena")
            return read(path, **options)

        monkeypatch.setattr(pipeline, "read_lead_list", failing)
        reading = self.read([good, other], home)
        (refusal,) = reading.refusals
        assert (reading.raw.num_rows, refusal.code) == (2, "defect")
        assert "RuntimeError" in refusal.sentence
        assert "Mokoena" not in refusal.sentence

    def test_nothing_delivered_is_no_rows(self, home):
        reading = pipeline.read([], Path, home)
        assert reading.raw.schema == contracts.RAW_LEADS.schema
        assert (reading.raw.num_rows, reading.refusals) == (0, [])

    @pytest.mark.parametrize("change", ["lead lost", "rejected lost", "lead doubled"])
    def test_a_batch_whose_rows_do_not_add_up_is_refused_and_the_other_goes_on(
        self, tmp_path, home, monkeypatch, change
    ):
        from leadscout_assets.leads import validation

        one, two = scenario.scenario_csv(tmp_path / "1.csv"), scenario.scenario_csv(tmp_path / "2.csv", delimiter=";")
        split = validation.validate

        def losing(raw: pa.Table, key: bytes, *_, **__) -> tuple[pa.Table, pa.Table]:
            leads, rejected = split(raw, key)
            if change == "lead lost":
                return leads.slice(1), rejected
            if change == "rejected lost":
                return leads, rejected.slice(1)
            return pa.concat_tables([leads, leads.slice(0, 1)]), rejected

        monkeypatch.setattr(validation, "validate", losing)
        deliveries, frames, (refusal,) = chain([one, two], home)
        refused, good = (delivery.batch_id for delivery in deliveries)
        assert (refusal.batch_id, refusal.step, refusal.code) == (refused, "leads", "not_reconciled")
        for frame in (frames.leads, frames.rejected_leads, frames.classifications, frames.lead_scores):
            assert set(frame["batch_id"].to_pylist()) == {good}

    def test_the_report_of_a_batch_holds_no_row_of_a_refused_neighbour(self, tmp_path, home):
        from leadscout_assets.reports import numbers

        one, two = scenario.scenario_csv(tmp_path / "1.csv"), scenario.scenario_csv(tmp_path / "2.csv", delimiter=";")
        (refused, good), frames, _ = chain([one, two], home)
        kept = Frames(
            frames.raw_leads,
            *(
                pipeline.without(getattr(frames, name), [refused.batch_id])
                for name in list(Frames.__dataclass_fields__)[1:]
            ),
        )
        seen: list[int] = []
        compute = numbers.batch_numbers
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                numbers,
                "batch_numbers",
                lambda d, raw, *rest, **kw: seen.append(raw.num_rows) or compute(d, raw, *rest, **kw),
            )
            files, _ = pipeline.report([good], kept, tmp_path / "reports", home, {})
        assert seen == [good.rows_counted]
        assert set(files["batch_id"].to_pylist()) == {good.batch_id}


class TestEnding:
    def test_whoever_ends_the_reports_waits_for_none_that_has_not_begun(self, tmp_path, home, monkeypatch):
        paths = [scenario.scenario_csv(tmp_path / f"{mark}.csv", delimiter=mark) for mark in ";,"]
        deliveries, frames, _ = chain(paths, home)
        begun: list[str] = []

        def report_one(delivery: Delivery, *rest: object) -> pa.Table:
            begun.append(delivery.batch_id)
            tell = rest[-1]
            if len(begun) == 1:
                raise KeyboardInterrupt
            while True:
                # As a renderer does between two slices of rows.
                tell(0.5)

        monkeypatch.setattr(pipeline, "REPORT_THREADS", 2)
        monkeypatch.setattr(pipeline, "_report_one", report_one)
        with pytest.raises(KeyboardInterrupt):
            pipeline.report(deliveries * 10, frames, tmp_path / "reports", home, {})
        # The second at its side, and one that took the place of the first before anybody knew.
        assert len(begun) <= 3

    def test_reports_side_by_side_tell_the_sum_of_their_shares(self, tmp_path, home):
        paths = [scenario.scenario_csv(tmp_path / f"{mark}.csv", delimiter=mark) for mark in ";,"]
        deliveries, frames, _ = chain(paths, home)
        with tracked(home, "lead_reports", total=1000) as progress:
            pipeline.report(deliveries, frames, tmp_path / "reports", home, {})
            assert progress.to_json()["processed"] == 1000


class TestRunSize:
    def deliveries(self, *rows: int | None) -> list[Delivery]:
        return [Delivery("2026-03-02_list_00000000", "0", "a.csv", 1, NOW, count) for count in rows]

    def test_a_run_may_be_exactly_full(self):
        pipeline.check_run_size(self.deliveries(4, 6, None), 10)

    def test_a_run_above_the_limit_names_the_setting(self):
        with pytest.raises(TooManyRows, match=r"11 rows are more than the 10 .*LEADSCOUT_MAX_ROWS_PER_RUN"):
            pipeline.check_run_size(self.deliveries(5, 6), 10)


CELLS = st.one_of(
    st.sampled_from(["", " ", "KUDU TRANSPORT (PTY) LTD", "THANDI NKOSI", "N/A", "0821234567", "12", "\u00a0", "NEL, ANNA", "=1+1", '"', "a;b"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
)  # fmt: skip
ROWS = st.lists(st.lists(CELLS, min_size=len(FIELDS) + 1, max_size=len(FIELDS) + 1), min_size=1, max_size=8)
HEADER = ("EntityName,TradingAsName,Keyword,ContactNumber,CellNumber,EmailAddress,RegisteredAddress,"
          "RegisteredAddressCity,RegisteredAddressProvince,DirectorName,DirectorCell,Notes").split(",")  # fmt: skip


@given(rows=ROWS, delimiter=st.sampled_from([",", ";", "\t"]), damage=st.none() | st.integers(0, 400))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_row_of_any_csv_is_lost_or_doubled(tmp_path, home, rows, delimiter, damage):
    import csv

    path = tmp_path / "leads.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(HEADER)
        writer.writerows(rows)
    if damage is not None:
        # Cut the file in the middle, as an interrupted copy would: quotes stay open, rows lack cells.
        text = path.read_bytes().decode()
        head = len(delimiter.join(HEADER)) + 2
        path.write_bytes(text[: head + damage].encode())
    deliveries, frames, refusals = chain([path], home)
    assert {refusal.code for refusal in refusals} <= {"no_rows"}
    if not refusals:
        assert_conserved(deliveries, frames)
        assert_scores_are_sums(frames.lead_scores)
