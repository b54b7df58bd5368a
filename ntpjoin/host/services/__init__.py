"""What runs at boot and now, under whichever init this machine has."""
