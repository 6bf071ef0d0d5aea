"""Contenders that several rows share."""
