"""Which column of a delivered list is which field: header synonyms, and names for the columns kept as extra.

Cells below the header are not looked at here. What spellings of one name have in common is spellings.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from leadscout_assets.contracts import FIELDS, REQUIRED_FIELDS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.column_maps import ColumnMap, folded, header_digest
from leadscout_assets.leads.spellings import alternatives, as_written, loosely, numbers_itself, surname_alone

# English, then Afrikaans. Compared without case, accents, spaces and punctuation, then as spellings.py has it, so that
# plurals, possessives, "No" for "Number" and the like need no word of their own. Left out on purpose because they
# name a person in one list and a business in the next: Name, Naam, Contact, Kontak, Client, Customer, Number, Nommer.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "entity_name": (
        "Entity", "Business Name", "Business", "Company Name", "Company", "Registered Name", "Legal Name",
        "Legal Entity", "Legal Entity Name", "Enterprise Name", "Enterprise", "Organisation", "Organisation Name",
        "Organization", "Organization Name", "Firm", "Firm Name", "Account Name", "Supplier Name", "Vendor Name",
        "Name of Business", "Name of Company", "Name of Entity",
        "Besigheid", "Besigheidsnaam", "Besigheid Naam", "Firma", "Firmanaam", "Maatskappy", "Maatskappynaam",
        "Onderneming", "Ondernemingsnaam", "Entiteit", "Entiteitnaam", "Naam van besigheid",
        "Geregistreerde Naam",
    ),
    "trading_as_name": (
        "Trading As", "Trading Name", "Trade Name", "Trades As", "T/A", "TA Name", "DBA", "Doing Business As",
        "Brand Name", "Handelsnaam", "Handel As", "Handeldrywend As", "H/A",
    ),
    "keyword": (
        "Keywords", "Industry", "Sector", "Category", "Line of Business", "Business Type",
        "Type of Business", "Nature of Business", "Activity", "Business Activity", "Search Term",
        "Sleutelwoord", "Bedryf", "Sektor", "Kategorie", "Soort Besigheid", "Tipe Besigheid",
    ),
    "contact_number": (
        "Contact No", "Contact Nr", "Contact Num", "Contact Phone", "Telephone", "Telephone Number", "Telephone No",
        "Tel", "Tel No", "Tel Nr", "Tel Number", "Phone", "Phone Number", "Phone No", "Landline", "Landline Number",
        "Office Number", "Office Phone", "Office Tel", "Work Phone", "Work Number", "Work Tel", "Business Phone",
        "Business Number", "Business Tel", "Company Phone", "Company Tel", "Switchboard",
        "Telefoon", "Telefoonnommer", "Tel Nommer", "Tel Werk", "Werk Tel", "Kontaknommer",
        "Kantoornommer", "Landlyn",
    ),
    "cell_number": (
        "Cell", "Cell No", "Cell Nr", "Cell Num", "Cellphone", "Cellphone Number",
        "Cellphone No", "Cellular", "Cellular Number", "Mobile", "Mobile Number", "Mobile No", "Mobile Nr",
        "Mobile Phone", "Business Cell", "Company Cell", "WhatsApp", "WhatsApp Number",
        "Sel", "Selfoon", "Selfoonnommer", "Sel Nommer", "Sel Nr",
    ),
    "email_address": (
        "Email", "Mail", "Mail Address", "Email Addresses", "E-mail ID", "Contact Email", "Business Email",
        "Company Email", "Work Email", "E-pos", "Epos Adres",
    ),
    "registered_address": (
        "Address", "Registered Addr", "Registered Office", "Registered Office Address", "Physical Address",
        "Street Address", "Street", "Business Address", "Company Address", "Address 1", "Address Line 1",
        "Full Address", "Adres", "Fisiese Adres", "Straatadres", "Geregistreerde Adres",
        "Besigheidsadres",
    ),
    "registered_address_city": (
        "City", "Town", "City/Town", "Town/City", "Registered City", "Registered Town", "Address City",
        "Physical City", "Municipality", "Stad", "Dorp", "Stad/Dorp", "Dorp/Stad",
    ),
    "registered_address_province": (
        "Province", "Prov", "Registered Province", "Address Province", "Physical Province", "State", "State/Province",
        "Region", "Provinsie", "Streek",
    ),
    "director_name": (
        "Director", "Directors", "Director Full Name", "Director Names", "Name of Director", "Director Name and Surname",
        "Director Name Surname", "Owner", "Owner Name", "Owner Full Name", "Owners Name", "Name of Owner", "Member", "Member Name",
        "Member Full Name", "Managing Director", "Managing Director Name", "Managing Member",
        "Principal", "Principal Name", "Proprietor", "Contact Person", "Contact Person Name", "Contact Name",
        "Contact Full Name", "Full Name", "Name and Surname", "Name & Surname", "Responsible Person",
        "Representative", "Key Contact",
        "Direkteur", "Direkteur Naam", "Direkteursnaam", "Direkteur se Naam", "Naam van Direkteur", "Eienaar",
        "Eienaar Naam", "Eienaar se Naam", "Kontakpersoon", "Naam en Van", "Volle Naam", "Lid",
    ),
    "director_cell": (
        "Director Cell No", "Director Cell Nr", "Director Cell Number", "Director Cellphone",
        "Director Cellphone Number", "Director Mobile", "Director Mobile Number", "Director Number", "Director No",
        "Director Phone", "Director Phone Number", "Director Contact", "Director Contact Number", "Director Tel",
        "Owner Cell", "Owner Cell Number", "Owner Cellphone", "Owner Mobile", "Owner Number", "Owner Phone",
        "Owner Contact Number", "Contact Person Cell", "Contact Person Number", "Contact Person Mobile",
        "Member Cell", "Direkteur Sel", "Direkteur Selfoon", "Direkteur Selnommer", "Direkteur Nommer",
        "Eienaar Sel", "Eienaar Selfoon", "Kontakpersoon Sel",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What a list's header was understood as; both mappings are from a name to a column's index, starting at 0.

    `fields` maps each recognised field to its column; `extra` every other column, under a name of its own. `shown` are
    all headers in their order, spacing tidied, and `digest` is theirs.
    """

    fields: dict[str, int]
    extra: dict[str, int]
    shown: tuple[str, ...] = ()
    digest: str = ""

    @property
    def width(self) -> int:
        """How many columns the header spans."""
        return len(self.fields) + len(self.extra)


def understand(headers: Sequence[str | None], by_hand: ColumnMap = MappingProxyType({})) -> Header:
    """Recognise the columns of a list from its headers, left to right; blank headers are None or whitespace.

    What a person named (`by_hand`) comes first. Then a field's own name wins over a synonym wherever it stands, the exact
    spelling of either over a loose one, and both over headers that name two things; else the first column wins. A later
    column of the same field is kept as extra, as are columns that are not recognised; a blank header is named by its
    column letter.
    """
    told = [header or "" for header in headers]
    apart = any(surname_alone(header) for header in told)
    ways = [[by_hand.get(folded(header)), *_ways(header)] for header in told]
    fields: dict[str, int] = {}
    named: set[int] = set()
    for way in range(len(ways[0]) if ways else 0):
        for index, meant in enumerate(ways):
            field = meant[way]
            if field is None or index in named or (apart and way in _LOOSE and field == "director_name"):
                continue
            if fields.setdefault(field, index) == index:
                named.add(index)
    taken = set(fields.values())
    extra: dict[str, int] = {}
    times = Counter(" ".join((headers[index] or "").split()) for index in taken)
    for index, header in enumerate(headers):
        if index not in taken:
            extra[_distinct(" ".join((header or "").split()) or column_letter(index), times)] = index
    shown = tuple(" ".join((header or "").split()) or column_letter(index) for index, header in enumerate(headers))
    return Header({field: fields[field] for field in FIELDS if field in fields}, extra, shown, header_digest(headers))


LONGEST = 120
"""Characters of a heading whose spelling is looked into; what is longer is text, and may be made to cost time."""

_LOOSE = (2, 4, 5)
"""Of the ways in which a header is understood, those that guess. A surname in a column of its own leaves given names to the
column beside it, which must not be guessed to be a person's whole name."""


def field_of(header: str) -> str | None:
    """Return the field that a header by itself would be understood as, None where it would not be recognised."""
    return next((field for field in _ways(header) if field), None)


def require(header: Header) -> Header:
    """Return `header`, or raise `UnreadableFile` naming each required column that it lacks.

    Headers that were not recognised are counted, not shown: in a list without a header they are a person's data.
    """
    missing = [field for field in REQUIRED_FIELDS if field not in header.fields]
    if not missing:
        return header
    wanted = " and ".join(f"{field} (e.g. {SYNONYMS[field][1]!r})" for field in missing)
    found = ", ".join(header.fields) or "none"
    apart = "director_name" in missing and any(map(surname_alone, header.shown))
    advice = "; put given names and surname into one column" if apart else ""
    raise UnreadableFile(
        "missing_column",
        f"no column for {wanted} in the first filled row; recognised there: {found}, and {len(header.extra)} other "
        f"columns; name both columns in the first row{advice}",
    )


def column_letter(index: int) -> str:
    """Return a column's letters as a spreadsheet shows them; `index` starts at 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _ways(header: str) -> tuple[str | None, ...]:
    """Return the field that a header is by each way of understanding it, the surest first."""
    own, own_loosely, synonyms, synonyms_loosely = _recognised()
    exact = as_written(header)
    if len(header) > LONGEST:
        return own.get(exact), None, synonyms.get(exact), None, None
    loose = loosely(header)
    alike, meant = own_loosely.get(loose), synonyms_loosely.get(loose)
    if numbers_itself(header) and synonyms_loosely.get(loose.removesuffix("number")) == "director_name":
        alike = meant = None
    return own.get(exact), alike, synonyms.get(exact), meant, _either(header)


def _either(header: str) -> str | None:
    """Return the field that all parts of a header such as `Owner/Director` are."""
    _, own, _, synonyms = _recognised()
    known = {**synonyms, **own}
    for parts in alternatives(header):
        meant = {known.get(loosely(part)) for part in parts}
        if len(meant) == 1 and None not in meant:
            return meant.pop()
    return None


@cache
def _recognised() -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
    """Return the fields by their own names, as written and loosely, and by their synonyms, as written and loosely."""
    synonyms = {word: field for field, words in SYNONYMS.items() for word in words}
    return (
        {folded(field): field for field in FIELDS},
        {loosely(field): field for field in FIELDS},
        {folded(word): field for word, field in synonyms.items()},
        {loosely(word): field for word, field in synonyms.items()},
    )


def _distinct(name: str, times: Counter[str]) -> str:
    """Return `name`, numbered where it occurred before; `times` counts the occurrences."""
    found = name
    while times[found]:
        times[name] += 1
        found = f"{name} ({times[name]})"
    times[found] += 1
    return found
