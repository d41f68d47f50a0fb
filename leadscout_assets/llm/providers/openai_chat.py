"""OpenAI's chat protocol, which local servers speak too, over the official SDK. One request is one call: no retries below us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadscout_assets.llm.providers import CallFailed, Finished, JobReplies, Reply
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
            file = self.client.files.create(file=(_file_of(job), content), purpose="batch", timeout=BATCH_SECONDS).id
        except Exception as error:  # noqa: BLE001  a file that was uploaded for nothing costs nothing
            failed = failure_of(error, self._sdk)
            self.clear(job)
            raise CallFailed(
                failed.code, charged=False, fatal=failed.fatal, retry_after=failed.retry_after, status=failed.status
            ) from None
        try:
            made = self.client.batches.create(
                input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h", metadata={MARK: job},
                timeout=BATCH_SECONDS,
            )  # fmt: skip
            # Within the `try`: a page of HTML has no id.
            return str(made.id)
        except Exception as error:  # noqa: BLE001  as in `ask`
            failed = submission(failure_of(error, self._sdk))
            if not failed.charged:
                self.clear(job)
            raise failed from None

    def find(self, job: str, custom_ids: set[str], known: set[str], since: datetime) -> tuple[str | None, bool]:
        """Look for a job by its mark. What is not listed is not there."""
        with looking(self._sdk):
            for batch in self.client.batches.list(limit=100, timeout=BATCH_SECONDS):
                if (batch.metadata or {}).get(MARK) == job:
                    return str(batch.id), True
                if batch.created_at < since.timestamp():
                    break
        return None, True

    def results(self, vendor_id: str) -> JobReplies | None:
        """Return what came of a job, or None while it is not over. Raises `CallFailed`."""
        with looking(self._sdk):
            batch = self.client.batches.retrieve(vendor_id, timeout=BATCH_SECONDS)
            if batch.status not in OVER:
                return None
            # What has no answer stands in a file of its own.
            files = [file for file in (batch.output_file_id, batch.error_file_id) if file]
            content = b"\n".join(self.client.files.content(file, timeout=BATCH_SECONDS).read() for file in files)
            counted = tokens(getattr(batch.request_counts, "completed", None))
            # A job that failed as a whole was never begun.
            return JobReplies(lines_of(content, _line), 0 if batch.status == "failed" else counted)

    def discard(self, job: str, vendor_id: str) -> None:
        """Delete the files of a job that is over: OpenAI keeps what was uploaded until somebody does. Raises `CallFailed`."""
        with deleting(self._sdk):
            batch = self.client.batches.retrieve(vendor_id, timeout=BATCH_SECONDS)
            for file in filter(None, (batch.input_file_id, batch.output_file_id, batch.error_file_id)):
                self._delete(file)
        self.clear(job)

    def clear(self, job: str) -> None:
        """Delete what was uploaded for a job and is still there: the answer to an upload may be lost, its file is not."""
        with suppress(CallFailed), looking(self._sdk):
            newest = self.client.files.list(purpose="batch", limit=1_000, timeout=BATCH_SECONDS).data
            for file in newest:
                if file.filename == _file_of(job):
                    self._delete(file.id)

    def _delete(self, file: str) -> None:
        with deleting(self._sdk):
            self.client.files.delete(file, timeout=BATCH_SECONDS)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def _file_of(job: str) -> str:
    return f"{job}.jsonl"


def _line(found: Any) -> tuple[str, Reply | None]:
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
