"""The browser client in a real browser, playing a real video, against the real API (`make browser`)."""
