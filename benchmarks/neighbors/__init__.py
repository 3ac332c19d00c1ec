"""The neighbor lists measured end to end, and the search alone beside faiss: `python -m benchmarks.neighbors`."""
