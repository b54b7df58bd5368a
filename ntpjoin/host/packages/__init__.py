"""Package managers: what is installed, what installing would do, doing it, and taking it back without a network."""
