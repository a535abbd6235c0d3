# ruff: noqa: S608 - the statements are built from this module's own column names
"""What exists in the simulated clouds: one SQLite file, shared by every plugin process.

Each change runs in one `begin immediate` transaction, so two processes never both take the last node.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.values import Props

ENVIRONMENT_VARIABLE = "OUTLAY_SANDBOX"
BUSY_TIMEOUT_S = 30.0
SCHEMA_VERSION = 1
TABLES = """
create table resource (
    package text not null, token text not null, id text not null, scope text not null, name text,
    urn text not null, region text not null, sku text not null, market text not null,
    nodes integer not null, vcpus integer not null, gpus integer not null,
    inputs text not null, outputs text not null, created_at text not null, revision integer not null,
    primary key (package, token, region, id)
);
create unique index twin on resource (package, token, scope, name) where name is not null;
create table capacity (
    package text not null, region text not null, sku text not null, market text not null,
    nodes integer not null, primary key (package, region, sku, market)
);
create table quota (
    package text not null, region text not null, market text not null, unit text not null,
    amount integer not null, primary key (package, region, market, unit)
);
create table fault (
    number integer primary key, operation text not null, match text not null, kind text not null,
    message text not null, seconds real not null, remaining integer not null
);
create table call (
    number integer primary key, operation text not null, token text not null, name text not null,
    region text not null, process integer not null, at text not null
);
"""
COLUMNS = (
    "package, token, id, scope, name, urn, region, sku, market, nodes, vcpus, gpus,"
    " inputs, outputs, created_at, revision"
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a resource takes of a region's capacity and of the account's quota."""

    sku: str = ""
    market: str = ""
    nodes: int = 0
    vcpus: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One resource that exists.

    `scope` is where its name must be unique; `region` is where it lies: a region, `global`, or a cluster.
    """

    package: str
    token: str
    id: str
    scope: str
    name: str | None
    urn: str
    region: str
    usage: Usage
    inputs: Props
    outputs: Props
    created_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure to play. `match` is a glob on the type token, the URN's name or the cloud name."""

    number: int
    operation: str
    match: str
    kind: str
    message: str
    seconds: float
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that a plugin answered."""

    operation: str
    token: str
    name: str
    region: str
    process: int
    at: str


def now() -> str:
    """Return the present time in UTC, RFC 3339, fine enough to tell two copies of a thing apart."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ledger_path() -> Path:
    """Return the ledger's path from the environment.

    Raises SandboxError if it is not set: a sandbox plugin must never be mistaken for a real provider.
    """
    path = os.environ.get(ENVIRONMENT_VARIABLE)
    if not path:
        raise SandboxError(
            f"this is outlay's sandbox, not a real cloud provider: it runs only where {ENVIRONMENT_VARIABLE}"
            " names its ledger file. For a real account, use a PULUMI_HOME without the sandbox's plugins."
        )
    return Path(path)


class Ledger:
    """Access to the ledger file; safe to use from many threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxError(f"{path}: not a usable ledger: {error}") from error
        self._lay_out()

    def _lay_out(self) -> None:
        """Make the tables of a new ledger, and refuse one of another layout."""
        with self.transaction() as db:
            version = db.execute("pragma user_version").fetchone()[0]
            if version == 0:
                for statement in TABLES.split(";"):
                    db.execute(statement)
                db.execute(f"pragma user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise SandboxError(
                    f"{self.path}: the ledger has layout {version}, this sandbox writes {SCHEMA_VERSION};"
                    " destroy its stacks with the version that made it, or delete the file"
                )

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
        except sqlite3.Error as error:
            raise SandboxError(f"{self.path}: not a usable ledger: {error}") from error
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; all or nothing of what happens inside stays."""
        db = self._connection()
        if db.in_transaction:
            yield db
            return
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")

    def insert(self, record: Record) -> None:
        """Add a resource."""
        with self.transaction() as db:
            db.execute(f"insert into resource ({COLUMNS}) values ({_marks(16)})", _row(record))

    def replace(self, record: Record) -> None:
        """Overwrite a resource in place."""
        with self.transaction() as db:
            db.execute(
                f"insert or replace into resource ({COLUMNS}) values ({_marks(16)})", _row(record)
            )

    def delete(self, record: Record) -> None:
        """Remove a resource."""
        with self.transaction() as db:
            db.execute(
                "delete from resource where package = ? and token = ? and region = ? and id = ?",
                (record.package, record.token, record.region, record.id),
            )

    def records(
        self,
        token: str | None = None,
        *,
        package: str | None = None,
        id_: str | None = None,
        name: str | None = None,
        scope: str | None = None,
    ) -> list[Record]:
        """Return the resources, oldest first, restricted to those that match everything given."""
        wanted = {"token": token, "package": package, "id": id_, "name": name, "scope": scope}
        given = {column: value for column, value in wanted.items() if value is not None}
        where = " and ".join(f"{column} = ?" for column in given) or "1"
        rows = self._connection().execute(
            f"select {COLUMNS} from resource where {where} order by rowid", tuple(given.values())
        )
        return [_record(row) for row in rows]

    def capacity(self, *, package: str, region: str, sku: str, market: str) -> int | None:
        """Return how many nodes of a type a region has in all; None = no limit set."""
        row = (
            self._connection()
            .execute(
                "select nodes from capacity where package = ? and region = ? and sku = ? and market = ?",
                (package, region, sku, market),
            )
            .fetchone()
        )
        return None if row is None else int(row[0])

    def set_capacity(self, *, package: str, region: str, sku: str, market: str, nodes: int) -> None:
        """Limit the nodes of a type that a region has in all."""
        with self.transaction() as db:
            db.execute(
                "insert or replace into capacity values (?, ?, ?, ?, ?)",
                (package, region, sku, market, nodes),
            )

    def quotas(self, *, package: str, region: str, market: str) -> dict[str, int]:
        """Return {unit: amount} of the quotas that hold for a region and market."""
        rows = self._connection().execute(
            "select unit, amount from quota where package = ? and region = ? and market = ?",
            (package, region, market),
        )
        return {str(unit): int(amount) for unit, amount in rows}

    def set_quota(self, *, package: str, region: str, market: str, unit: str, amount: int) -> None:
        """Set the account's quota of `gpus` or `vcpus`."""
        with self.transaction() as db:
            db.execute(
                "insert or replace into quota values (?, ?, ?, ?, ?)",
                (package, region, market, unit, amount),
            )

    def clear_limits(self) -> None:
        """Drop every capacity limit and quota."""
        with self.transaction() as db:
            db.execute("delete from capacity")
            db.execute("delete from quota")

    def add_fault(
        self, *, operation: str, match: str, kind: str, message: str, seconds: float, times: int
    ) -> None:
        """Plan a failure for the next `times` matching operations."""
        with self.transaction() as db:
            db.execute(
                "insert into fault (operation, match, kind, message, seconds, remaining)"
                " values (?, ?, ?, ?, ?, ?)",
                (operation, match, kind, message, seconds, times),
            )

    def faults(self) -> list[Fault]:
        """Return the failures that are still to come."""
        rows = self._connection().execute(
            "select number, operation, match, kind, message, seconds, remaining from fault"
            " where remaining > 0 order by number"
        )
        return [
            Fault(
                number=row[0], operation=row[1], match=row[2], kind=row[3],
                message=row[4], seconds=row[5], remaining=row[6],
            )
            for row in rows
        ]  # fmt: skip

    def clear_faults(self) -> None:
        """Forget every planned failure."""
        with self.transaction() as db:
            db.execute("delete from fault")

    def take_fault(self, operation: str, names: Sequence[str]) -> Fault | None:
        """Use up one planned failure for an operation on a resource known by any of these names."""
        if not self.faults():
            return None
        with self.transaction() as db:
            for fault in self.faults():
                if fault.operation in (operation, "*") and any(
                    fnmatchcase(name, fault.match) for name in names
                ):
                    db.execute(
                        "update fault set remaining = remaining - 1 where number = ?",
                        (fault.number,),
                    )
                    return fault
        return None

    def log(self, operation: str, *, token: str, name: str, region: str) -> None:
        """Note that an operation was asked for."""
        with self.transaction() as db:
            db.execute(
                "insert into call (operation, token, name, region, process, at) values (?, ?, ?, ?, ?, ?)",
                (operation, token, name, region, os.getpid(), now()),
            )

    def calls(self) -> list[Call]:
        """Return every operation that was asked for, oldest first."""
        rows = self._connection().execute(
            "select operation, token, name, region, process, at from call order by number"
        )
        return [
            Call(
                operation=row[0],
                token=row[1],
                name=row[2],
                region=row[3],
                process=row[4],
                at=row[5],
            )
            for row in rows
        ]


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _row(record: Record) -> tuple[str | int | None, ...]:
    usage = record.usage
    return (
        record.package, record.token, record.id, record.scope, record.name, record.urn, record.region,
        usage.sku, usage.market, usage.nodes, usage.vcpus, usage.gpus,
        json.dumps(record.inputs, sort_keys=True), json.dumps(record.outputs, sort_keys=True),
        record.created_at, record.revision,
    )  # fmt: skip


def _record(row: Sequence[str | int | None]) -> Record:
    return Record(
        package=str(row[0]),
        token=str(row[1]),
        id=str(row[2]),
        scope=str(row[3]),
        name=None if row[4] is None else str(row[4]),
        urn=str(row[5]),
        region=str(row[6]),
        usage=Usage(
            str(row[7]), str(row[8]), int(row[9] or 0), int(row[10] or 0), int(row[11] or 0)
        ),
        inputs=json.loads(str(row[12])),
        outputs=json.loads(str(row[13])),
        created_at=str(row[14]),
        revision=int(row[15] or 0),
    )
