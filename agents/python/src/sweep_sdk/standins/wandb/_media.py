"""wandb's data types as scripts make them. They hold what they are given as far as scripts read it back, and are not
recorded: a sweep keeps numbers."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any


class Media:
    """Of whatever kind: keeps its arguments."""

    def __init__(self, data: Any = None, *args: Any, **options: Any):
        self.data = data
        self.args = args
        self.options = options

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.get("options", {}).get(name)


class Image(Media):
    pass


class Audio(Media):
    pass


class Video(Media):
    pass


class Html(Media):
    pass


class Object3D(Media):
    pass


class Molecule(Media):
    pass


class Plotly(Media):
    pass


class Graph(Media):
    pass


class JoinedTable(Media):
    pass


class Histogram:
    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = 64):
        self.histogram, self.bins = np_histogram if np_histogram is not None else ([], [])
        self.num_bins = num_bins


class Table:
    MAX_ROWS = 10000

    def __init__(self, columns: Any = None, data: Any = None, rows: Any = None, dataframe: Any = None, **_: Any):
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        rows = data if data is not None else rows
        self.data = [list(row) for row in rows] if rows is not None else []
        self.columns = list(columns) if columns is not None else ["Input", "Output", "Expected"]

    def add_data(self, *values: Any) -> None:
        self.data.append(list(values))

    add_row = add_data

    def add_column(self, name: str, data: Any, optional: bool = False) -> None:
        self.columns.append(name)
        values = list(data)
        if self.data:
            for row, value in zip(self.data, values):
                row.append(value)
        else:
            self.data = [[value] for value in values]

    def get_column(self, name: str, convert_to: Any = None) -> list[Any]:
        index = self.columns.index(name)
        return [row[index] for row in self.data]

    def iterrows(self) -> Any:
        return enumerate(self.data)

    def get_dataframe(self) -> Any:
        import pandas

        return pandas.DataFrame(self.data, columns=self.columns)


class Artifact:
    """Files stay where the script wrote them."""

    def __init__(self, name: str = "", type: str = "", description: Any = None, metadata: Any = None, **_: Any):
        self.name = name
        self.type = type
        self.description = description
        self.metadata = dict(metadata) if metadata else {}
        self.aliases: list[str] = []
        self.version = "v0"
        self.id = self.digest = self.source_name = name
        self._folder: str | None = None

    def add_file(self, local_path: str, name: Any = None, *_: Any, **__: Any) -> Any:
        return self

    def add_dir(self, local_path: str, name: Any = None, *_: Any, **__: Any) -> None:
        return None

    def add(self, obj: Any, name: str = "", *_: Any, **__: Any) -> Any:
        return obj

    def add_reference(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def _place(self) -> str:
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="artifact-")
        return self._folder

    @contextlib.contextmanager
    def new_file(self, name: str, mode: str = "w", encoding: Any = None):
        path = os.path.join(self._place(), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode, encoding=encoding) as file:
            yield file

    def download(self, root: Any = None, *_: Any, **__: Any) -> str:
        return root or self._place()

    def file(self, root: Any = None) -> str:
        return self._place()

    def wait(self, *_: Any, **__: Any) -> Artifact:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None
