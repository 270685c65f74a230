"""Tests of the platform: contracts and processing need no services; everything else runs on the real engines."""
