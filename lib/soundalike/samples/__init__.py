"""Dump-shaped input with planted truth: what was planted is written down beside it, never read back."""
