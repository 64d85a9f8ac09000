"""Showing drift where people already look: a module for each program, none of which is needed."""
