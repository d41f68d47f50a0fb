"""Delivered rows to leads and rejected rows: the rules, as data, and the frames that they are asked about.

How a cell is read belongs to phones, emails, places and companies; adding a rule is adding an entry to RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, LEADS, REJECTED_LEADS
from leadscout_assets.leads.cleaning import said
from leadscout_assets.leads.companies import parse_companies
from leadscout_assets.leads.duplicates import codes, repeats, same_director
from leadscout_assets.leads.emails import parse_emails
from leadscout_assets.leads.erased import marked_rows
from leadscout_assets.leads.identity import lead_ids
from leadscout_assets.leads.phones import parse_phones
from leadscout_assets.leads.places import resolve_places
from leadscout_assets.leads.repeated_headers import repeated_headers
from leadscout_assets.leads.totals import totals_rows
from leadscout_assets.names.normalising import split_names
from leadscout_assets.pace import Tell, part, told, untold
from leadscout_assets.terms import Defect, PhoneKind, Reason, Warn

Facts = Mapping[str, Any]
"""What is known of each row, one array per fact; the facts of a rejection and of a warning are made below."""

PHONE_FIELDS = ("contact_number", "cell_number", "director_cell")

THREADS = 2
"""Columns are read independently of each other, and most of it is Arrow's work, outside Python's lock."""


@dataclass(frozen=True)
class Rule:
    """One rule: its code, what it does to the row, a sentence with the fix, and how it shows in the facts (bool array)."""

    code: Reason | Warn
    severity: Literal["reject", "warn"]
    sentence: str
    applies: Callable[[Facts], Any]


def _business(problem: str) -> Callable[[Facts], Any]:
    return lambda facts: pc.equal(facts["business_problem"], problem)


def _director(problem: str) -> Callable[[Facts], Any]:
    return lambda facts: pc.equal(facts["director_problem"], problem)


def _fact(name: str) -> Callable[[Facts], Any]:
    return lambda facts: facts[name]


def _present(name: str) -> Callable[[Facts], Any]:
    return lambda facts: pc.is_valid(facts[name])


def _blank(*names: str) -> Callable[[Facts], Any]:
    return lambda facts: np.all([np.asarray(pc.is_null(facts[name])) for name in names], axis=0)


def _cell_is_no_mobile(facts: Facts) -> Any:
    return pc.invert(pc.is_in(facts["director_cell_kind"], pa.array([PhoneKind.MOBILE, PhoneKind.FOREIGN, None])))


# fmt: off
RULES: tuple[Rule, ...] = (
    # What keeps a row from being a lead. A ragged or totals row or a header has no other reason: its cells are no one's fields.
    Rule(Reason.RAGGED_ROW, "reject",
         "The row has more or fewer cells than the header, or an open quote: put text with the delimiter between two quotes.",
         _fact("ragged")),
    Rule(Reason.ABOVE_HEADER, "reject",
         "The row stands above the header, so nothing says what its cells are: nothing to do, or move a lead below it.",
         _fact("above_header")),
    Rule(Reason.TOTALS_ROW, "reject",
         "The row holds totals of the columns, not a lead: nothing to do, or leave it out of the next delivery.",
         _fact("totals")),
    Rule(Reason.REPEATED_HEADER, "reject",
         "The row repeats the headings of the columns, not a lead: nothing to do, or leave it out of the next delivery.",
         _fact("repeated_header")),
    Rule(Reason.MISSING_BUSINESS_NAME, "reject",
         "The business name is blank: fill in EntityName.",
         _business("missing")),
    Rule(Reason.UNUSABLE_BUSINESS_NAME, "reject",
         "The business name is a placeholder, a number or only a company type: fill in the registered name.",
         _business("unusable")),
    Rule(Reason.MISSING_DIRECTOR_NAME, "reject",
         "The director's name is blank: fill in DirectorName.",
         _director("missing")),
    Rule(Reason.UNUSABLE_DIRECTOR_NAME, "reject",
         "The director's name is a placeholder, a number or a company: fill in a person's name.",
         _director("unusable")),
    Rule(Reason.DUPLICATE, "reject",
         "Business and director repeat an earlier row of this file: nothing to do, the earlier row is kept.",
         _present("duplicate_of")),
    Rule(Reason.SUPPRESSED, "reject",
         "Business, person, number or e-mail is on a suppression list: do not contact; see `leadscout suppress`.",
         _fact("suppressed")),
    Rule(Reason.ERASED, "reject",
         "The person asked to be erased, and nothing of the row is kept: leave the person out of the next delivery.",
         _fact("erased")),
    # What a lead survives.
    Rule(Warn.SAME_DIRECTOR_AS, "warn",
         "An earlier lead has the same director and cell under another business: call this person once.",
         _present("same_director_as")),
    Rule(Warn.DIRECTOR_SINGLE_NAME, "warn",
         "The director's name is a single word: add given names or surname.",
         _director("single")),
    Rule(Warn.CONTACT_NUMBER_UNUSABLE, "warn",
         "ContactNumber holds no telephone number that can be dialled: correct it, with area code.",
         _fact("contact_number_unusable")),
    Rule(Warn.CELL_NUMBER_UNUSABLE, "warn",
         "CellNumber holds no telephone number that can be dialled: correct it, ten digits.",
         _fact("cell_number_unusable")),
    Rule(Warn.DIRECTOR_CELL_UNUSABLE, "warn",
         "DirectorCell holds no telephone number that can be dialled: correct it, ten digits.",
         _fact("director_cell_unusable")),
    Rule(Warn.DIRECTOR_CELL_NOT_MOBILE, "warn",
         "DirectorCell is not a mobile number: find the director's own cell.",
         _cell_is_no_mobile),
    Rule(Warn.NO_PHONE, "warn",
         "None of the three telephone columns holds a number: find one, or the lead cannot be called.",
         _blank(*PHONE_FIELDS)),
    Rule(Warn.EMAIL_UNUSABLE, "warn",
         "EmailAddress holds no valid address: correct it.",
         _fact("email_unusable")),
    Rule(Warn.NO_ADDRESS, "warn",
         "RegisteredAddress is blank: fill it in.",
         _blank("address")),
    Rule(Warn.CITY_UNUSABLE, "warn",
         "RegisteredAddressCity holds digits, a province or a country: fill in the city or town.",
         _fact("city_unusable")),
    Rule(Warn.PROVINCE_UNKNOWN, "warn",
         "Neither province, city nor postcode tells the province: fill in RegisteredAddressProvince.",
         _fact("province_unknown")),
    Rule(Warn.PROVINCE_DISAGREES, "warn",
         "Province, city and postcode point to different provinces: the first that tells was taken; check the address.",
         _fact("province_disagrees")),
    Rule(Warn.POSTAL_CODE_UNUSABLE, "warn",
         "Digits that are no South African postcode stand in city or province: correct them to four digits.",
         _fact("postal_code_unusable")),
    Rule(Warn.POSTAL_CODE_REPAIRED, "warn",
         "The postcode had lost its leading zero, which was put back: format the column as text.",
         _fact("postal_code_repaired")),
    Rule(Warn.COMPANY_TYPE_CONFLICT, "warn",
         "The name carries two company types, or one that its registration number contradicts: check the registration.",
         _fact("company_type_conflict")),
)
"""Every rule, in the order in which codes are listed with a row."""
# fmt: on

REJECTIONS: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.severity == "reject")
WARNINGS: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.severity == "warn")


def validate(
    raw: pa.Table, lead_id_key: bytes, tell: Tell = untold, *, suppressed: npt.NDArray[np.bool_] | None = None
) -> tuple[pa.Table, pa.Table]:
    """Split delivered rows of any number of batches into leads and rejected rows; every row ends in exactly one.

    `raw` fits `contracts.RAW_LEADS`; `suppressed` says of each row whether it is on a suppression list. `tell` is told how far it is. Returns frames that fit `LEADS` and `REJECTED_LEADS`, rows in the order of `raw`.
    Raises `ValueError` where `lead_id_key` has not 1 to 64 bytes.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        split = pool.submit(split_names, raw["director_name"])
        company = parse_companies(raw["entity_name"])
        tell(0.1)
        director = split.result()
    tell(0.35)
    facts = _row_facts(raw, company, director, np.zeros(raw.num_rows, np.bool_) if suppressed is None else suppressed)
    tell(0.5)
    reasons = codes_that_apply(REJECTIONS, facts, raw.num_rows)
    rejected = pc.greater(pc.list_value_length(reasons), 0)
    kept = pc.invert(rejected)
    leads = _leads(raw.filter(kept), company.filter(kept), director.filter(kept), lead_id_key, part(tell, 0.5, 0.95))
    # A list of those who must not be contacted is no part of a report: of such a row only its number is said.
    shown = pa.array(~facts["suppressed"]).filter(rejected)
    fell = _rejected(raw.filter(rejected), reasons.filter(rejected), facts["duplicate_of"].filter(rejected), shown)
    tell(1.0)
    return leads, fell


def codes_that_apply(rules: Sequence[Rule], facts: Facts, rows: int) -> pa.ListArray:
    """Return for each row the list of codes of the `rules` that apply to it, in their order."""
    masks = np.empty((rows, len(rules)), dtype=np.bool_)
    for position, rule in enumerate(rules):
        masks[:, position] = _numpy(rule.applies(facts))
    _, which = np.nonzero(masks)
    offsets = np.concatenate(([0], np.cumsum(masks.sum(axis=1, dtype=np.int64)))).astype(np.int32)
    names = pa.array([str(rule.code) for rule in rules], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(which)))


def _row_facts(raw: pa.Table, company: pa.Table, director: pa.Table, suppressed: npt.NDArray[np.bool_]) -> Facts:
    """Facts that decide on rejection: `ragged`, `above_header`, `totals`, `repeated_header`, the two names' problems, `duplicate_of`,
    `suppressed`, `erased`."""
    erased = marked_rows(raw)
    suppressed = suppressed & ~erased
    whole = np.asarray(pc.is_null(raw["defect"])) & ~erased
    above = _numpy(pc.equal(raw["defect"], Defect.ABOVE_HEADER))
    business, person = _flat(company["problem"]), _flat(director["problem"])
    usable_business = np.asarray(pc.is_null(business))
    full_name = np.asarray(pc.is_null(person))
    usable_person = full_name | _numpy(pc.equal(person, "single"))
    totals = np.asarray(totals_rows(raw, pa.array(whole & ~(usable_business & full_name))))
    header = np.asarray(repeated_headers(raw, pa.array(whole & ~totals)))
    could_be_lead = whole & ~totals & ~header & usable_business & usable_person & ~suppressed
    duplicate_of = repeats(
        codes(raw["batch_id"]),
        np.where(could_be_lead, codes(company["key"]), -1),
        np.where(could_be_lead, codes(director["key"]), -1),
        np.asarray(raw["source_row"]).astype(np.int64),
    )
    judged = pa.array(whole & ~totals & ~header)
    nothing = pa.scalar(None, pa.string())
    return {
        "ragged": np.asarray(pc.is_valid(raw["defect"])) & ~above,
        "above_header": above,
        "totals": totals,
        "repeated_header": header,
        "suppressed": suppressed,
        "erased": erased,
        "business_problem": pc.if_else(judged, business, nothing),
        "director_problem": pc.if_else(judged, person, nothing),
        "duplicate_of": duplicate_of,
    }


def _leads(raw: pa.Table, company: pa.Table, director: pa.Table, lead_id_key: bytes, tell: Tell) -> pa.Table:
    with ThreadPoolExecutor(THREADS) as pool:
        located = pool.submit(
            resolve_places,
            raw["registered_address"],
            raw["registered_address_city"],
            raw["registered_address_province"],
        )
        identified = pool.submit(lead_ids, _flat(company["key"]), _flat(director["key"]), lead_id_key)
        phones = {name: parse_phones(raw[name]) for name in told(PHONE_FIELDS, len(PHONE_FIELDS), part(tell, 0.0, 0.4))}
        email = parse_emails(raw["email_address"])
        tell(0.5)
        places, ids = located.result(), identified.result()
    tell(0.8)
    twin = same_director(
        codes(raw["batch_id"]),
        codes(director["key"]),
        codes(phones["director_cell"]["number"]),
        np.asarray(raw["source_row"]).astype(np.int64),
    )
    facts: dict[str, Any] = {
        **{name: places[name] for name in places.column_names},
        **{f"{name}_unusable": phone["unusable"] for name, phone in phones.items()},
        **{name: phone["number"] for name, phone in phones.items()},
        "director_cell_kind": _flat(phones["director_cell"]["kind"]),
        "director_problem": _flat(director["problem"]),
        "email_unusable": email["unusable"],
        "same_director_as": twin,
        "company_type_conflict": company["conflict"],
    }
    columns: dict[str, Any] = {
        "batch_id": raw["batch_id"],
        "lead_id": ids,
        "source_row": raw["source_row"],
        "entity_name": company["name"],
        "company_type": company["company_type"],
        "trading_as_name": pc.coalesce(said(raw["trading_as_name"]), _flat(company["trading_as"])),
        "keyword": said(raw["keyword"]),
        **{name: phone["number"] for name, phone in phones.items()},
        **{f"{name}_kind": phone["kind"] for name, phone in phones.items()},
        "other_numbers": _other_numbers(list(phones.values())),
        "email_address": email["address"],
        "email_is_free": email["is_free"],
        **{name: places[name] for name in ("address", "city", "province", "postal_code")},
        "director_title": director["title"],
        "director_given_names": director["given_names"],
        "director_surname": director["surname"],
        "same_director_as": twin,
        "warnings": codes_that_apply(WARNINGS, facts, raw.num_rows),
    }
    return LEADS.fit(pa.table(columns))


def _other_numbers(phones: Sequence[pa.Table]) -> pa.Array:
    """Collect each lead's further numbers from its three cells, without those that have a column of their own."""
    others = [_flat(phone["others"]) for phone in phones]
    lengths = [np.asarray(pc.fill_null(pc.list_value_length(column), 0)) for column in others]
    at = np.flatnonzero(np.sum(lengths, axis=0))
    found: dict[int, list[str]] = {}
    some = pa.array(at)
    cells = [column.take(some).to_pylist() for column in others]
    own = [_flat(phone["number"]).take(some).to_pylist() for phone in phones]
    for row, lists, numbers in zip(at.tolist(), zip(*cells, strict=True), zip(*own, strict=True), strict=True):
        found[row] = [n for n in dict.fromkeys(n for some_ in lists for n in some_ or ()) if n not in numbers]
    counts = np.zeros(len(others[0]), dtype=np.int32)
    for row, numbers_ in found.items():
        counts[row] = len(numbers_)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    values = pa.array([number for row in at.tolist() for number in found[row]], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _rejected(raw: pa.Table, reasons: pa.Array, duplicate_of: pa.Array, shown: pa.Array) -> pa.Table:
    return REJECTED_LEADS.fit(
        pa.table(
            {
                "batch_id": raw["batch_id"],
                "source_row": raw["source_row"],
                "reasons": reasons,
                "duplicate_of": duplicate_of,
                "row": pc.if_else(shown, rows_as_delivered(raw), "{}"),
            }
        )
    )


def rows_as_delivered(raw: pa.Table) -> pa.Array:
    """Return each row as a JSON object of its filled cells: by field, the others by header; a ragged row by its text."""
    import orjson

    names = [*FIELDS, "defect", "defect_text"]
    columns = [raw[name].to_pylist() for name in names]
    rows = []
    for cells, extra in zip(zip(*columns, strict=True), raw["extra"].to_pylist(), strict=True):
        row = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}
        rows.append(orjson.dumps({**(orjson.loads(extra) if extra else {}), **row}).decode())
    return pa.array(rows, pa.string())


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numpy(mask: Any) -> npt.NDArray[np.bool_]:
    if isinstance(mask, np.ndarray):
        return mask
    return np.asarray(pc.fill_null(mask, False), dtype=np.bool_)
