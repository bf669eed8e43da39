"""Calling somebody: alerts of a brand, which are acknowledged or go on to the next."""
