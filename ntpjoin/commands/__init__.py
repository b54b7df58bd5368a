"""The commands: each looks, decides, shows, asks, acts and looks again, and returns its exit code. One module a command."""
