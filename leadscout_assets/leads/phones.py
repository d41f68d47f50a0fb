"""Telephone cells to E.164 numbers with their kind; the South African numbering plan.

Which cell a number stood in, and whether that is a defect, is decided in validation.py.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import said_values, table_over_distinct
from leadscout_assets.terms import PhoneKind

# Kinds by the digits after the trunk 0, first match wins. Source: the South African numbering plan as phonenumbers
# 9.0 carries it. It counts 0862-0869 as premium; they are listed with sharecall, as the public knows all of 086.
KINDS: tuple[tuple[str, PhoneKind], ...] = (
    (r"80", PhoneKind.TOLL_FREE),
    (r"86", PhoneKind.SHARECALL),
    (r"87", PhoneKind.VOIP),
    (r"9", PhoneKind.PREMIUM),
    (r"[67]|8[1-5]|19[12]|50[0-2]", PhoneKind.MOBILE),
    (r"[1-5]", PhoneKind.LANDLINE),
)

# Every assigned nine-digit number of the country, as phonenumbers' metadata has it; a property test holds the two
# equal. Shorter "valid" ones there are mailbox and service codes that nobody can call a business on.
ASSIGNED = (
    r"(?:(?:2(?:0330|4302)|52087)0\d{3}"
    r"|(?:1[0-8]|2[1-378]|3[1-69]|4\d|5[1346-8])\d{7}"
    r"|1(?:3492[0-25]|4495[0235]|549(?:20|5[01]))\d{3}"
    r"|(?:2[27]|47|54)4950\d{3}"
    r"|1(?:049[2-4]|9[12]\d\d)\d{4}"
    r"|(?:50[0-2]|[67]\d\d)\d{6}"
    r"|8[0-7]\d{7}"
    r"|9[0-2]\d{7})"
)
_NATIONAL = r"(?P<national>[1-9]\d{8})"
# 0821234567, 821234567, 27821234567, +27821234567, 0027..., +270821234567 (from `+27 (0) 82`), 027821234567, +082...
SOUTH_AFRICAN = rf"^(?:(?:\+?0{{0,3}}27)?0?|\+0){_NATIONAL}$"
_PUNCTUATION = r"[\s().\-\x{2010}-\x{2015}'\"`_:]+"

# A telephone number that a spreadsheet took for a number, with a decimal point or comma.
_FLOAT_TAIL = r"^(\+?\d+)[.,]0+$"
# What is left with digits behind its one point is an amount, a share or a coordinate: its digits together make no
# telephone number. A number never starts with a zero before another digit, so that `082.1234567` is none of these.
_FRACTION = r"^[^\d+]*(?:0|[1-9]\d*)\.\d+(?:[eE]-?\d+)?\D*$|^-?\.\d+$"
# ASCII throughout: digits of other scripts would pass as digits and are none that can be dialled.
_SEPARATORS = re.compile(r"\s*(?:[/;,|&\n\\]|\b(?:or|of|and|en|alt|alternatively)\b)\s*", re.IGNORECASE | re.ASCII)
# With a decimal comma; but `821234567,831234567` are two telephone numbers.
_COMMA_FRACTION = re.compile(r"^-?(?:0|[1-9]\d{0,7})?,\d+$", re.ASCII)
_IS_FRACTION = re.compile(_FRACTION, re.ASCII)
_IS_FLOAT = re.compile(_FLOAT_TAIL, re.ASCII)
# Between the area code and the rest of one number people put what else divides numbers: `011/234-5678`, `082,1234567`,
# `(011)/2345678`, `082/123/4567`, `011 234/5678`, `0861/123456`. A rest that starts with a zero may be a number of its
# own that lacks digits (`082 / 0831234`), unless nothing but the sign divides them.
_GAP = r"[\s().\-]*"
_AREA = rf"(?<![\d+])\(?(?:(?:\+|00)?27{_GAP}(?:0{_GAP})?|0)[1-8]\d"
_SIGN = r"[/\\,|]"
_END = r"(?!\d|[\s.\-]+[1-9])"
_DIVIDED = re.compile(
    rf"{_AREA}\s*\)?(?:\s*{_SIGN}\s*[1-9]|{_SIGN}0)(?:[\s.\-]?\d){{6}}{_END}"
    rf"|{_AREA}\s*\)?[\s.\-/\\]?\d{{3}}[/\\]\d{{4}}{_END}"
    rf"|(?<![\d+])0(?:80|86|87)\d\s*{_SIGN}\s*\d(?:[\s.\-]?\d){{5}}{_END}",
    re.ASCII,
)
# The last digits of a second number; a time of day is none.
_LAST_DIGITS = re.compile(r"[\s\-]*(\d{1,4})[\s.]*", re.ASCII)
# `(2)` counts lines or calls; an area code in brackets has more digits, or stands in front.
_COUNT = re.compile(r"\(\s*[1-9]\s*\)|\(\s*\d\d?\s*\)\s*$", re.ASCII)
_WORDS = re.compile(r"[^\d\s+().\-]+", re.ASCII)
_EXTENSION = re.compile(r"(?:ext(?:ension|n)?|uitbreiding|uitb|x)[\s.:#]*\d+\s*\)?\s*$", re.IGNORECASE | re.ASCII)
_SCIENTIFIC = re.compile(r"^\+?\d(?:[.,]\d+)?E\+?\d{1,2}$", re.IGNORECASE | re.ASCII)
_NOISE = re.compile(r"[^\d+]+", re.ASCII)
_RUN_TOGETHER = re.compile(r"(?:\+?27|0)[1-9]\d{8}")
_MATCH_ONE = re.compile(SOUTH_AFRICAN)
_MATCH_ASSIGNED = re.compile(ASSIGNED)
_UNIVERSAL_ACCESS = re.compile(r"^(?:\+?27|0)(861\d{7})$")
# Country codes of the neighbours, often written without + or 00: Botswana, Eswatini, Lesotho, Mozambique, Namibia,
# Zimbabwe. Only these are guessed; any other bare country code could be a mistyped local number.
_NEIGHBOUR = re.compile(r"^(?:26[34678]|258)\d{7,9}$")


def parse_phones(column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return one row per cell: `number` (E.164 or null), `kind`, `others` (list or null), `unusable` (bool).

    `others` are further numbers of the cell; `unusable` says that something stood there and no number was found.
    A blank cell or a placeholder gives nulls and false.
    """
    parsed = table_over_distinct(column, lambda cells: _parse_distinct(said_values(cells)))
    return pa.table(
        {
            "number": parsed["number"],
            "kind": parsed["kind"],
            "others": parsed["others"],
            "unusable": pc.fill_null(parsed["unusable"], False),
        }
    )


def kinds(numbers: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the kind of each E.164 number by its prefix; null for null."""
    kind = pa.scalar(PhoneKind.FOREIGN.value)
    for prefix, name in reversed(KINDS):
        kind = pc.if_else(pc.match_substring_regex(numbers, rf"^\+27(?:{prefix})"), pa.scalar(name.value), kind)
    return pc.if_else(pc.is_valid(numbers), kind, pa.scalar(None, pa.string()))


def south_african(cells: pa.Array) -> pa.Array:
    """Return the E.164 number of each cell that holds one plain South African number, else null."""
    cells = pc.replace_substring_regex(cells, _FLOAT_TAIL, r"\1")
    if pc.any(pc.match_substring(cells, ".")).as_py():
        fraction = pc.match_substring_regex(cells, _FRACTION)
        cells = pc.if_else(fraction, pa.scalar(None, pa.string()), cells)
    compact = pc.replace_substring_regex(cells, _PUNCTUATION, "")
    national = pc.struct_field(pc.extract_regex(compact, SOUTH_AFRICAN), "national")
    number = pc.binary_join_element_wise("+27", national, "")
    return pc.if_else(pc.match_substring_regex(national, f"^{ASSIGNED}$"), number, pa.scalar(None, pa.string()))


def _parse_distinct(cells: pa.Array) -> pa.Table:
    number = south_african(cells)
    others: pa.Array = pa.nulls(len(cells), pa.list_(pa.string()))
    hard = pc.and_(pc.is_valid(cells), pc.is_null(number))
    if pc.any(hard).as_py():
        found = [numbers_in(cell) for cell in cells.filter(hard).to_pylist()]
        number = pc.replace_with_mask(number, hard, pa.array([f[0] if f else None for f in found], pa.string()))
        rest = pa.array([f[1:] for f in found], pa.list_(pa.string()))
        at = pc.subtract(pc.cumulative_sum(hard.cast(pa.int32())), 1)
        others = rest.take(pc.if_else(hard, at, pa.scalar(None, pa.int32())))
    unusable = pc.and_(hard, pc.is_null(number))
    return pa.table({"number": number, "kind": kinds(number), "others": others, "unusable": unusable})


def numbers_in(cell: str) -> list[str]:
    """Return the distinct numbers of one awkward cell in E.164, in order: several, with notes, foreign, scientific."""
    cell = _IS_FLOAT.sub(r"\1", cell.strip())
    if _COMMA_FRACTION.match(cell):
        return []
    if _SCIENTIFIC.match(cell):
        return _numbers_in_part(cell)
    found: list[str] = []
    for part in _SEPARATORS.split(_DIVIDED.sub(lambda number: _NOISE.sub("", number.group()), cell)):
        if found and (last := _LAST_DIGITS.fullmatch(part)):
            # `011 123 4567/8`: the second number shares all but its last digits with the first.
            found.append(found[-1][: -len(last.group(1))] + last.group(1))
            continue
        found += _numbers_in_part(part)
    return list(dict.fromkeys(found))


def _numbers_in_part(part: str) -> list[str]:
    digits = _digits(part)
    if one := _national(digits):
        return [one]
    if several := _numbers_in_words(part):
        return several
    if len(digits) >= 18 and (several := [n for m in _RUN_TOGETHER.findall(digits) if (n := _national(m))]):
        return several
    if universal := _UNIVERSAL_ACCESS.match(digits):
        return ["+27" + universal.group(1)]
    if digits.startswith(("+", "00")) or _NEIGHBOUR.match(digits):
        foreign = _foreign("+" + digits.lstrip("+0"))
        return [foreign] if foreign else []
    return []


def _numbers_in_words(part: str) -> list[str]:
    """Return the numbers between the words and counts of a part, where no more than four digits are left over elsewhere."""
    found: list[str] = []
    for piece in _WORDS.split(_COUNT.sub("#", _EXTENSION.sub("", part))):
        numbers = _side_by_side(piece)
        if not numbers and sum(map(str.isdigit, piece)) > 4:
            return []
        found += numbers
    return found


def _side_by_side(piece: str) -> list[str]:
    """Return the numbers that a piece without words consists of, divided by blanks, or none if anything is left over.

    Nine digits without the zero count only where they stand together: any nine out of a longer row of groups would do.
    """
    if one := _national(_digits(piece)):
        return [one]
    found, digits, tokens = [], "", 0
    for token in piece.split():
        digits, tokens = digits + _digits(token), tokens + 1
        if (tokens == 1 or len(digits) > 9) and (one := _national(digits)):
            found.append(one)
            digits, tokens = "", 0
    return [] if digits else found


def _digits(part: str) -> str:
    text = _EXTENSION.sub("", part.strip())
    if _SCIENTIFIC.match(text):
        return _plain_decimal(text.replace(",", "."))
    text = re.sub(r"(?<=\d)\.0+$", "", text)
    if _IS_FRACTION.match(text):
        return ""
    digits = _NOISE.sub("", text)
    return digits[:1] + digits[1:].replace("+", "")


def _plain_decimal(text: str) -> str:
    mantissa, exponent = re.split("[eE]", text)
    # 8.21E+08 has lost its last digits for good; a trailing zero or two are all that a number may lack.
    if len(mantissa.replace(".", "").lstrip("+")) < int(exponent) - 1:
        return ""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return ""
    return f"{value:f}" if value == value.to_integral_value() else ""


def _national(digits: str) -> str | None:
    match = _MATCH_ONE.match(digits)
    if match and _MATCH_ASSIGNED.fullmatch(match.group("national")):
        return "+27" + match.group("national")
    return None


def _foreign(number: str) -> str | None:
    # Imported here: its metadata costs a fifth of a second, and most deliveries hold no foreign number.
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if parsed.country_code == 27 or not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
