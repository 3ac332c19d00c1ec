"""soundalike: music dumps to Delta tables, and the tracks that sound alike, precomputed."""

__version__ = "0.1.0"
