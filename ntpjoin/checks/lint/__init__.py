"""Any ntp.conf, judged before a daemon reads it: the engine's language, and the pool's rules."""
