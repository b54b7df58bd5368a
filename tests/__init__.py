"""Tests of ntpjoin."""
