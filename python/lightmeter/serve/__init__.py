"""A server for a store and its pages over HTTP (extra ``server``)."""

from lightmeter.serve.app import make_app
from lightmeter.serve.server import Limits, Proxy, Server

__all__ = ["Limits", "Proxy", "Server", "make_app"]
