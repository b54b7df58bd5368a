"""Whom to follow: which names and addresses may be followed at all, a small survey of them, and the choice."""
