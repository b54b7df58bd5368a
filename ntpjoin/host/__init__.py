"""This machine's door: the only room that starts processes and touches files."""
