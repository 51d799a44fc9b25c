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

SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=200"
HURRIED = "-c synchronous_commit=off"
"""What is answered may be lost when the server is killed."""


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


class Server:
    """A server on a free port, in a folder of its own. address: of its database `postgres`, as a store has it."""

    def __init__(self, programs: Path, folder: str, settings: str = "") -> None:
        self._programs, self._folder = programs, folder
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            who = pwd.getpwnam(self._user)
            os.chown(folder, who.pw_uid, who.pw_gid)
        port = free_port()
        self._options = f"-p {port} -k {folder} {SETTINGS} {settings}"
        self.address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), "-D", f"{self._folder}/data", *words]
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-w", "-l", f"{self._folder}/log", "-o", self._options, "start")

    def stop(self) -> None:
        """Stop it at once."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    @property
    def pid(self) -> int:
        """Of its first process."""
        return int((Path(self._folder) / "data" / "postmaster.pid").read_text().split()[0])


def main(command: list[str]) -> int:
    """Start, run, stop; returns the command's exit code, 2 where there is no server to start."""
    programs = binaries()
    if programs is None:
        print("tests/postgres.py: no PostgreSQL here; install it (Debian: apt-get install postgresql)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="counterfoil-pg-") as folder:
        server = Server(programs, folder, HURRIED)
        server.start()
        try:
            environment = os.environ | {"COUNTERFOIL_TEST_POSTGRES": server.address}
            return subprocess.run(command, check=False, env=environment).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
