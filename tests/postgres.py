"""A throw-away PostgreSQL server around a command: `python tests/postgres.py COMMAND…` runs it with `COUNTERFOIL_TEST_POSTGRES` set.

Uses the `initdb` and `pg_ctl` of this machine, on a free port, in a temporary folder; as root, in the name of the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


def binaries() -> Path | None:
    """The folder of the server's programs, the newest where there are several."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    return installed[-1] if installed else None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(command: list[str]) -> int:
    """Start, run, stop; returns the command's exit code, 2 where there is no server to start."""
    programs = binaries()
    if programs is None:
        print("tests/postgres.py: no PostgreSQL here; install it (Debian: apt-get install postgresql)", file=sys.stderr)
        return 2
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="counterfoil-pg-") as folder:
        if user:
            who = pwd.getpwnam(user)
            os.chown(folder, who.pw_uid, who.pw_gid)
        port = free_port()

        def run(*words: str) -> None:
            subprocess.run(words, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        run(str(programs / "initdb"), "-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "--no-sync")
        control = (str(programs / "pg_ctl"), "-D", f"{folder}/data", "-w")
        run(*control, "-l", f"{folder}/log", "-o", f"-p {port} -k {folder} {SETTINGS}", "start")
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        try:
            return subprocess.run(
                command, check=False, env=os.environ | {"COUNTERFOIL_TEST_POSTGRES": address}
            ).returncode
        finally:
            run(*control, "-m", "immediate", "stop")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
