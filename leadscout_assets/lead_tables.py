"""The tables of the chain in their order: one contract each. A new table is an entry here; what reads all of them asks here."""

from leadscout_assets import contracts
from leadscout_assets.contracts import Contract
from leadscout_assets.scoring import LEAD_SCORES

LEAD_TABLES: tuple[Contract, ...] = (
    contracts.RAW_LEADS,
    contracts.LEADS,
    contracts.REJECTED_LEADS,
    contracts.CLASSIFICATIONS,
    LEAD_SCORES,
    contracts.LEAD_REPORTS,
)
"""Every table is also the asset of its name."""

KNOWN_TABLES: tuple[Contract, ...] = (
    contracts.KNOWN_LEADS,
    contracts.KNOWN_LEAD_LINKS,
    contracts.KNOWN_LEAD_INDEX,
)
"""What is known across batches; all three are the asset `known_leads`, which writes them itself."""
