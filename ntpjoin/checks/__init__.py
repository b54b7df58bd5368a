"""Judging: what is, against what should be. Checks change nothing; they only propose what to type."""
