"""One file per kind of event; each exports `KIND`. `contracts/registry.py` finds them by listing this package."""
