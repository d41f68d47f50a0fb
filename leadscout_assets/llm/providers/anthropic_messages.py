"""Anthropic's messages protocol over the official SDK. One request is one call: no retries below us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from leadscout_assets.llm.providers import Finished, JobReplies, Reply
from leadscout_assets.llm.providers.http import (
    bounded_client,
    deleting,
    failure_of,
    lines_of,
    looking,
    silence,
    submission,
    tokens,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

BATCH_SECONDS = 60.0
ENDS = {
    "max_tokens": Finished.TRUNCATED,
    "model_context_window_exceeded": Finished.TRUNCATED,
    "refusal": Finished.REFUSED,
}


class AnthropicMessages:
    """One model behind Anthropic's messages protocol."""

    def __init__(self, model: str, key: SecretStr | None, url: str | None) -> None:
        import anthropic

        silence("anthropic")
        self._sdk, self._model = anthropic, model
        self.client = anthropic.Anthropic(
            api_key=key.get_secret_value() if key else "none",
            base_url=url or "https://api.anthropic.com",
            max_retries=0,
            http_client=bounded_client(),
        )

    def body(self, prompt: str, data: str, schema: Mapping[str, Any], most_tokens: int) -> dict[str, Any]:
        """Return one request as the protocol has it, for a call and for a batch alike."""
        return {
            "model": self._model,
            "system": prompt,
            "messages": [{"role": "user", "content": data}],
            "output_config": {"format": {"type": "json_schema", "schema": dict(schema)}},
            "max_tokens": most_tokens,
        }

    def ask(self, prompt: str, data: str, schema: Mapping[str, Any], *, most_tokens: int, seconds: float) -> Reply:
        """Send one request. Raises `CallFailed`."""
        body = self.body(prompt, data, schema, most_tokens)
        try:
            found = self.client.messages.create(**body, timeout=seconds)
            return reply_of(found.to_dict())
        except Exception as error:  # noqa: BLE001  whatever an SDK raises, the call ended, and its message may quote names
            raise failure_of(error, self._sdk) from None

    def submit(self, job: str, requests: list[tuple[str, dict[str, Any]]]) -> str:
        """Submit a batch job and return the vendor's id. Raises `CallFailed`."""
        wanted: Any = [{"custom_id": one, "params": body} for one, body in requests]
        try:
            return str(self.client.messages.batches.create(requests=wanted, timeout=BATCH_SECONDS).id)
        except Exception as error:  # noqa: BLE001  as in `ask`
            raise submission(failure_of(error, self._sdk)) from None

    def find(self, job: str, custom_ids: set[str], known: set[str], since: datetime) -> tuple[str | None, bool]:
        """Look for a job by the custom ids of its results. While one that nobody knows is not over, nothing is final."""
        final = True
        with looking(self._sdk):
            for batch in self.client.messages.batches.list(limit=100, timeout=BATCH_SECONDS):
                if batch.id in known or batch.created_at < since:
                    continue
                if batch.processing_status != "ended":
                    final = False
                    continue
                told = {custom for custom, _ in self._lines(batch.id)}
                if told & custom_ids:
                    return str(batch.id), True
                # Ours may be among the lines that could not be read.
                final = final and len(told) >= _requests(batch.request_counts)
        return None, final

    def results(self, vendor_id: str) -> JobReplies | None:
        """Return what came of a job, or None while it is not over. Raises `CallFailed`."""
        with looking(self._sdk):
            batch = self.client.messages.batches.retrieve(vendor_id, timeout=BATCH_SECONDS)
            if batch.processing_status != "ended":
                return None
            return JobReplies(self._lines(vendor_id), tokens(getattr(batch.request_counts, "succeeded", None)))

    def _lines(self, vendor_id: str) -> list[tuple[str, Reply | None]]:
        import httpx2

        # Not by the SDK's own decoder, which has nothing of a file with one bad line; its look-up has no time limit, either.
        with looking(self._sdk):
            path = f"/v1/messages/batches/{quote(vendor_id, safe='')}/results"
            found = self.client.get(path, cast_to=httpx2.Response, options={"timeout": BATCH_SECONDS})
            return lines_of(found.content, _line)

    def discard(self, job: str, vendor_id: str) -> None:
        """Delete a job that is over, with its requests and replies. Raises `CallFailed`."""
        with deleting(self._sdk):
            self.client.messages.batches.delete(vendor_id, timeout=BATCH_SECONDS)

    def clear(self, job: str) -> None:
        """Do nothing: nothing is uploaded ahead of a job."""

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def _requests(counts: Any) -> int:
    return sum(tokens(getattr(counts, end, None)) or 0 for end in ("succeeded", "errored", "canceled", "expired"))


def _line(found: Any) -> tuple[str, Reply | None]:
    result = found["result"]
    return str(found["custom_id"]), reply_of(result["message"]) if result["type"] == "succeeded" else None


def reply_of(found: Mapping[str, Any]) -> Reply:
    """Read a message. Raises `ValueError` where it is none."""
    content = found.get("content")
    if found.get("type") != "message" or not isinstance(content, list):
        raise ValueError("no message")
    usage = found.get("usage") or {}
    sent = [
        tokens(usage.get(key) or 0)
        for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    told = None if usage.get("input_tokens") is None or None in sent else sum(count or 0 for count in sent)
    text = "".join(
        str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text"
    )
    return Reply(
        text, ENDS.get(str(found.get("stop_reason")), Finished.COMPLETE), told, tokens(usage.get("output_tokens"))
    )
