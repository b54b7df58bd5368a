"""The test internet: worlds of time servers good and bad, in virtual time for the many, on real sockets for the few."""
