"""Versions of the rules that decide content. A change of a rule changes its version."""

RULES = "default-1"
DATE_RULES = "extended-1"
PROBABILITY_ORDER = "ab71-v1"
