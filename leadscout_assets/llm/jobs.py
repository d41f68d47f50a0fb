"""Asks about large backlogs by the vendors' batch APIs, at half the price within a day. A job is submitted once, whatever happens.

Answers go to the same store as those of calls; the next run of the batches takes them from there.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from leadscout_assets.errors import BadSetting
from leadscout_assets.llm.answered import Offer
from leadscout_assets.llm.asking import ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE, items_of
from leadscout_assets.llm.booked import Denied, Used, Wanted
from leadscout_assets.llm.job_ledger import Intended, Job, JobLedger
from leadscout_assets.llm.measurements import note_unmeasured
from leadscout_assets.llm.prices import Estimate, Price
from leadscout_assets.llm.providers import CallFailed, Finished, JobReplies, Reply
from leadscout_assets.llm.questions import answer_key, as_data, cleaned, question_key
from leadscout_assets.llm.stage import Stage

NEVER_ARRIVED = timedelta(minutes=15)
"""After this a job that its vendor does not list was never submitted: a request takes seconds to arrive."""

KEPT_FOR = timedelta(days=30)
"""After this a vendor has no results any more, and a job that was not collected is given up."""

READINGS = 2
"""How often results are read that come cut off, or lack what the vendor counts."""

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

    def results(self, vendor_id: str) -> JobReplies | None:
        """Return what came of a job, None while it is not over. Raises `CallFailed`."""
        ...

    def discard(self, job: str, vendor_id: str) -> None:
        """Have the vendor delete a job that is over: the names that were sent, and the replies. Raises `CallFailed`."""
        ...

    def clear(self, job: str) -> None:
        """Have the vendor delete what was uploaded for a job that never came to be, as far as it can be found."""
        ...


BatchPrices = Callable[[str, str], Price | None]
"""The price of a kind's model by its batch API; None where it has none, or none is known."""

NOT_NAMED = "not_named"
"""Why nothing is heard of a job: its provider is not among those of the settings any more."""


@dataclass(frozen=True)
class Collected:
    """What became of an open job: its provider, its state, how many names got an answer; `why` nothing was heard of it.

    `left`: names of a job that is over without an answer, by the code of the reason.
    """

    id: str
    provider: str
    state: str
    answers: int
    why: str | None = None
    left: Mapping[str, int] = field(default_factory=dict)


class Jobs:
    """Jobs at a stage's providers: new ones go to the first that takes them, and each is looked for where it was submitted."""

    def __init__(self, stage: Stage, prices: BatchPrices) -> None:
        self._stage, self._prices = stage, prices
        self._jobs = JobLedger(stage.ledger)
        self._sleep: Callable[[float], object] = stage.sleep or time.sleep

    def submit(self, names: Mapping[str, str], now: datetime | None = None) -> Intended | Denied:
        """Submit one job about the names that are neither answered nor in doubt, each given with its batch.

        It goes to the first provider with a batch API that is not down, does not decline and is not over budget. Raises
        `BadSetting` where none has a batch API and a price.
        """
        at, stage = now or datetime.now(UTC), self._stage
        priced = [(offer, price) for offer in stage.offers if (price := self._prices(offer.name, offer.model))]
        if not priced:
            raise BadSetting("LEADSCOUT_LLM_PROVIDERS: jobs need a provider with a batch API and a known price")
        left, _ = stage.to_ask(names)
        if not left:
            return Denied("nothing_to_ask")
        batches = {question_key(cleaned(name), stage.secret): batch for name, batch in names.items()}
        refused: dict[str, str] = {}
        for offer, price in priced:
            found = self._submit_to(offer, price, left, batches, at)
            if isinstance(found, Intended):
                if offer.unmeasured:
                    sent = {batches[question_key(name, stage.secret)] for name in left}
                    note_unmeasured(stage.ledger.database, f"{offer.name}/{offer.model}", len(left), sent)
                return replace(found, refused=refused)
            refused[offer.name] = found.code
        return Denied(next(reversed(refused.values())), refused)

    def _submit_to(
        self, offer: Offer, price: Price, left: Sequence[str], batches: Mapping[str, str], at: datetime
    ) -> Intended | Denied:
        if offer.why_not:
            return Denied(offer.why_not)
        size = self._stage.pace.names
        requests = [self._wanted(offer, price, left[some : some + size], batches) for some in range(0, len(left), size)]
        # Before anything is booked: a client's first import takes seconds, in which a kill would leave a job to be looked for.
        with _opened(offer) as provider:
            intended = self._jobs.intend([wanted for wanted, _ in requests], at)
            if isinstance(intended, Denied):
                return intended
            bodies = [
                (call, self._body(provider, data, wanted))
                for call, (wanted, data) in zip(intended.calls, requests, strict=True)
            ]
            return self._sent(provider, intended, bodies, at)

    def _sent(
        self, provider: BatchProvider, job: Intended, bodies: list[tuple[str, dict[str, Any]]], at: datetime
    ) -> Intended | Denied:
        """Submit a job that is booked. Again only where it is sure that the vendor did not take it."""
        attempts = 1 if job.probe else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                vendor_id = provider.submit(job.id, bodies)
            except CallFailed as failed:
                if failed.charged:
                    self._jobs.unconfirmed(job, at)
                    return replace(job, confirmed=False)
                pause = random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE))  # noqa: S311  spreads retries
                pause = max(pause, failed.retry_after or 0.0)
                if failed.fatal or attempt == attempts or pause > LONGEST_PAUSE:
                    self._jobs.turned_down(job, failed.code, at, failed.retry_after)
                    return Denied(failed.code)
                self._sleep(pause)
            else:
                self._jobs.submitted(job.id, vendor_id)
                return job
        raise AssertionError("unreachable: the last attempt returns")

    def collect(self, now: datetime | None = None) -> list[Collected]:
        """Look at every open job: find those whose submission was not confirmed, and store what is back."""
        at, offers = now or datetime.now(UTC), {offer.name: offer for offer in self._stage.offers}
        # One after the other, as they were submitted; a provider's connections are opened once.
        with ExitStack() as stack:
            opened: dict[str, BatchProvider] = {}

            def provider_of(job: Job) -> BatchProvider | None:
                if job.provider in offers and job.provider not in opened:
                    opened[job.provider] = stack.enter_context(_opened(offers[job.provider]))
                return opened.get(job.provider)

            found = []
            for job in self._jobs.open_jobs():
                provider = provider_of(job)
                if provider is None:
                    found.append(Collected(job.id, job.provider, job.state, 0, NOT_NAMED))
                else:
                    found.append(self._looked(provider, job, at))
            # Last: what is deleted at the vendor must be stored here. What it does not delete now, it is told again.
            for job in self._jobs.to_discard(at - KEPT_FOR):
                if provider := provider_of(job):
                    self._discard(provider, job)
            return found

    def _discard(self, provider: BatchProvider, job: Job) -> None:
        with suppress(CallFailed):
            provider.discard(job.id, str(job.vendor_id))
            self._jobs.discarded(job.id)

    def _looked(self, provider: BatchProvider, job: Job, now: datetime) -> Collected:
        try:
            return self._look(provider, job, now)
        except CallFailed as failed:  # what is not known today is known at the next look
            if job.vendor_id is None or now - job.at < KEPT_FOR:
                return Collected(job.id, job.provider, job.state, 0, failed.code)
            requests = self._jobs.requests_of(job.id)
            self._jobs.over(job.id, "failed", (), "unreadable", unreadable=list(requests))
            return Collected(job.id, job.provider, "failed", 0, left={"unreadable": sum(requests.values())})

    def _look(self, provider: BatchProvider, job: Job, now: datetime) -> Collected:
        if (vendor_id := job.vendor_id) is None:
            custom_ids, known = self._jobs.ids_of(job.id), self._jobs.vendor_ids()
            vendor_id, final = provider.find(job.id, custom_ids, known, job.at - SKEW)
            if vendor_id is None:
                if final and now - job.at > NEVER_ARRIVED:
                    return self._given_up(provider, job)
                return Collected(job.id, job.provider, "intended", 0)
            self._jobs.submitted(job.id, vendor_id)
        return self._taken_in(provider, job, vendor_id, now)

    def _given_up(self, provider: BatchProvider, job: Job) -> Collected:
        requests = self._jobs.requests_of(job.id)
        self._jobs.over(job.id, "failed", list(requests), "never_arrived")
        provider.clear(job.id)
        return Collected(job.id, job.provider, "failed", 0, left={"never_arrived": sum(requests.values())})

    def _taken_in(self, provider: BatchProvider, job: Job, vendor_id: str, now: datetime) -> Collected:
        """Store what a job answered, and end it. What comes cut off is read once more; what is missing then is given up."""
        ids, heard, silent, counted = self._jobs.ids_of(job.id), set[str](), set[str](), None
        answers, left = 0, Counter[str]()
        for _ in range(READINGS):
            replies = provider.results(vendor_id)
            if replies is None:
                return Collected(job.id, job.provider, "submitted", 0)
            counted, usable = replies.answered, _unambiguous(replies)
            for call, names in self._jobs.requests_of(job.id).items():
                if reply := usable.get(call):
                    found = self._settle(job, call, reply, names, now)
                    answers += found
                    left["refused" if reply.finished is Finished.REFUSED else "no_answer"] += names - found
            heard |= {call for call, reply in usable.items() if reply and call in ids}
            silent |= {call for call, reply in usable.items() if not reply and call in ids}
            if heard | silent == ids or (counted is not None and len(heard) >= counted):
                break
        if not heard | silent and counted != 0:
            # No line of it is one of ours: a page of some gateway, say.
            raise CallFailed("unreadable", charged=False)
        # Where the vendor counts no more answers than arrived, the rest was not answered, whether or not it says so of each.
        all_heard = counted is not None and len(heard) >= counted
        rest = self._jobs.requests_of(job.id)
        free = [call for call in rest if call in silent or all_heard]
        unreadable = [call for call in rest if call not in free]
        state = "done" if heard else "failed"
        self._jobs.over(job.id, state, free, "not_answered", unreadable=unreadable)
        left["not_answered"] += sum(rest[call] for call in free)
        left["unreadable"] += sum(rest[call] for call in unreadable)
        return Collected(job.id, job.provider, state, answers, left=+left)

    def _settle(self, job: Job, call: str, reply: Reply, names: int, now: datetime) -> int:
        items = items_of(reply, names, self._stage.form)
        used = Used(reply.tokens_in, reply.tokens_out, 0.0)
        # By the model that it was submitted for, whichever is named now.
        price = self._prices(job.provider, job.model)
        self._stage.ledger.settle(call, price, used, items, str(reply.finished), now)
        return len(items)

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


def _unambiguous(replies: JobReplies) -> dict[str, Reply | None]:
    """Return the replies by custom id, but those that came twice and differently: which of them is right, nobody can say."""
    found: dict[str, set[Reply | None]] = {}
    for call, reply in replies.replies:
        found.setdefault(call, set()).add(reply)
    return {call: next(iter(several)) for call, several in found.items() if len(several) == 1}


@contextmanager
def _opened(offer: Offer) -> Iterator[BatchProvider]:
    made = offer.make()
    try:
        if not isinstance(made, BatchProvider):
            raise TypeError("this provider has no batch API")
        yield made
    finally:
        made.close()
