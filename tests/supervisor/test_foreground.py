import os
import signal
import threading

import pytest

from leadscout_assets.supervisor.foreground import Guest, StopAsked, StopRequests, stop_requests


def finished(guest):
    guest.start()
    for thread in threading.enumerate():
        if thread.name == "on-ready":
            thread.join(10)
    return guest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_waiting(number):
    with stop_requests() as requests:
        os.kill(os.getpid(), number)
        with pytest.raises(StopAsked):
            requests.pause(10)
        assert requests.count == 1


def test_afterwards_signals_mean_what_they_meant_before():
    before = signal.getsignal(signal.SIGINT)
    with stop_requests():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_request_waiting_just_ends():
    StopRequests().pause(0)


def test_a_guest_that_answers_nothing_lets_the_platform_run():
    urls = []
    guest = finished(Guest(lambda url: urls.append(url), "http://127.0.0.1:1"))
    assert urls == ["http://127.0.0.1:1"]
    assert not guest.wants_the_end()


@pytest.mark.parametrize("code", [0, 3])
def test_a_guest_that_answers_a_number_ends_the_platform_with_it(code):
    guest = finished(Guest(lambda url: code, ""))
    assert guest.wants_the_end()
    assert guest.answer() == code


def test_what_a_guest_raises_is_raised_to_the_caller():
    def fail(url):
        raise LookupError("no batch")

    guest = finished(Guest(fail, ""))
    assert guest.wants_the_end()
    with pytest.raises(LookupError, match="no batch"):
        guest.answer()


def test_no_guest_no_end():
    guest = finished(Guest(None, ""))
    assert not guest.wants_the_end()
    assert guest.answer() == 0
