"""Policy: what every contract keeps, as a table of named rules, and what breaks one.

Start with `rules.py`. The contract tests hold every kind to all rules; the functions of the other modules are one rule
each.
"""

from telemetry_platform.contracts.policy.rule import Finding, Rule
from telemetry_platform.contracts.policy.rules import RULES, findings, findings_of_all

__all__ = ["RULES", "Finding", "Rule", "findings", "findings_of_all"]
