"""One question to our own UI over HTTP, and its answer. What to ask, and what an answer means, is the callers'."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from leadscout_assets.errors import EdgeFailed

ANSWER_SECONDS = 60.0
"""Seconds that an answer may take: the UI of a busy machine has needed twenty to launch a run."""

SEE = "see `leadscout doctor`"


def graphql(
    url: str, query: str, variables: Mapping[str, object] | None = None, *, timeout: float = ANSWER_SECONDS
) -> dict[str, Any]:
    """Return the data with which the UI at `url` answers `query`; empty where it answers with errors alone.

    `timeout`: seconds. Raises `EdgeFailed` where nothing answers in time, or something that is no GraphQL server.
    """
    request = urllib.request.Request(  # noqa: S310  # always http, to our own server
        f"{url}/graphql",
        data=json.dumps({"query": query, "variables": variables or {}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    # A proxy in the environment knows no way to this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        error.close()
        raise EdgeFailed(f"the platform does not answer: HTTP {error.code}; {SEE}") from None
    except TimeoutError:
        raise EdgeFailed(f"the platform does not answer within {timeout:.0f} s; {SEE}") from None
    except urllib.error.URLError as error:
        raise EdgeFailed(f"the platform does not answer: {error.reason}; {SEE}") from None
    except (OSError, http.client.HTTPException) as error:
        raise EdgeFailed(f"the platform broke off its answer ({type(error).__name__}); {SEE}") from None
    except ValueError:
        raise EdgeFailed(f"what answers in place of the platform is not its UI; {SEE}") from None
    if not isinstance(answer, dict):
        raise EdgeFailed(f"what answers in place of the platform is not its UI; {SEE}")
    data = answer.get("data")
    return data if isinstance(data, dict) else {}
