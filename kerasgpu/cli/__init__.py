"""The command line: see kerasgpu/__main__.py."""
