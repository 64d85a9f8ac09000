"""The endpoints of the API, as tables of `Endpoint`."""
