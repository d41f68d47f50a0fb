"""Asks about large backlogs by the vendors' batch APIs, at half the price within a day. A job is submitted once, whatever happens.

Answers go to the same store as those of calls; the next run of the batches takes them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from leadscout_assets.errors import BadSetting
from leadscout_assets.llm.answered import Offer
from leadscout_assets.llm.asking import items_of
from leadscout_assets.llm.booked import Denied, Used, Wanted
from leadscout_assets.llm.job_ledger import Intended, Job, JobLedger
from leadscout_assets.llm.prices import Estimate, Price
from leadscout_assets.llm.providers import CallFailed, Reply
from leadscout_assets.llm.questions import answer_key, as_data, cleaned, question_key
from leadscout_assets.llm.stage import Stage

NEVER_ARRIVED = timedelta(minutes=15)
"""After this a job that its vendor does not list was never submitted: a request takes seconds to arrive."""

SKEW = timedelta(minutes=5)
"""How far a vendor's clock may be behind ours."""


@runtime_checkable
class BatchProvider(Protocol):
    """A provider with a batch API. Requests are (custom id, body)."""

    def close(self) -> None:
        """Close its connections."""
        ...

    def body(self, prompt: str, data: str, schema: Mapping[str, Any], most_tokens: int) -> dict[str, Any]:
        """Return one request's body."""
        ...

    def submit(self, job: str, requests: list[tuple[str, dict[str, Any]]]) -> str:
        """Submit a job and return the vendor's id. Raises `CallFailed`."""
        ...

    def find(self, job: str, custom_ids: set[str], known: set[str], since: datetime) -> tuple[str | None, bool]:
        """Look for a job whose submission was not confirmed: the vendor's id, and whether that answer is final."""
        ...

    def results(self, vendor_id: str) -> Iterable[tuple[str, Reply | None]] | None:
        """Return the replies by custom id, None for a request that failed; or None while the job is not over."""
        ...

    def discard(self, vendor_id: str) -> None:
        """Have the vendor delete a job that is over: the names that were sent, and the replies. Raises `CallFailed`."""
        ...


BatchPrices = Callable[[str, str], Price | None]
"""The price of a kind's model by its batch API; None where it has none, or none is known."""

NOT_NAMED = "not_named"
"""Why nothing is heard of a job: its provider is not among those of the settings any more."""


@dataclass(frozen=True)
class Collected:
    """What became of an open job: its provider, its state, how many names got an answer; `why` nothing was heard of it."""

    id: str
    provider: str
    state: str
    answers: int
    why: str | None = None


class Jobs:
    """Jobs at a stage's providers: new ones go to the first, and each is looked for where it was submitted."""

    def __init__(self, stage: Stage, prices: BatchPrices) -> None:
        self._stage, self._prices = stage, prices
        self._jobs = JobLedger(stage.ledger)

    def submit(self, names: Mapping[str, str], now: datetime | None = None) -> Intended | Denied:
        """Submit one job about the names that are neither answered nor in doubt, each given with its batch.

        Raises `BadSetting` where the first provider has no batch API, or no price.
        """
        at, stage, offer = now or datetime.now(UTC), self._stage, self._stage.offers[0]
        if (price := self._prices(offer.name, offer.model)) is None:
            raise BadSetting("LEADSCOUT_LLM_PROVIDERS: the first provider needs a batch API and a known price for jobs")
        batches = {question_key(cleaned(name), stage.secret): batch for name, batch in names.items()}
        left, _ = stage.to_ask(names)
        size = stage.pace.names
        requests = [self._wanted(offer, price, left[some : some + size], batches) for some in range(0, len(left), size)]
        if not requests:
            return Denied("nothing_to_ask")
        intended = self._jobs.intend([wanted for wanted, _ in requests], at)
        if isinstance(intended, Denied):
            return intended
        try:
            with _opened(offer) as provider:
                bodies = [
                    (call, self._body(provider, data, wanted))
                    for call, (wanted, data) in zip(intended.calls, requests, strict=True)
                ]
                vendor_id = provider.submit(intended.id, bodies)
            self._jobs.submitted(intended.id, vendor_id)
        except CallFailed as failed:
            if failed.charged:
                return intended  # it may have arrived: it is looked for, and not submitted again
            self._jobs.over(intended.id, "failed", intended.calls, failed.code)
            return Denied(failed.code)
        return intended

    def collect(self, now: datetime | None = None) -> list[Collected]:
        """Look at every open job: find those whose submission was not confirmed, and store what is back."""
        at, offers = now or datetime.now(UTC), {offer.name: offer for offer in self._stage.offers}
        # One after the other, as they were submitted; a provider's connections are opened once.
        with ExitStack() as stack:
            opened: dict[str, BatchProvider] = {}
            found = []
            for job in self._jobs.open_jobs():
                if job.provider not in offers:
                    found.append(Collected(job.id, job.provider, job.state, 0, NOT_NAMED))
                    continue
                if job.provider not in opened:
                    opened[job.provider] = stack.enter_context(_opened(offers[job.provider]))
                found.append(self._looked(opened[job.provider], job, at))
            return found

    def _looked(self, provider: BatchProvider, job: Job, now: datetime) -> Collected:
        try:
            return self._look(provider, job, now)
        except CallFailed as failed:  # what is not known today is known at the next look
            return Collected(job.id, job.provider, job.state, 0, failed.code)

    def _look(self, provider: BatchProvider, job: Job, now: datetime) -> Collected:
        requests = self._jobs.requests_of(job.id)
        vendor_id = job.vendor_id
        if vendor_id is None:
            known = self._jobs.vendor_ids()
            vendor_id, final = provider.find(job.id, set(requests), known, job.at - SKEW)
            if vendor_id is None:
                if final and now - job.at > NEVER_ARRIVED:
                    self._jobs.over(job.id, "failed", list(requests), "never_arrived")
                    return Collected(job.id, job.provider, "failed", 0)
                return Collected(job.id, job.provider, "intended", 0)
            self._jobs.submitted(job.id, vendor_id)
        replies = provider.results(vendor_id)
        if replies is None:
            return Collected(job.id, job.provider, "submitted", 0)
        # By the model that it was submitted for, whichever is named now.
        price, answered = self._prices(job.provider, job.model), 0
        for call, reply in replies:
            if call in requests and reply is not None:
                items = items_of(reply, requests.pop(call), self._stage.form)
                used = Used(reply.tokens_in, reply.tokens_out, 0.0)
                self._stage.ledger.settle(call, price, used, items, str(reply.finished), now)
                answered += len(items)
        self._jobs.over(job.id, "done", list(requests), "not_answered")
        # Last: what is deleted there must be stored here. A vendor that will not only keeps it as long as it says.
        with suppress(CallFailed):
            provider.discard(vendor_id)
        return Collected(job.id, job.provider, "done", answered)

    def _wanted(
        self, offer: Offer, price: Price, some: Sequence[str], batches: Mapping[str, str]
    ) -> tuple[Wanted, str]:
        form, secret, data = self._stage.form, self._stage.secret, as_data(some)
        most = Estimate.of(form.prompt, data, str(form.schema), len(some))
        asked = {question_key(name, secret): name for name in some}
        keys = [
            (key, answer_key(name, offer.name, offer.model, form, secret), batches[key]) for key, name in asked.items()
        ]
        return Wanted(offer.name, offer.model, price, most, keys, form.prompt_hash, "job"), data

    def _body(self, provider: BatchProvider, data: str, wanted: Wanted) -> dict[str, Any]:
        form = self._stage.form
        return provider.body(form.prompt, data, form.schema, wanted.most.tokens_out)


@contextmanager
def _opened(offer: Offer) -> Iterator[BatchProvider]:
    made = offer.make()
    try:
        if not isinstance(made, BatchProvider):
            raise TypeError("this provider has no batch API")
        yield made
    finally:
        made.close()
