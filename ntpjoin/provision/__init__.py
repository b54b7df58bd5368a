"""Changing this server: what will be done (plan), the kinds of change, doing it and taking it back (apply, undo)."""
