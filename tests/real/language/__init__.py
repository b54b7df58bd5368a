"""Lines of ntp.conf, and what the daemons themselves say of each."""
