"""Turn a fresh Linux server into a good member of the NTP Pool, and keep it one."""

__version__ = "0.1.0"
