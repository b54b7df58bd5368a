"""The network's door: NTP, its control messages, and DNS. Sockets are opened here and nowhere else."""
