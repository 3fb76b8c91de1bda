"""A PostgreSQL of its own for tests: made in a temporary folder, reached through a socket there, stopped and started at will."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile


def programs():
    """Where Debian keeps initdb and pg_ctl; they are not on anybody's PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if not found:
        raise RuntimeError("there is no PostgreSQL server here; install postgresql-15 (deps/apt.txt)")
    return found[-1]


class Cluster:
    """PostgreSQL refuses to run as root: then it runs as the user `postgres`, whom the package made."""

    def __init__(self, durable=False):
        self.bin = programs()
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-pg-"))
        if self.as_user:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.data = self.folder / "data"
        self._call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = ["listen_addresses = ''", f"unix_socket_directories = '{self.folder}'", "max_connections = 300",
                    f"fsync = {'on' if durable else 'off'}", "shared_buffers = '64MB'", "autovacuum_naptime = '5s'"]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as extra:
            extra.write("\n".join(settings) + "\n")
            extra.flush()
            os.chmod(extra.name, 0o644)
            self._call("sh", "-c", f"cat {extra.name} >> {self.data}/postgresql.conf", program=False)
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def _call(self, name, *words, program=True):
        command = [*self.as_user, str(self.bin / name) if program else name, *map(str, words)]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, errors="replace", timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        # Its output goes to a file: a pipe would stay open for as long as the server runs.
        self._call("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-t", "60", "start")

    def stop(self, mode="fast"):
        self._call("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", mode, "stop")

    def sql(self, text, database="postgres"):
        """The answer's rows as text, columns apart by |."""
        return self._call("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", self.folder, "-d", database, "-c", text)

    def url(self, database="postgres", schema=None):
        more = f"&options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql:///{database}?host={self.folder}&user=postgres{more}"

    def make_database(self, name):
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def remove(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
