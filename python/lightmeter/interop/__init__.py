"""Connections to other programs: a module or folder for each, all optional."""
