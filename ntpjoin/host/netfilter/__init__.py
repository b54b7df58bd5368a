"""The kernel's packet filter: its rules as data, read from nft and from iptables, and what they do with a query to UDP 123."""
