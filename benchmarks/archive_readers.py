"""Reading archives without Spark: `python -m benchmarks.archive_readers plain|soundalike ARCHIVE...`.

`plain` is what one would write in an afternoon, `tarfile` and `json`, with zstd undone by the same stream of pyarrow;
`soundalike` is the reader inside the ingest, which hashes, decodes and fills Arrow batches, and leaves JSON for later.
Prints documents and seconds as JSON.
"""

import json
import sys
import tarfile
import time
from pathlib import Path

import pyarrow as pa

from soundalike.sources.acousticbrainz.archives import read_archive
from soundalike.sources.acousticbrainz.listing import Archive
from soundalike.sources.files import ObjectStore


def read_plainly(path: str) -> int:
    """How many documents of the archive are JSON objects."""
    found = 0
    with (
        pa.OSFile(path) as raw,
        pa.CompressedInputStream(raw, "zstd") as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for member in tar:
            content = tar.extractfile(member) if member.isreg() and member.name.endswith(".json") else None
            if content is not None:
                try:
                    found += isinstance(json.loads(content.read()), dict)
                except ValueError:
                    continue
    return found


def read_as_ingested(path: str) -> int:
    """How many documents of the archive reach bronze."""
    archive = Archive(path, Path(path).name, 0, Path(path).stat().st_size, None)
    batches = read_archive(archive, ObjectStore(), 2**26, 0)
    return sum(batch.num_rows for batch in batches) - 1  # the last row is the status


READERS = {"plain": read_plainly, "soundalike": read_as_ingested}


def main(reader: str, paths: list[str]) -> int:
    started = time.monotonic()
    documents = sum(map(READERS[reader], paths))
    print(json.dumps({"documents": documents, "seconds": time.monotonic() - started}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
