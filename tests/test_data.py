"""`counterfoil data`: the firm as files."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import signal
import subprocess
import sys
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from types import SimpleNamespace

import pytest

from counterfoil_mocks.assembly import START
from counterfoil_mocks.firm import export
from counterfoil_mocks.firm.rows import Rows
from counterfoil_mocks.kernel import extras
from counterfoil_mocks.kernel.clock import Clock
from counterfoil_mocks.kernel.extras import install
from counterfoil_mocks.kernel.store import Store
from counterfoil_mocks.kernel.system import System, World
from counterfoil_mocks.roles import ROLES


def counterfoil(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "counterfoil", "data", *words], capture_output=True, text=True, check=False
    )


def digest(folder: Path) -> dict[str, str]:
    """A hash of each file."""
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(folder.iterdir())}


def written(tmp_path: Path, form: str, seed: int = 1, size: str = "S") -> Path:
    """A firm in a folder of its own."""
    out = tmp_path / f"{form}-{seed}-{len(list(tmp_path.iterdir()))}"
    out.mkdir()
    export.export(size, seed, START, out, form)
    return out


@pytest.fixture(scope="module")
def stored() -> Store:
    """The same firm in a store."""
    from counterfoil_mocks import firm

    store, world = Store("memory", ROLES), World(Clock(START))
    systems = {name: System(name, role, store, world) for name, role in ROLES.items()}
    firm.load(store, systems, world, 1, "S")
    return store


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, form: str) -> None:
    first = digest(written(tmp_path, form))
    assert first == digest(written(tmp_path, form))
    other = digest(written(tmp_path, form, seed=2))
    assert first.keys() == other.keys()
    assert first[f"psa.time_entry.{form}"] != other[f"psa.time_entry.{form}"]


def test_the_files_hold_what_a_landscape_starts_from(tmp_path: Path, stored: Store) -> None:
    out = written(tmp_path, "jsonl")
    for (schema, entity), table in stored.tables.items():
        path = out / f"{schema}.{entity}.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        records = {record["id"]: record for record in table.select(schema, deleted=True)}
        assert len(lines) == len(records), path.name
        for line in lines[:50]:
            found = json.loads(line)
            assert json.loads(table.render(records[found["id"]]) or "") == found


def test_csv_shows_money_in_major_units_and_lines_as_json(tmp_path: Path, stored: Store) -> None:
    with (written(tmp_path, "csv") / "billing.invoice.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    totals = dict(stored.execute("SELECT key, total FROM billing.invoice"))
    assert {row["key"]: Decimal(row["total"]) * 100 for row in rows} == totals
    assert all(len(json.loads(row["lines"])) >= 1 for row in rows)
    assert {row["void_reason"] for row in rows} == {""}


def test_parquet_keeps_types_and_figures(tmp_path: Path, stored: Store) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(written(tmp_path, "parquet") / "billing.invoice.parquet")
    assert str(table.schema.field("total").type) == "decimal128(20, 4)"
    assert str(table.schema.field("ec_sales").type) == "bool"
    sums = stored.execute("SELECT count(*), sum(total) FROM billing.invoice").fetchone()
    assert (table.num_rows, sum(table["total"].to_pylist()) * 100) == sums


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(export.Missing, match=re.escape(install("parquet"))):
        written(tmp_path, "parquet")


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (None, "pip install 'counterfoil[load]'"),
        ('{"url": "https://example.test/counterfoil.whl", "archive_info": {}}', "pip install 'counterfoil[load]'"),
        (
            '{"url": "file:///home/a%20b/clone", "dir_info": {"editable": true}}',
            "pip install -e '/home/a b/clone[load]'",
        ),
        ('{"url": "file:///home/clone", "dir_info": {}}', "pip install '/home/clone[load]'"),
    ],
)
def test_an_extra_is_installed_as_counterfoil_itself_was(
    said: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda file: said))
    extras._source.cache_clear()
    assert install("load") == command
    extras._source.cache_clear()


def test_rows_for_files_store_nothing() -> None:
    store, taken = Store("memory", ROLES), []
    system = System("psa", ROLES["psa"], store, World(Clock(START)))
    rows = Rows(system, sink=lambda entity, records: taken.extend(records))
    rows["customer"].make(START, {"customer_no": "CU-000001", "name": "Alder Inc.", "country": "US"})
    rows.timer("never", "x", START, {})
    rows.flush()
    assert [record["name"] for record in taken] == ["Alder Inc."]
    assert store.rows("SELECT id FROM psa.customer UNION ALL SELECT id FROM psa.timer") == []


def test_the_command_writes_counts_and_tells(tmp_path: Path) -> None:
    done = counterfoil("--out", str(tmp_path / "new" / "firm"), "--format", "csv", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rows"]["crm.customer"] == 360
    assert len(list((tmp_path / "new" / "firm").iterdir())) == len(told["rows"])


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--size", "XXL"), 2, "expected one of S, M, L, XL"),
        (("--format", "xlsx"), 2, "xlsx"),
        (("--seed", "one"), 2, "--seed"),
    ],
)
def test_wrong_usage_is_refused(tmp_path: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    done = counterfoil("--out", str(tmp_path / "firm"), *words)
    assert done.returncode == code
    assert sentence in done.stderr
    assert not (tmp_path / "firm").exists()


def test_a_folder_that_holds_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("kept")
    done = counterfoil("--out", str(tmp_path))
    assert done.returncode == 2
    assert "holds files already" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["precious.txt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = counterfoil("--out", str(tmp_path / "file" / "firm"))
    assert done.returncode == 3
    assert "--out" in done.stderr
    assert "cannot be written (Not a directory)" in done.stderr


def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    seen: list[str] = []

    def interrupt(done: int, whole: int) -> None:
        if done == whole:
            seen.extend(each.name for each in (tmp_path / export.UNFINISHED).iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.export("S", 1, START, tmp_path, "csv", interrupt)
    assert "psa.time_entry.csv" in seen
    assert list(tmp_path.iterdir()) == []


def test_who_interrupts_the_command_finds_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "new" / "firm"
    words = [sys.executable, "-m", "counterfoil", "data", "--size", "M", "--out", str(out)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while not (out / export.UNFINISHED).exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, f"counterfoil data: --out {out}: interrupted; nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


def test_where_the_disk_is_full_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "firm" / export.UNFINISHED).mkdir(parents=True)  # as one that was killed leaves it
    words = [sys.executable, "-m", "counterfoil", "data", "--out", str(tmp_path / "firm")]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (100_000,) * 2)
    )
    assert (done.returncode, "cannot be written (File too large)" in done.stderr) == (3, True), done.stderr
    assert list((tmp_path / "firm").iterdir()) == []


@pytest.mark.slow
def test_a_firm_of_size_m_is_the_same_again(tmp_path: Path) -> None:
    assert digest(written(tmp_path, "csv", size="M")) == digest(written(tmp_path, "csv", size="M"))
