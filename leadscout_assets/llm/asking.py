"""One round of questions: providers in order, calls side by side, within caps and time. Whatever fails leaves names undecided.

What is booked, and whether a call may be made, the ledger decides. What an answer is worth, `calibration` says.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadscout_assets.llm.answered import Answered, Asked, Figures, Offer, Why
from leadscout_assets.llm.booked import Denied, Reserved, Used, Wanted
from leadscout_assets.llm.prices import Estimate, Price, dollars
from leadscout_assets.llm.providers import CallFailed, Finished, Provider, Reply
from leadscout_assets.llm.questions import answer_key, as_data, cleaned, is_name, question_key
from leadscout_assets.llm.schema import Form, Item, parse
from leadscout_assets.llm.time_limits import TimeLimits
from leadscout_assets.logs import get_logger
from leadscout_assets.logs.calls import api_call
from leadscout_assets.pace import Tell

if TYPE_CHECKING:
    from leadscout_assets.llm.stage import Stage

ATTEMPTS = 3
"""How often one request is tried with one provider where the vendor did not charge it."""

ROUNDS, ROUNDS_OF_HALVES = 1, 3
"""How often names without an answer are asked about again; where the reply was cut off, by halves."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before the second attempt, at most, and before any: doubled each time, and by chance between nothing and that."""

GRACE_SECONDS = 6.0
"""How long a run that was cancelled waits for calls under way, so that answers already paid for are stored."""

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class _Question:
    name: str
    sent: str
    key: str
    batch: str


class Asking:
    """One round of questions: what it found so far, shared by its workers."""

    def __init__(self, stage: Stage, tell: Tell, figures: Figures) -> None:
        self.stage, self.tell, self.figures = stage, tell, figures
        self.answers: dict[str, Answered] = {}
        self.undecided: dict[str, str] = {}
        self._lock = threading.Lock()
        self._times = TimeLimits(stage.pace.total_seconds, stage.pace.batch_seconds)
        self._most = stage.pace.names
        self._makers: dict[str, Provider] = {}
        self._called: set[str] = set()
        self._work: queue.SimpleQueue[tuple[Sequence[_Question], int]] = queue.SimpleQueue()
        self._queued = 0
        self._stopping = threading.Event()
        self._sleep: Callable[[float], object] = stage.sleep or self._stopping.wait

    def all_of(self, names: Mapping[str, str]) -> Asked:
        """Ask about all names, each given with its batch."""
        stage = self.stage
        questions: dict[str, list[_Question]] = {}
        for name, batch in names.items():
            sent = cleaned(name)
            if is_name(sent):
                key = question_key(sent, stage.secret)
                questions.setdefault(key, []).append(_Question(name, sent, key, batch))
            else:
                self.undecided[name] = Why.NOT_A_NAME
        self._same = questions
        left = self._from_cache([same[0] for same in questions.values()])
        doubtful = stage.ledger.unknown([q.key for q in left])
        for q in left:
            if why := doubtful.get(q.key):
                self._leave([q], why)
        left = [q for q in left if q.key not in doubtful]
        if left:
            for at in range(0, len(left), self._most):
                self._queue(left[at : at + self._most], 0)
            self._in_parallel()
        return Asked(self.answers, self.undecided, self.figures)

    def _from_cache(self, questions: Sequence[_Question]) -> list[_Question]:
        left = list(questions)
        for offer in self.stage.sources:
            keys = {q.key: self._key(q, offer) for q in left}
            found = self.stage.ledger.answers(list(keys.values()))
            for q in left:
                if item := found.get(keys[q.key]):
                    self._answer(q, Answered(item, offer.name, offer.model, cached=True))
            left = [q for q in left if keys[q.key] not in found]
        return left

    def _queue(self, questions: Sequence[_Question], rounds: int) -> None:
        """Have whichever worker is free settle what becomes of these names."""
        with self._lock:
            self._queued += 1
        self._work.put((questions, rounds))

    def _in_parallel(self) -> None:
        """Work requests off by threads of our own: those of a pool would keep the process from ending until they do."""
        done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

        def run(context: Context) -> None:
            while not self._stopping.is_set():
                try:
                    questions, rounds = self._work.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    continue
                try:
                    context.run(self._request, questions, rounds)
                except BaseException as error:  # noqa: BLE001  raised by the thread that waits, which alone is listened to
                    done.put(error)
                else:
                    done.put(None)

        threads = [
            threading.Thread(target=run, args=(copy_context(),), name="llm", daemon=True)
            # A request that is cut off becomes two.
            for _ in range(min(self.stage.pace.workers, 2 * self._queued))
        ]
        for thread in threads:
            thread.start()
        try:
            self._wait(done)
        except BaseException:
            # Whoever cancels waits for this: what is under way may end, nothing new begins.
            self._stopping.set()
            until = time.monotonic() + GRACE_SECONDS
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
            raise
        finally:
            self._stopping.set()
            for provider in self._makers.values():
                provider.close()

    def _wait(self, done: queue.SimpleQueue[BaseException | None]) -> None:
        finished, told = 0, 0.0
        # The last call may end at its own limit; a thread that hangs beyond that is left behind.
        until = self._times.end + GRACE_SECONDS
        # What a request queues anew is counted before it is over itself.
        while finished < self._queued and time.monotonic() < until:
            try:
                error = done.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self.tell(told)
                continue
            if error is not None:
                raise error
            finished += 1
            told = max(told, finished / self._queued)
            self.tell(told)
        if finished < self._queued:
            with self._lock:
                for same in self._same.values():
                    for q in same:
                        if q.name not in self.answers:
                            self.undecided.setdefault(q.name, Why.TOO_LATE)

    def _request(self, questions: Sequence[_Question], rounds: int = 0) -> None:
        """Settle what becomes of these names, with as many calls as that takes; `rounds` were asked about them before."""
        reason = Why.NO_ANSWER
        for offer in self.stage.offers:
            if offer.why_not or offer.price is None:
                reason = offer.why_not or Why.NO_PRICE
                continue
            if not (questions := self._in_time(questions)):
                return
            found = self._with(offer, offer.price, questions)
            if isinstance(found, str):
                reason = found
                if reason == Why.IN_DOUBT:
                    break
                continue
            items, truncated = found
            for place, item in items.items():
                self._answer(questions[place], Answered(item, offer.name, offer.model, cached=False))
            missing = [q for place, q in enumerate(questions) if place not in items]
            if missing and rounds < (ROUNDS_OF_HALVES if truncated else ROUNDS):
                size = -(-len(missing) // 2) if truncated else len(missing)
                for at in range(size, len(missing), size):
                    self._queue(missing[at : at + size], rounds + 1)
                self._request(missing[:size], rounds + 1)
                return
            reason = Why.NO_ANSWER
            questions = missing
            break
        self._leave(questions, reason)

    def _in_time(self, questions: Sequence[_Question]) -> Sequence[_Question]:
        """Return the names whose batches have time left; the others stay undecided."""
        over = self._times.of_turn({q.batch for q in questions})
        self._leave([q for q in questions if q.batch in over], Why.BATCH_TOO_LATE)
        return [q for q in questions if q.batch not in over]

    def _with(self, offer: Offer, price: Price, questions: Sequence[_Question]) -> tuple[dict[int, Item], bool] | str:
        """Ask one provider; return answers by place and whether the reply was cut off, or the code of why there are none."""
        # Before anything is booked: a client's first import takes seconds, in which a kill would leave a call in doubt.
        self._provider(offer)
        data = as_data([q.sent for q in questions])
        wanted = self._wanted(offer, price, questions, data)
        reason = Why.NO_ANSWER
        for attempt in range(1, ATTEMPTS + 1):
            reserved = self._reserve(wanted)
            if isinstance(reserved, str):
                return reserved if attempt == 1 else reason
            try:
                return self._call(offer, price, wanted, reserved.id, data, attempt)
            except CallFailed as failed:
                if failed.charged:
                    return Why.IN_DOUBT
                reason = failed.code
                if failed.fatal or attempt == ATTEMPTS:
                    return reason
                pause = random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE))  # noqa: S311  spreads retries
                if late := self._late(wanted, pause):
                    return late
                self._sleep(pause)
        return reason

    def _wanted(self, offer: Offer, price: Price, questions: Sequence[_Question], data: str) -> Wanted:
        form, names = self.stage.form, [(q.key, self._key(q, offer), q.batch) for q in questions]
        most = Estimate.of(form.prompt, data, str(form.schema), len(questions))
        return Wanted(offer.name, offer.model, price, most, names, form.prompt_hash, self.stage.kind)

    def _reserve(self, wanted: Wanted) -> Reserved | str:
        while True:
            found = self.stage.ledger.reserve(wanted, self.stage.clock())
            if isinstance(found, Reserved):
                return found
            if isinstance(found, Denied):
                return found.code
            if late := self._late(wanted, found.seconds):
                return late
            self._sleep(found.seconds)

    def _late(self, wanted: Wanted, pause: float = 0.0) -> str | None:
        """Return the code of why a call must not begin after a pause; None where it may."""
        if self._stopping.is_set():
            return Why.TOO_LATE
        return self._times.too_late({batch for _, _, batch in wanted.names}, pause)

    def _call(
        self, offer: Offer, price: Price, wanted: Wanted, call: str, data: str, attempt: int
    ) -> tuple[dict[int, Item], bool] | str:
        stage, ledger, started = self.stage, self.stage.ledger, time.perf_counter()
        form = stage.form
        if late := self._late(wanted):
            ledger.release(call, late, 0.0, stage.clock(), counts=False)
            return late
        questions = {question for question, _, _ in wanted.names}
        with self._lock:
            self.figures.calls += 1
            self.figures.retries += not questions.isdisjoint(self._called)
            self._called |= questions
            if offer.unmeasured:
                sent = self.figures.unmeasured.setdefault(f"{offer.name}/{offer.model}", {})
                sent |= {question: batch for question, _, batch in wanted.names}
        try:
            with api_call(offer.name, offer.model, attempt=attempt) as told:
                limit = stage.close_to(self._times.end)
                reply = self._provider(offer).ask(
                    form.prompt, data, form.schema, most_tokens=wanted.most.tokens_out, seconds=limit
                )
                seconds = time.perf_counter() - started
                used = Used(reply.tokens_in, reply.tokens_out, seconds)
                items = items_of(reply, len(wanted.names), form)
                outcome = str(reply.finished) if len(items) < len(wanted.names) else "complete"
                booked = ledger.settle(call, price, used, items, outcome, stage.clock())
                told |= {
                    "tokens_in": used.tokens_in or 0,
                    "tokens_out": used.tokens_out or 0,
                    "cost_usd": dollars(booked),
                }
        except CallFailed as failed:
            seconds = time.perf_counter() - started
            if failed.charged:
                ledger.doubt(call, failed.code, seconds, stage.clock())
            else:
                ledger.release(call, failed.code, seconds, stage.clock(), retry_after=failed.retry_after)
            self._count(seconds, wanted.most_nano if failed.charged else 0)
            raise
        self._count(seconds, booked, used)
        if reply.finished is Finished.REFUSED:
            with self._lock:
                self.figures.refusals += 1
            return Why.REFUSED
        return items, reply.finished is Finished.TRUNCATED

    def _count(self, seconds: float, booked: int, used: Used | None = None) -> None:
        with self._lock:
            self.figures.seconds.append(seconds)
            self.figures.booked_nano += booked
            if used:
                self.figures.tokens_in += used.tokens_in or 0
                self.figures.tokens_out += used.tokens_out or 0

    def _provider(self, offer: Offer) -> Provider:
        with self._lock:
            if offer.name not in self._makers:
                self._makers[offer.name] = offer.make()
            return self._makers[offer.name]

    def _key(self, question: _Question, offer: Offer) -> str:
        return answer_key(question.sent, offer.name, offer.model, self.stage.form, self.stage.secret)

    def _answer(self, question: _Question, answered: Answered) -> None:
        with self._lock:
            self.figures.cached += int(answered.cached)
            for same in self._same[question.key]:
                self.answers[same.name] = answered
                self.undecided.pop(same.name, None)

    def _leave(self, questions: Sequence[_Question], reason: str) -> None:
        with self._lock:
            for question in questions:
                for same in self._same[question.key]:
                    self.undecided[same.name] = reason


def items_of(reply: Reply, names: int, form: Form) -> dict[int, Item]:
    """Return the answers of a reply to so many names, by index."""
    if reply.finished is Finished.REFUSED:
        return {}
    parsed = parse(reply.text, names, form)
    if parsed.discarded:
        get_logger(__name__).warning("llm.reply_discarded", entries=parsed.discarded, names=names)
    return parsed.answers
