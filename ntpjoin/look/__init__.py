"""Looking at this host: the only room that makes Facts. Looking changes nothing but caches."""
