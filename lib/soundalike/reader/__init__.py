"""What a service imports: open the published tables without Spark or Java, look up a track, read the ledger."""

from soundalike.reader.rows import Ledger, LedgerEntry, Neighbor, NeighborList, Pair, Track
from soundalike.reader.tables import Reader

__all__ = ["Ledger", "LedgerEntry", "Neighbor", "NeighborList", "Pair", "Reader", "Track"]
