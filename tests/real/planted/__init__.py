"""Faults that are planted one at a time on a healthy server, what must be found then, and what mends them."""
