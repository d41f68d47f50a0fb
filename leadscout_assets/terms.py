"""The words of the domain as enums and codes, used by every layer. No logic here.

The glossary in README.md explains each word.
"""

from enum import StrEnum
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("Africa/Johannesburg")
"""Dates, daily partitions and timestamps delivered without a zone are in this zone."""


OPERATIONS = (
    # steps of a run, by the asset they make
    "raw_leads", "leads", "classifications", "lead_scores", "lead_reports", "known_leads", "table_maintenance", "restore_drill",
    "retention",
    # commands
    "run", "deliver", "generate", "classify", "backfill", "backup", "restore", "undo", "forget", "rotate", "demo", "up", "prune",
)  # fmt: skip
"""What reports progress, and can be given a time limit; `backup` is both a step and a command."""


class Origin(StrEnum):
    """The likely linguistic and cultural origin of a personal name. Never a person's race."""

    AFRICAN = "african"
    EUROPEAN = "european"
    INDIAN = "indian"
    COLOURED = "coloured"
    CAPE_MALAY = "cape_malay"
    CHINESE = "chinese"


class Method(StrEnum):
    """What decided a classification: a stage of the cascade, or why no stage did."""

    VERIFIED = "verified"
    MEMORY = "memory"
    LEXICON = "lexicon"
    PHONETIC = "phonetic"
    STATISTICAL = "statistical"
    LLM = "llm"
    ABSTAINED = "abstained"
    NO_PURPOSE = "no_purpose"


class ReviewKind(StrEnum):
    """Whose word a review is. A person's own word about themselves ranks above a reviewer's."""

    REVIEWER = "reviewer"
    SELF_DECLARED = "self_declared"


class ReviewNote(StrEnum):
    """What a reviewer may add to an answer: codes, since free text would soon hold names."""

    NAME_INCOMPLETE = "name_incomplete"
    NO_PERSON = "no_person"
    SEVERAL_POSSIBLE = "several_possible"
    KNOWS_THE_PERSON = "knows_the_person"


CANNOT_TELL = "cannot_tell"
"""Answer of a reviewer who does not know, and of a person who does not wish to say."""


class PhoneKind(StrEnum):
    """Kind of a telephone number, by its South African prefix; `foreign` for any other country."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    TOLL_FREE = "toll_free"
    SHARECALL = "sharecall"
    VOIP = "voip"
    PREMIUM = "premium"
    OTHER = "other"
    FOREIGN = "foreign"


class Linked(StrEnum):
    """How a lead came to its known lead: the first of it, the same business and director again, or so like it that it must be."""

    FIRST = "first"
    EXACT = "exact"
    NEAR = "near"


class Province(StrEnum):
    """ISO 3166-2:ZA codes without the `ZA-` prefix, and `unknown` where nothing tells."""

    EASTERN_CAPE = "EC"
    FREE_STATE = "FS"
    GAUTENG = "GP"
    KWAZULU_NATAL = "KZN"
    LIMPOPO = "LP"
    MPUMALANGA = "MP"
    NORTHERN_CAPE = "NC"
    NORTH_WEST = "NW"
    WESTERN_CAPE = "WC"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a step of a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReportKind(StrEnum):
    """The files that a batch's report consists of; the value is the file's suffix."""

    XLSX = "xlsx"
    HTML = "html"
    PDF = "pdf"
    LEADS_CSV = "leads.csv"
    REJECTED_CSV = "rejected.csv"


ALWAYS_REPORTED = (ReportKind.XLSX, ReportKind.HTML, ReportKind.PDF)
"""The files of every report. The others hold the rows of a batch that has too many for a workbook."""


class Defect(StrEnum):
    """Why nothing says what the cells of a physical row are. The row is kept as text and rejected."""

    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    UNREADABLE_ROW = "unreadable_row"
    ABOVE_HEADER = "above_header"


class Reason(StrEnum):
    """Why a row was rejected. A row carries every reason that applies."""

    RAGGED_ROW = "ragged_row"
    ABOVE_HEADER = "above_header"
    TOTALS_ROW = "totals_row"
    REPEATED_HEADER = "repeated_header"
    MISSING_BUSINESS_NAME = "missing_business_name"
    UNUSABLE_BUSINESS_NAME = "unusable_business_name"
    MISSING_DIRECTOR_NAME = "missing_director_name"
    UNUSABLE_DIRECTOR_NAME = "unusable_director_name"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    ERASED = "erased"


class Warn(StrEnum):
    """A defect that a lead carries and survives."""

    SAME_DIRECTOR_AS = "same_director_as"
    DIRECTOR_SINGLE_NAME = "director_single_name"
    CONTACT_NUMBER_UNUSABLE = "contact_number_unusable"
    CELL_NUMBER_UNUSABLE = "cell_number_unusable"
    DIRECTOR_CELL_UNUSABLE = "director_cell_unusable"
    DIRECTOR_CELL_NOT_MOBILE = "director_cell_not_mobile"
    NO_PHONE = "no_phone"
    EMAIL_UNUSABLE = "email_unusable"
    NO_ADDRESS = "no_address"
    CITY_UNUSABLE = "city_unusable"
    PROVINCE_UNKNOWN = "province_unknown"
    PROVINCE_DISAGREES = "province_disagrees"
    POSTAL_CODE_UNUSABLE = "postal_code_unusable"
    POSTAL_CODE_REPAIRED = "postal_code_repaired"
    COMPANY_TYPE_CONFLICT = "company_type_conflict"
