"""Reads the Parquet files of an export, and no others: uncompressed, PLAIN, one page a column of a row group, flat columns and lists that hold no null.

Debian has no library that reads Parquet. Format: https://parquet.apache.org/docs/file-format/, headers in Thrift's compact protocol.
"""

import struct
from pathlib import Path

import numpy as np

_NUMBERS = {1: np.dtype("<i4"), 2: np.dtype("<i8"), 4: np.dtype("<f4"), 5: np.dtype("<f8")}
_TEXT = 6


class Thrift:
    """A struct in the compact protocol: a dict by field number; lists are lists, and binaries bytes."""

    def __init__(self, data: memoryview, at: int = 0):
        self.data, self.at = data, at

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def integer(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self) -> dict:
        fields, number = {}, 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self.integer()
            fields[number] = self._value(head & 15)
        return fields

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _value(self, kind: int):
        if kind in (1, 2):  # of a struct's flag the kind is the value
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self.integer()
        if kind == 7:
            self.at += 8
            return struct.unpack_from("<d", self.data, self.at - 8)[0]
        if kind == 8:
            length = self.varint()
            self.at += length
            return bytes(self.data[self.at - length : self.at])
        if kind == 9:
            head = self._byte()
            length = head >> 4 if head >> 4 < 15 else self.varint()
            return [self._value(head & 15) for _ in range(length)]
        if kind == 12:
            return self.struct()
        raise ValueError(f"Thrift has no type {kind}")


class ParquetFile:
    """A file's row groups by number; `read` gives a column as an array, or of lists (values, offsets), or a list of texts."""

    def __init__(self, path: Path):
        self.path = path
        self.data = memoryview(np.memmap(path, mode="r"))
        if bytes(self.data[-4:]) != b"PAR1":
            raise SystemExit(f"{path} is no Parquet file: export again")
        length = struct.unpack_from("<I", self.data, len(self.data) - 8)[0]
        footer = Thrift(self.data, len(self.data) - 8 - length).struct()
        self.rows = [group[3] for group in footer.get(4, [])]
        self._groups = [{column[3][3][0].decode(): column[3] for column in group[1]} for group in footer.get(4, [])]

    def read(self, group: int, name: str):
        column = self._groups[group].get(name)
        if column is None:
            raise SystemExit(f"{self.path} has no column {name}: export again")
        if column[4] != 0:
            raise SystemExit(f"{self.path} is compressed, which `recsys export` does not do: export again")
        reader = Thrift(self.data, column[9])
        header = reader.struct()
        page = header.get(8)
        if page is None or page[4] != 0:
            raise SystemExit(f"{self.path} has {name} in an encoding that `recsys export` does not use: export again")
        start = reader.at
        repetitions = self.data[start : start + page[6]]
        definitions = self.data[start + page[6] : start + page[6] + page[5]]
        values = self.data[start + page[6] + page[5] : start + header[3]]
        if not page[6]:
            return _plain(values, column[1], page[1])
        begins = _levels(repetitions, page[1]) == 0
        present = _levels(definitions, page[1]) == 1
        # an empty list has one slot, and no value in it
        before = np.concatenate([[0], np.cumsum(present)])
        offsets = np.append(before[:-1][begins], before[-1]).astype(np.int64)
        return _plain(values, column[1], int(before[-1])), offsets


def _plain(values: memoryview, kind: int, count: int):
    if kind in _NUMBERS:
        return np.frombuffer(values, _NUMBERS[kind], count)
    if kind != _TEXT:
        raise SystemExit(f"Parquet's type {kind} is not read here")
    texts, at = [], 0
    for _ in range(count):
        length = struct.unpack_from("<I", values, at)[0]
        texts.append(bytes(values[at + 4 : at + 4 + length]).decode())
        at += 4 + length
    return texts


def _levels(data: memoryview, count: int) -> np.ndarray:
    """Levels of 0 and 1 in runs and bit-packed groups of eight."""
    parts, reader = [], Thrift(data)
    while reader.at < len(data):
        head = reader.varint()
        if head & 1:
            packed = np.frombuffer(data[reader.at : reader.at + (head >> 1)], np.uint8)
            parts.append(np.unpackbits(packed, bitorder="little"))
            reader.at += head >> 1
        else:
            parts.append(np.full(head >> 1, data[reader.at], np.uint8))
            reader.at += 1
    return np.concatenate(parts)[:count]
