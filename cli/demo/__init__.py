"""The demonstration: a company, its staff, and customers who keep writing."""

from cli.demo.filling import fill

__all__ = ["fill"]
