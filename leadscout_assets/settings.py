"""All configuration. The only reader of the environment; everything else is handed a `Settings`.

Each setting is an environment variable `LEADSCOUT_<NAME>`; README.md lists them, and a test holds the two equal.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source

from leadscout_assets.errors import BadSetting
from leadscout_assets.terms import OPERATIONS

MEGABYTE = 1_000_000

LONGEST_TIME = 1_000_000
"""Hours or minutes; Python's own time spans end at some thousand times that, and `inf` overflows them."""


PATHS = (
    "home", "inbox", "backup_dir", "log_dir", "database_password_file", "alert_secrets_dir", "llm_secrets_dir", "purposes",
)  # fmt: skip
"""Settings that come back absolute."""

OTHERS = frozenset(
    {"IMAGE", "INBOX_DIR", "BACKUPS_DIR", "SECRETS_DIR", "PLATFORM_OF", "REQUIRE_BROWSER", "BENCH_SLOWED"}
)
"""Variables with the prefix that are no settings: of the compose files, of a platform's processes, of tests and benchmarks."""

ALIKE = 0.85
"""Likeness, 0..1 as difflib has it, from which a variable is a setting misspelt: a slip or two in a long name."""

EVERY = "*"
"""In place of an operation's name: every one that is not named itself."""


def _by_operation(text: str) -> str:
    for pair in filter(None, text.replace(" ", "").split(",")):
        name, _, figure = pair.partition("=")
        if not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", figure):
            raise ValueError("write OPERATION=NUMBER, several separated by commas")
        if name not in (*OPERATIONS, EVERY):
            raise ValueError(f"{name} is no operation; there are {EVERY}, {', '.join(OPERATIONS)}")
    return text.replace(" ", "")


ByOperation = Annotated[str, AfterValidator(_by_operation)]
"""`run=600,lead_reports=1800`: a figure per operation; `*` for those not named."""


class Settings(BaseSettings):
    """Everything that an operator may set. Sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="LEADSCOUT_", extra="ignore", frozen=True, env_ignore_empty=True)

    home: Path = Field(Path("var"), description="folder below which the platform writes everything")
    inbox: Path | None = Field(None, description="folder that the sensor watches; default <home>/inbox")
    database_url: SecretStr | None = Field(None, description="application database; default SQLite in <home>/database")
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's runs, events and partitions, on PostgreSQL; default SQLite in <home>/dagster"
    )
    database_password_file: Path | None = Field(
        None, description="file that holds the password for both databases, which so stands in no URL"
    )
    database_pool_size: int = Field(
        20, ge=1, le=1_000, description="connections that a process keeps open to a database"
    )
    database_max_overflow: int = Field(10, ge=0, le=1_000, description="connections that it opens on top at peaks")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="least level logged"
    )
    log_format: Literal["json", "console"] = Field("console", description="json for machines, console for people")
    log_dir: Path | None = Field(None, description="folder of the log files; default <home>/logs")
    log_debug: bool = Field(False, description="write DEBUG lines to the log files, whatever the level elsewhere")
    log_keep_days: int = Field(30, ge=1, le=36_500, description="days for which log files are kept")
    slow_query_ms: float = Field(
        500.0, gt=0, le=LONGEST_TIME, description="time from which a database query is logged, milliseconds"
    )

    classification_purpose: str | None = Field(
        None, description="id of the registered purpose of classifying names; without it every lead abstains"
    )
    purposes: Path | None = Field(None, description="register of purposes beside those that come with LeadScout, TOML")
    origin_weight: int = Field(
        0,
        ge=0,
        le=5,
        description="points of 100 that a known origin counts in the score, where the purpose allows it; 0 for none",
    )
    reveal_religion: bool = Field(False, description="answer origins and languages that reveal religion")
    batch_slug: bool = Field(True, description="show words of the file name in the batch id; `list` where off")

    llm_providers: str = Field(
        "", description="models asked about names that nothing else decides: `KIND/MODEL`, in order, divided by commas"
    )
    llm_openai_key: SecretStr | None = Field(None, description="key of OpenAI's API")
    llm_anthropic_key: SecretStr | None = Field(None, description="key of Anthropic's API")
    llm_secrets_dir: Path | None = Field(
        None, description="folder with any of the files openai_key and anthropic_key, which so stand in no environment"
    )
    llm_openai_url: str | None = Field(None, description="base address of OpenAI's API, where it is another")
    llm_anthropic_url: str | None = Field(None, description="base address of Anthropic's API, where it is another")
    llm_local_url: str | None = Field(None, description="base address of a server of one's own, for the kind `local`")
    llm_stub_url: str | None = Field(None, description="base address of the stand-in, for the kind `stub`")
    llm_unmeasured: bool = Field(False, description="ask also models that have not passed the golden set")
    llm_prices: str = Field(
        "", description="prices that win over the table: `KIND/MODEL=INPUT:OUTPUT`, dollars per million tokens"
    )
    llm_max_usd_per_call: float = Field(0.02, ge=0, le=1_000, description="most that one call may cost, US dollars")
    llm_max_usd_per_batch: float = Field(0.10, ge=0, le=100_000, description="most that a batch may cost, US dollars")
    llm_max_usd_per_day: float = Field(1.0, ge=0, le=100_000, description="most that a day may cost, US dollars")
    llm_max_usd_per_month: float = Field(10.0, ge=0, le=1_000_000, description="most that a month may cost, US dollars")
    llm_names_per_call: int = Field(50, ge=1, le=200, description="most names in one call")
    llm_workers: int = Field(12, ge=1, le=32, description="most calls at the same time in a run")
    llm_call_seconds: float = Field(30.0, gt=0, le=600, description="longest that one call may take, seconds")
    llm_run_seconds: float = Field(120.0, gt=0, le=LONGEST_TIME, description="longest that a run asks, seconds")
    llm_batch_seconds: float | None = Field(
        None,
        gt=0,
        le=LONGEST_TIME,
        description="longest that a run asks about one batch, seconds; none: as long as the run",
    )
    llm_requests_per_minute: int = Field(120, ge=1, description="most calls of one provider in a minute")
    llm_tokens_per_minute: int = Field(500_000, ge=1, description="most tokens of one provider in a minute")

    sheet: str | None = Field(None, description="worksheet to read; default the first visible one")
    max_workbook_bytes: int = Field(25 * MEGABYTE, gt=0, description="largest XLSX read, bytes")
    max_unpacked_bytes: int = Field(250 * MEGABYTE, gt=0, description="largest XLSX read, bytes unpacked")
    max_compression_ratio: float = Field(100.0, gt=1, description="largest unpacked : packed ratio of an XLSX read")
    max_workbook_entries: int = Field(1_000, gt=0, description="most files inside an XLSX read")
    max_columns: int = Field(1_000, gt=1, description="most columns of a lead list read")
    max_csv_bytes: int = Field(1_000 * MEGABYTE, gt=0, description="largest CSV read, bytes")

    max_rows_per_run: int = Field(1_000_000, gt=0, description="most rows of all batches in one run")
    max_report_workbook_rows: int = Field(
        100_000,
        ge=0,
        le=1_000_000,
        description="most rows of a batch whose report lists them in the workbook; of more, in CSV files beside it",
    )
    max_batches_per_run: int = Field(500, gt=0, description="most batches in one run")
    max_reject_rate: float = Field(
        0.10, ge=0, le=1, description="share of rejected rows, duplicates left out, above which a batch's check fails"
    )
    max_duplicate_rate: float = Field(
        0.20, ge=0, le=1, description="share of duplicates above which a batch's check fails"
    )
    min_classification_coverage: float = Field(
        0.50, ge=0, le=1, description="share of leads answered or narrowed below which a batch's check fails"
    )
    max_warning_rate: float = Field(
        0.75, ge=0, le=1, description="share of leads with the same warning above which a batch's check warns"
    )
    deliver_every_hours: float = Field(
        168.0, gt=0, le=LONGEST_TIME, description="longest expected time between two deliveries, hours"
    )
    materialize_within_minutes: float = Field(
        60.0, gt=0, le=LONGEST_TIME, description="longest expected time from a delivery to its assets, minutes"
    )

    time_limits: ByOperation = Field(
        "", description="longest that an operation may take, seconds: `run=600,lead_reports=1800`; `*` for all others"
    )
    retries: ByOperation = Field(
        "*=2", description="times that a failed step of a run is tried again where that can help, as `raw_leads=5,*=2`"
    )
    retry_seconds: float = Field(
        2.0, ge=0, le=3_600, description="longest pause before the first retry of a step, seconds; doubled each time"
    )

    undo_days: float = Field(
        30.0, ge=1, le=36_500, description="days for which rows that were replaced can be brought back"
    )

    keep_runs_days: float = Field(
        90.0, ge=1, le=36_500, description="days for which runs, events and verdicts are kept that later ones replaced"
    )
    keep_run_logs_days: float = Field(
        30.0, ge=1, le=36_500, description="days for which the logs of runs are kept in the UI"
    )
    keep_ticks_days: float = Field(
        30.0, ge=1, le=36_500, description="days for which ticks of sensors and schedules are kept"
    )
    keep_progress_days: float = Field(
        7.0, ge=1, le=36_500, description="days for which progress files of ended operations are kept"
    )

    backup_dir: Path | None = Field(None, description="folder that backups are written to; default <home>/backups")
    backups_kept: int = Field(28, ge=1, description="backups kept; older ones are removed by the next backup")
    max_backup_age_hours: float = Field(
        24.0, gt=0, le=LONGEST_TIME, description="oldest that the newest backup may be, hours"
    )
    max_proven_restore_age_hours: float = Field(
        48.0, gt=0, le=LONGEST_TIME, description="longest ago that a restore may have been proven, hours"
    )
    drill_database_url: SecretStr | None = Field(
        None,
        description="empty PostgreSQL database that the restore drill may fill and empty; without it dumps are only read",
    )
    min_free_bytes: int = Field(2_000 * MEGABYTE, ge=0, description="free disk space below which health fails, bytes")

    alert_levels: str | None = Field(
        None, description="other figures for rules of alerts: `RULE=WARNING:CRITICAL`, several divided by commas"
    )
    alert_slack_url: SecretStr | None = Field(None, description="Slack-compatible webhook that alerts are sent to")
    alert_webhook_url: SecretStr | None = Field(None, description="webhook that alerts are sent to as signed JSON")
    alert_webhook_secret: SecretStr | None = Field(None, description="key that the webhook's JSON is signed with")
    alert_smtp_host: str | None = Field(None, description="mail server that alerts are sent through")
    alert_smtp_port: int = Field(587, ge=1, le=65_535, description="port of the mail server")
    alert_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the connection to the mail server is encrypted"
    )
    alert_smtp_user: str | None = Field(None, description="user at the mail server, where it wants one")
    alert_smtp_password: SecretStr | None = Field(None, description="password of that user")
    alert_email_from: str | None = Field(None, description="address that alerts are sent from")
    alert_email_to: str | None = Field(None, description="addresses that alerts are sent to, divided by commas")
    alert_secrets_dir: Path | None = Field(
        None,
        description="folder with any of the files slack_url, webhook_url, webhook_secret and smtp_password, "
        "which so stand in no environment",
    )

    exporter_host: str = Field("127.0.0.1", description="address that /health, /ready and /metrics are answered on")
    exporter_port: int = Field(
        9464,
        ge=0,
        le=65_535,
        description="port that /health, /ready and /metrics are answered on; with 0 `leadscout up` answers nowhere",
    )

    sentry_dsn: SecretStr | None = Field(None, description="DSN of the Sentry project that errors are reported to")
    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="address of the OpenTelemetry collector that traces are sent to, such as http://collector:4318",
    )
    slow_request_seconds: float = Field(
        1.0, gt=0, le=LONGEST_TIME, description="time from which a traced request is marked as slow, seconds"
    )

    host: str = Field("127.0.0.1", description="address the Dagster UI listens on")
    port: int = Field(3000, ge=1, le=65_535, description="port the Dagster UI listens on")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: Source,
        env_settings: Source,
        dotenv_settings: Source,
        file_secret_settings: Source,
    ) -> tuple[Source, ...]:
        """Read what was handed over and the environment: the sources of files have none here, and would take half the time."""
        return init_settings, env_settings

    @property
    def inbox_dir(self) -> Path:
        """Folder that people drop lead lists in."""
        return self.inbox or self.home / "inbox"

    @property
    def tables_dir(self) -> Path:
        """Folder of the Delta tables."""
        return self.home / "tables"

    @property
    def deliveries_dir(self) -> Path:
        """Folder of the delivered files, by content."""
        return self.home / "deliveries"

    @property
    def reports_dir(self) -> Path:
        """Folder of the reports, one folder per batch."""
        return self.home / "reports"

    @property
    def exports_dir(self) -> Path:
        """Folder of what is exported without another place being named: questionnaires for reviewers."""
        return self.home / "exports"

    @property
    def keys_dir(self) -> Path:
        """Folder of the platform's keys, apart from the data."""
        return self.home / "keys"

    @property
    def dagster_dir(self) -> Path:
        """`DAGSTER_HOME` of the embedded instance."""
        return self.home / "dagster"

    @property
    def logs_dir(self) -> Path:
        """Folder of the log files, and of the platform processes' output."""
        return self.log_dir or self.home / "logs"

    @property
    def progress_dir(self) -> Path:
        """Folder of the progress files."""
        return self.logs_dir / "progress"

    @property
    def background_dir(self) -> Path:
        """Folder of what is known of commands in the background and of work to go on with."""
        return self.home / "background"

    def time_limit(self, operation: str) -> float | None:
        """Return the longest that an operation may take, seconds; None for no limit."""
        return _figures(self.time_limits).get(operation, _figures(self.time_limits).get(EVERY))

    def retries_of(self, operation: str) -> int:
        """Return how often a failed step is tried again."""
        return int(_figures(self.retries).get(operation, _figures(self.retries).get(EVERY, 0)))

    @property
    def llm_is_on(self) -> bool:
        """Whether a language model may be asked at all."""
        return bool(self.llm_providers.strip())

    @property
    def alerts_dir(self) -> Path:
        """Folder of what the alerts keep outside the application database."""
        return self.home / "alerts"

    @property
    def anchors_dir(self) -> Path:
        """Folder in which the end of the audit trail is written down, outside the database."""
        return self.home / "audit"

    @property
    def backups_dir(self) -> Path:
        """Folder of the backups."""
        return self.backup_dir or self.home / "backups"

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the application database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'database' / 'leadscout.sqlite'}"


def _figures(text: str) -> dict[str, float]:
    return {name: float(figure) for name, _, figure in (pair.partition("=") for pair in text.split(",") if pair)}


def read_settings(**overrides: object) -> Settings:
    """Read the environment once, with `overrides` on top; paths come back absolute.

    Raises `BadSetting` naming each variable at fault, not its value: a value may be a secret.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates what mypy cannot see
    except ValidationError as error:
        faults = "; ".join(f"LEADSCOUT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise BadSetting(f"settings cannot be used: {faults}") from None
    paths = {name: getattr(settings, name) for name in PATHS}
    return settings.model_copy(update={name: path.resolve() for name, path in paths.items() if path is not None})


def misspelt() -> dict[str, str]:
    """Return the variables of the environment that are no setting and look like one, each with the one that is meant."""
    import difflib

    prefix, known = "LEADSCOUT_", [name.upper() for name in Settings.model_fields]
    names = {name: name.upper().removeprefix(prefix) for name in os.environ if name.upper().startswith(prefix)}
    strange = {name: bare for name, bare in names.items() if bare not in OTHERS.union(known)}
    meant = {name: difflib.get_close_matches(bare, known, n=1, cutoff=ALIKE) for name, bare in strange.items()}
    return {name: prefix + near[0] for name, near in sorted(meant.items()) if near}


_in_use: Settings | None = None


def current_settings() -> Settings:
    """Return this process's settings, read from the environment at the first call. For the shells only."""
    return _in_use if _in_use is not None else use_settings(read_settings())


def use_settings(settings: Settings) -> Settings:
    """Make `settings` those of this process: for a command whose options override the environment, and for tests."""
    global _in_use  # one process has one set of settings; it is replaced whole, never changed
    _in_use = settings
    return settings
