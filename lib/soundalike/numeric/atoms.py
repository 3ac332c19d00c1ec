"""`kernel.nearest` where many rows are identical: each distinct row is searched once, and its lists are expanded.

A thousand identical rows are a million pairs at distance 0 that no family of buckets can tell apart. They are one atom
here: one row stands for it in the search, and in a list it is its smallest rows at one D. Atoms are found by a hash and
confirmed by comparison; the hash decides what is saved, never what is found.
"""

import numpy as np
import numpy.typing as npt

from soundalike.numeric import kernel
from soundalike.numeric.kernel import TILE, Flags
from soundalike.numeric.lattice import SCALE, FloatType, Lattice
from soundalike.numeric.tile import NOTHING, ROW_BITS, ROW_MASK, Keys, Rows

Lists = npt.NDArray[np.int32]
Marks = npt.NDArray[np.uint64]

# Share of rows that repeat an earlier one, up to which they are searched like the others.
_FEW = 0.01
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Rows that are hashed or compared at a time, and entries of lists that are sorted at a time, at most.
_ROWS = 4096
_ENTRIES = 1 << 20


def nearest(
    lattice: Lattice,
    membership: tuple[Rows, Rows],
    k: int,
    tile: tuple[int, int] = TILE,
    scale: int = SCALE,
    dtype: FloatType = np.float32,
    asked: Flags | None = None,
    listed: Flags | None = None,
) -> tuple[Lists, Lists, npt.NDArray[np.int64]]:
    """What `kernel.nearest` returns for the same arguments, always; faster if rows are identical.

    Rows are one atom if they are equal, in the same buckets, and asked in the same ones of them.

    Raises:
        ValueError: as `kernel.nearest`.
    """
    rows, buckets = membership
    kernel.check_order(rows)
    marks = _marks(lattice)
    ordered = np.sort(marks)
    if (ordered[1:] == ordered[:-1]).sum() <= _FEW * len(marks):
        return kernel.nearest(lattice, membership, k, tile, scale, dtype, asked, listed)
    atom = _atoms(lattice, marks, membership, asked, listed)
    kept = (atom == np.arange(len(atom)))[rows]
    asked_kept = None if asked is None else asked[kept]
    found = kernel.nearest(lattice, (rows[kept], buckets[kept]), k, tile, scale, dtype, asked_kept, listed)
    answered = np.zeros(len(atom), dtype=np.bool_)
    answered[rows if asked is None else rows[asked]] = True
    _expand(found[0], found[1], atom, answered, listed)
    return found[0], found[1], (found[0] >= 0).sum(axis=1)


def _powers(count: int) -> Marks:
    return np.cumprod(np.full(count, _MULTIPLIER), dtype=np.uint64)


def _marks(lattice: Lattice) -> Marks:
    """A hash of each row (n,): a polynomial of its numbers, modulo 2^64."""
    powers = _powers(lattice.shape[1])
    marks = np.empty(len(lattice), dtype=np.uint64)
    for start in range(0, len(lattice), _ROWS):
        # Negative numbers wrap around, as the sum does.
        marks[start : start + _ROWS] = lattice[start : start + _ROWS].astype(np.uint64) @ powers
    return marks


def _atoms(
    lattice: Lattice, marks: Marks, membership: tuple[Rows, Rows], asked: Flags | None, listed: Flags | None
) -> Rows:
    """(n,) the row that stands for the atom of each row: the smallest listed one of it, or the smallest if none is."""
    rows, buckets = membership
    every = np.arange(len(lattice))
    starts = np.searchsorted(rows, np.arange(len(lattice) + 1))
    pairs = np.diff(starts)
    place = np.arange(len(rows)) - starts[rows]
    if asked is not None:
        powers = _powers(lattice.shape[1] + int(pairs.max(initial=0)))[lattice.shape[1] :]
        sums = np.cumsum(np.concatenate([[np.uint64(0)], np.where(asked, powers[place], np.uint64(0))]))
        marks = marks + np.diff(sums[starts])
    order = every if listed is None else np.argsort(~listed, kind="stable")
    order = order[np.argsort(marks[order], kind="stable")]
    head = np.ones(len(order), dtype=np.bool_)
    head[1:] = marks[order][1:] != marks[order][:-1]
    atom = np.empty_like(every)
    atom[order] = order[head][np.cumsum(head) - 1]
    # Whatever shares the hash of an atom and nothing else stands for itself.
    doubtful = np.flatnonzero(atom != every)
    for start in range(0, len(doubtful), _ROWS):
        part = doubtful[start : start + _ROWS]
        other = part[(lattice[part] != lattice[atom[part]]).any(axis=1)]
        atom[other] = other
    atom = np.where(pairs == pairs[atom], atom, every)
    twin = starts[atom[rows]] + place
    differs = buckets != buckets[twin]
    if asked is not None:
        differs |= asked != asked[twin]
    atom[rows[differs]] = rows[differs]
    return atom


def _expand(neighbors: Lists, distance: Lists, atom: Rows, answered: Flags, listed: Flags | None) -> None:
    """Turns the lists of rows that stand for atoms, of such rows, into the lists of all rows, in place.

    A list of rows holds the row that stands for any atom in it, so that expanding it once more changes nothing.
    """
    k = neighbors.shape[1]
    members = np.arange(len(atom)) if listed is None else np.flatnonzero(listed)
    members = members[np.argsort(atom[members], kind="stable")]
    sizes = np.bincount(atom[members], minlength=len(atom))
    firsts = np.cumsum(sizes) - sizes
    sizes = np.minimum(sizes, k + 1)
    rows = np.argsort(atom, kind="stable")
    rows = rows[answered[rows]]
    step = max(1, _ENTRIES // (k + 1) ** 2)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        asked, which = np.unique(atom[part], return_inverse=True)
        atoms = np.column_stack([asked, neighbors[asked]])
        far = np.column_stack([np.zeros_like(asked), distance[asked]])
        keys = _smallest_rows(atoms, far, np.where(atoms >= 0, sizes[atoms], 0), firsts, members)[which]
        keys[keys & ROW_MASK == part[:, np.newaxis]] = NOTHING
        keys.sort(axis=1)
        # The low half of NOTHING is -1.
        neighbors[part] = keys[:, :k].astype(np.int32)
        distance[part] = np.where(neighbors[part] < 0, -1, keys[:, :k] >> ROW_BITS)


def _smallest_rows(atoms: Rows, far: Rows, sizes: Rows, firsts: Rows, members: Rows) -> Keys:
    """(q, k + 1) smallest keys of the rows of k + 1 atoms each, of which `sizes` are to be taken, nearest first."""
    width = atoms.shape[1]
    enough = np.cumsum(sizes, axis=1) - sizes >= width
    # An atom as near as the last one that is needed may have smaller rows.
    last = np.where(enough, -1, far).max(axis=1, keepdims=True)
    sizes[far > last] = 0
    taken = sizes > 0
    count = sizes[taken]
    place = np.repeat(firsts[atoms[taken]] - np.cumsum(count) + count, count) + np.arange(count.sum())
    held = sizes.sum(axis=1)[:, np.newaxis]
    keys = np.full((len(atoms), max(width, held.max())), NOTHING, dtype=np.int64)
    keys[np.arange(keys.shape[1]) < held] = np.repeat(far[taken] << ROW_BITS, count) | members[place]
    keys.sort(axis=1)
    return keys[:, :width]
