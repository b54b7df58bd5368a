"""Configurations, and what lint has to find in each: written down before lint was run on them."""
