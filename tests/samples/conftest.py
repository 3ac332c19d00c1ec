"""A sample of 1,200 documents, and a reading of its archives that shares no code with anything."""

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soundalike.samples.sample import make_sample


@dataclass
class Member:
    archive: str
    position: int
    info: tarfile.TarInfo
    data: bytes

    @property
    def is_document(self) -> bool:
        return self.info.isreg() and self.info.name.endswith(".json")


@dataclass
class Sample:
    out: Path
    truth: dict[str, Any]
    members: list[Member]

    @property
    def documents(self) -> list[Member]:
        return [member for member in self.members if member.is_document]


def _members_of(out: Path) -> Iterator[Member]:
    for path in sorted(out.rglob("*.tar.zst")):
        with (
            pa.CompressedInputStream(str(path), "zstd") as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for position, info in enumerate(tar):
                file = tar.extractfile(info) if info.isreg() else None
                yield Member(path.name, position, info, file.read() if file else b"")


@pytest.fixture(scope="session")
def sample_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Sample]:
    """Makes a sample of given size and reads it."""

    def make(documents: int, archives: int, seed: int) -> Sample:
        out = tmp_path_factory.mktemp("sample")
        truth = make_sample(out, documents, archives, seed)
        return Sample(out, truth, list(_members_of(out)))

    return make


@pytest.fixture(scope="session")
def sample(sample_of: Callable[..., Sample]) -> Sample:
    return sample_of(documents=1200, archives=3, seed=7)
