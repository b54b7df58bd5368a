"""What the user sees. Nobody else prints: the answer goes to stdout, all talk to stderr."""
