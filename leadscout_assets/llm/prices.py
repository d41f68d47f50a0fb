"""What tokens cost: the price table, and the most that a request can cost before it is sent. Money is whole billionths of a dollar."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from leadscout_assets.errors import BadSetting

NANO = 1_000_000_000
"""Billionths of a US dollar in one: sums of whole numbers are exact, and a token of the cheapest model is some tens of them."""

TOKENS_OF_FORM = 1_000
"""Tokens that a vendor may add for roles, and for the schema in its own words."""

TOKENS_PER_ANSWER = 48
"""No entry of a reply is longer: 30 tokens are usual."""

TOKENS_PER_REPLY = 64


@dataclass(frozen=True)
class Price:
    """Billionths of a dollar per token."""

    input: int
    output: int

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """Return what so many tokens cost, billionths of a dollar."""
        return tokens_in * self.input + tokens_out * self.output


@dataclass(frozen=True)
class Estimate:
    """The most that one request can use: every byte of it a token, and the whole length that a reply is admitted."""

    tokens_in: int
    tokens_out: int

    @classmethod
    def of(cls, prompt: str, data: str, schema: str, names: int) -> Estimate:
        """Return the worst case of a request about `names` names."""
        sent = sum(len(part.encode()) for part in (prompt, data, schema))
        return cls(sent + TOKENS_OF_FORM, TOKENS_PER_REPLY + TOKENS_PER_ANSWER * names)

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.tokens_in + self.tokens_out


def price_of(kind: str, model: str, own: str, *, batch: bool = False) -> Price | None:
    """Return the price of a model, or None where no table names it: then it must not be called.

    `own` is LEADSCOUT_LLM_PRICES, `KIND/MODEL=INPUT:OUTPUT` in dollars per million tokens, divided by commas; it wins.
    """
    table = tomllib.loads(files("leadscout_assets.llm").joinpath("data", "prices.toml").read_text("utf-8"))
    section = table.get(kind, {})
    factor = section.get("batch", 1.0) if batch else 1.0
    if (found := read_prices(own).get(f"{kind}/{model}")) is None:
        entry = section.get(model)
        if not isinstance(entry, dict):
            return None
        found = (entry["input"], entry["output"])
    per_token = (-int(-dollars * factor * NANO // 1_000_000) for dollars in found)
    return Price(*per_token)


def read_prices(own: str) -> dict[str, tuple[float, float]]:
    """Read LEADSCOUT_LLM_PRICES. Raises `BadSetting`."""
    found = {}
    for pair in filter(None, (one.strip() for one in own.split(","))):
        match = re.fullmatch(r"([a-z]+/[^=\s]+)=(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", pair)
        if match is None:
            raise BadSetting(
                "LEADSCOUT_LLM_PRICES: write KIND/MODEL=INPUT:OUTPUT, dollars per million tokens, divided by commas"
            )
        found[match[1]] = (float(match[2]), float(match[3]))
    return found


def dollars(nano: int) -> float:
    """Return billionths of a dollar as dollars."""
    return nano / NANO


def nano(dollars: float) -> int:
    """Return dollars as billionths of one."""
    return round(dollars * NANO)
