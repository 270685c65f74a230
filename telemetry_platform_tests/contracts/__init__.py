"""Contracts are data: these tests hold them against each other and against the samples."""
