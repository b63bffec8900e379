"""The table of rules: a shape and a check for each kind of personal data."""

from __future__ import annotations

from corpora.personal_data import accounts, cards, emails, hosts, permits, registration, telephones

RULES = (
    *emails.RULES,
    *hosts.RULES,
    *permits.RULES,
    *registration.RULES,
    *cards.RULES,
    *telephones.RULES,
    *accounts.RULES,
)
"""The first rule that matches a piece of text takes it, so more specific rules come first."""
