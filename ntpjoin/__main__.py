"""python -m ntpjoin."""

from ntpjoin.cli import main

main()
