"""The words and number formats that all renderers share: labels of codes, headings of fields, counts and shares.

No figure is computed here, and nothing here knows a file format.
"""

from datetime import datetime
from math import floor, log10

from leadscout_assets.contracts import FIELDS
from leadscout_assets.terms import TIME_ZONE, Method, Origin, PhoneKind, Province

NOTHING = "–"
"""What a table shows where there is no figure: not applicable, or kept back."""

PROVINCES: dict[str, str] = {
    Province.EASTERN_CAPE: "Eastern Cape",
    Province.FREE_STATE: "Free State",
    Province.GAUTENG: "Gauteng",
    Province.KWAZULU_NATAL: "KwaZulu-Natal",
    Province.LIMPOPO: "Limpopo",
    Province.MPUMALANGA: "Mpumalanga",
    Province.NORTHERN_CAPE: "Northern Cape",
    Province.NORTH_WEST: "North West",
    Province.WESTERN_CAPE: "Western Cape",
    Province.UNKNOWN: "Unknown",
}

ORIGINS: dict[str, str] = {
    Origin.AFRICAN: "African",
    Origin.EUROPEAN: "European",
    Origin.INDIAN: "Indian",
    Origin.COLOURED: "Coloured",
    Origin.CAPE_MALAY: "Cape Malay",
    Origin.CHINESE: "Chinese",
}

PHONE_KINDS: dict[str, str] = {
    PhoneKind.MOBILE: "Mobile",
    PhoneKind.LANDLINE: "Landline",
    PhoneKind.TOLL_FREE: "Toll-free (080)",
    PhoneKind.SHARECALL: "Sharecall (086)",
    PhoneKind.VOIP: "VoIP (087)",
    PhoneKind.PREMIUM: "Premium rate",
    PhoneKind.OTHER: "Other South African",
    PhoneKind.FOREIGN: "Outside South Africa",
}

METHODS: dict[str, str] = {
    Method.VERIFIED: "Confirmed by a person",
    Method.MEMORY: "Confirmed for the same name",
    Method.LEXICON: "Lexicon",
    Method.PHONETIC: "Sound of the name",
    Method.STATISTICAL: "Statistical model",
    Method.LLM: "Language model",
    Method.ABSTAINED: "Abstained",
    Method.NO_PURPOSE: "Not asked: no purpose recorded",
}

HEADINGS: dict[str, str] = {field: "".join(part.title() for part in field.split("_")) for field in FIELDS}
"""Heading of each recognised field as lead lists carry it, e.g. `EntityName`: what a file sent again must have."""


def words(code: str) -> str:
    """Turn a code into words, e.g. `no_phone` into `No phone`."""
    text = code.replace("_", " ")
    return text[:1].upper() + text[1:]


def count(number: int) -> str:
    """Write a count with commas between thousands."""
    return f"{number:,}"


def share(part: float | None) -> str:
    """Write a share of 0..1 as a percentage; what is not quite nothing or not quite all never reads as such."""
    if part is None:
        return NOTHING
    if 0 < part < 0.001:
        return "<0.1%"
    if 0.999 < part < 1:
        return ">99.9%"
    return f"{part:.1%}"


def points(score: float | None) -> str:
    """Write points of a score with one decimal."""
    return NOTHING if score is None else f"{score:,.1f}"


def origin_counts(most: int) -> str:
    """Say what a report must say where a known origin counts in its scores, `most` points."""
    return (
        f"That a likely origin is known counts here, {most} of 100 points, the same whichever origin it is. A score is "
        "not the sole basis of a decision about anyone: a human reviews it (POPIA, section 71)."
    )


def size(number: int) -> str:
    """Write a file's size, decimal units."""
    if number < 1_000:
        return f"{number} bytes"
    if number < 1_000_000:
        return f"{number / 1_000:,.0f} kB"
    return f"{number / 1_000_000:,.1f} MB"


def moment(when: datetime) -> str:
    """Write a time as South Africans read it: ISO date and minutes, South African Standard Time."""
    return f"{when.astimezone(TIME_ZONE):%Y-%m-%d %H:%M} SAST"


def cost(dollars: float) -> str:
    """Write an amount of US dollars: two significant digits where it is less than a cent, `$0.00012`."""
    if dollars >= 0.01 or dollars == 0:
        return f"${dollars:,.2f}"
    return f"${dollars:.{1 - floor(log10(dollars))}f}"


def sentence(clause: str) -> str:
    """Write a clause as a sentence."""
    return f"{clause[0].upper()}{clause[1:]}."
