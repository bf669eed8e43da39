"""Notices by mail: what each person wants to be told of, and when; gathered, sent once."""
