"""OpenAI's chat protocol, which local servers speak too, over the official SDK. One request is one call: no retries below us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadscout_assets.llm.providers import CallFailed, Finished, Reply
from leadscout_assets.llm.providers.http import bounded_client, failure_of, looking, silence, tokens

if TYPE_CHECKING:
    from pydantic import SecretStr

BATCH_SECONDS = 60.0
MARK = "leadscout_job"
"""Key of a batch's metadata under which our own id stands."""

OVER = ("completed", "expired", "cancelled", "failed")

NO_KEY = "none"
"""Sent where the server wants no key; the SDK wants one."""


class OpenAIChat:
    """One model behind OpenAI's chat protocol. `limit_name`: how the server calls the limit of a reply's length."""

    def __init__(
        self, model: str, key: SecretStr | None, url: str | None, *, limit_name: str = "max_completion_tokens"
    ) -> None:
        import openai

        silence("openai")
        self._sdk, self._model, self._limit_name = openai, model, limit_name
        self.client = openai.OpenAI(
            api_key=key.get_secret_value() if key else NO_KEY,
            base_url=url or "https://api.openai.com/v1",
            max_retries=0,
            http_client=bounded_client(),
        )

    def body(self, prompt: str, data: str, schema: Mapping[str, Any], most_tokens: int) -> dict[str, Any]:
        """Return one request as the protocol has it, for a call and for a batch alike."""
        wanted = {"name": "answers", "strict": True, "schema": dict(schema)}
        return {
            "model": self._model,
            "messages": [{"role": "system", "content": prompt}, {"role": "user", "content": data}],
            "response_format": {"type": "json_schema", "json_schema": wanted},
            self._limit_name: most_tokens,
        }

    def ask(self, prompt: str, data: str, schema: Mapping[str, Any], *, most_tokens: int, seconds: float) -> Reply:
        """Send one request. Raises `CallFailed`."""
        body = self.body(prompt, data, schema, most_tokens)
        try:
            found = self.client.chat.completions.create(**body, timeout=seconds)
            return reply_of(found.to_dict())
        except Exception as error:  # noqa: BLE001  whatever an SDK raises, the call ended, and its message may quote names
            raise failure_of(error, self._sdk) from None

    def submit(self, job: str, requests: list[tuple[str, dict[str, Any]]]) -> str:
        """Submit a batch job, marked with our own id, and return the vendor's. Raises `CallFailed`."""
        lines = [
            {"custom_id": one, "method": "POST", "url": "/v1/chat/completions", "body": body} for one, body in requests
        ]
        content = "\n".join(json.dumps(line) for line in lines).encode()
        try:
            file = self.client.files.create(file=("names.jsonl", content), purpose="batch", timeout=BATCH_SECONDS)
        except Exception as error:  # noqa: BLE001  a file that was uploaded for nothing costs nothing
            failed = failure_of(error, self._sdk)
            raise CallFailed(failed.code, charged=False, fatal=failed.fatal, status=failed.status) from None
        try:
            made = self.client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={MARK: job},
                timeout=BATCH_SECONDS,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001  as in `ask`
            failed = failure_of(error, self._sdk)
            if not failed.charged:
                self._delete(file.id)
            raise failed from None
        return str(made.id)

    def find(self, job: str, custom_ids: set[str], known: set[str], since: datetime) -> tuple[str | None, bool]:
        """Look for a job by its mark. What is not listed is not there."""
        with looking(self._sdk):
            for batch in self.client.batches.list(limit=100, timeout=BATCH_SECONDS):
                if (batch.metadata or {}).get(MARK) == job:
                    return str(batch.id), True
                if batch.created_at < since.timestamp():
                    break
        return None, True

    def results(self, vendor_id: str) -> list[tuple[str, Reply | None]] | None:
        """Return the replies of a job by custom id, or None while it is not over. Raises `CallFailed`."""
        with looking(self._sdk):
            batch = self.client.batches.retrieve(vendor_id, timeout=BATCH_SECONDS)
            if batch.status not in OVER:
                return None
            if not batch.output_file_id:
                return []
            content = self.client.files.content(batch.output_file_id, timeout=BATCH_SECONDS).read()
            return [_line(line) for line in content.splitlines() if line.strip()]

    def discard(self, vendor_id: str) -> None:
        """Delete the files of a job that is over: OpenAI keeps what was uploaded until somebody does."""
        with looking(self._sdk):
            batch = self.client.batches.retrieve(vendor_id, timeout=BATCH_SECONDS)
        for file in filter(None, (batch.input_file_id, batch.output_file_id, batch.error_file_id)):
            self._delete(file)

    def _delete(self, file: str) -> None:
        with suppress(CallFailed), looking(self._sdk):
            self.client.files.delete(file, timeout=BATCH_SECONDS)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def _line(line: bytes) -> tuple[str, Reply | None]:
    found = json.loads(line)
    response = found.get("response") or {}
    return str(found["custom_id"]), reply_of(response["body"]) if response.get("status_code") == 200 else None


def reply_of(found: Mapping[str, Any]) -> Reply:
    """Read a chat completion. Raises `ValueError` where it is none."""
    choices = found.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ValueError("no chat completion")
    message, usage = choices[0].get("message") or {}, found.get("usage") or {}
    counts = tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens"))
    reason = choices[0].get("finish_reason")
    if message.get("refusal") or reason == "content_filter":
        return Reply("", Finished.REFUSED, *counts)
    text = message.get("content")
    return Reply(
        text if isinstance(text, str) else "", Finished.TRUNCATED if reason == "length" else Finished.COMPLETE, *counts
    )
