"""A store behind a server: the client of its API, and what waits while the server is away."""
