"""Breaks a batch the way upstream systems break, so that one can watch Millrace find it.

    python faults.py data/weather/weather-2013-10.csv --celsius temp,dewp
    python faults.py data/flights/flights-2013-11.csv --rename carrier:WN=SW --out broken.csv

Without --out the file itself is replaced. Faults are applied in the order in which they are given. What is drawn at
random (--shuffle, shares below 1) follows from --seed alone. An empty field is a missing value and stays one.
"""
import argparse
import csv
import datetime
import io
import os
import pathlib
import random
import re

CLOCK = ("year", "month", "day", "time_hour")  # what tells when a row is


class Rows:
    """A batch in memory: a header and rows of text."""

    def __init__(self, text):
        reader = csv.reader(io.StringIO(text))
        self.header = next(reader)
        self.rows = list(reader)

    def at(self, column):
        if column not in self.header:
            raise SystemExit(f"faults.py: there is no column '{column}'; there are: {', '.join(self.header)}")
        return self.header.index(column)

    def text(self):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return out.getvalue()

    def change(self, column, function):
        """function(text) of every field that is not missing."""
        at = self.at(column)
        for row in self.rows:
            if row[at] != "":
                row[at] = function(row[at])


def is_whole(rows, column):
    at = rows.at(column)
    return all(re.fullmatch(r"-?\d*", row[at]) for row in rows.rows)


def number(value, whole):
    return str(round(value)) if whole else repr(round(value, 4))


def affine(rows, column, scale, offset):
    whole = is_whole(rows, column)
    rows.change(column, lambda text: number(float(text) * scale + offset, whole))


def split_share(text):
    value, _, share = text.partition(":")
    return value, float(share) if share else 1.0


def celsius(rows, columns, _):
    for column in columns.split(","):
        affine(rows, column, 5 / 9, -32 * 5 / 9)


def scale(rows, spec, _):
    column, factor = spec.split("=")
    affine(rows, column, float(factor), 0)


def offset(rows, spec, _):
    column, by = spec.split("=")
    affine(rows, column, 1, float(by))


def null(rows, spec, chance):
    column, share = split_share(spec)
    rows.change(column, lambda text: "" if chance.random() < share else text)


def fill(rows, spec, chance):
    column, rest = spec.split("=")
    value, share = split_share(rest)
    at = rows.at(column)
    for row in rows.rows:
        if chance.random() < share:
            row[at] = value


def rename(rows, spec, _):
    column, rest = spec.split(":")
    before, after = rest.split("=")
    rows.change(column, lambda text: after if text == before else text)


def shuffle(rows, column, chance):
    at = rows.at(column)
    values = [row[at] for row in rows.rows]
    chance.shuffle(values)
    for row, value in zip(rows.rows, values):
        row[at] = value


def swap(rows, columns, _):
    first, second = (rows.at(column) for column in columns.split(","))
    for row in rows.rows:
        row[first], row[second] = row[second], row[first]


def drop(rows, spec, _):
    column, value = spec.split("=")
    at = rows.at(column)
    rows.rows = [row for row in rows.rows if row[at] != value]


def double(rows, spec, _):
    column, value = spec.split("=")
    at = rows.at(column)
    rows.rows = [row for row in rows.rows for _ in range(2 if row[at] == value else 1)]


def shift(rows, spec, _):
    column, hours = spec.split("=")
    form = "%Y-%m-%dT%H:%M:%SZ"
    by = datetime.timedelta(hours=float(hours))
    rows.change(column, lambda text: (datetime.datetime.strptime(text, form) + by).strftime(form))


def round_to(rows, spec, _):
    column, step = spec.split("=")
    step, whole = float(step), is_whole(rows, column)
    rows.change(column, lambda text: number(round(float(text) / step) * step, whole))


def stale(rows, path, _):
    """The rows of an earlier batch once more, under this batch's dates: day for day, the clock of the day unchanged."""
    earlier = Rows(pathlib.Path(path).read_text(encoding="utf-8"))
    if earlier.header != rows.header:
        raise SystemExit(f"faults.py: {path} has other columns")
    year, month, day, moment = (rows.at(column) for column in CLOCK)
    date = lambda row: datetime.date(int(row[year]), int(row[month]), int(row[day]))
    by_day = {}
    for row in earlier.rows:
        by_day.setdefault(date(row), []).append(row)
    sources = sorted(by_day)
    out = []
    for n, target in enumerate(sorted({date(row) for row in rows.rows})):
        source = sources[n % len(sources)]
        for row in by_day[source]:
            copy = list(row)
            copy[year], copy[month], copy[day] = str(target.year), str(target.month), str(target.day)
            form = "%Y-%m-%dT%H:%M:%SZ"
            then = datetime.datetime.strptime(row[moment], form) + (target - source)
            copy[moment] = then.strftime(form)
            out.append(copy)
    rows.rows = out


FAULTS = {
    "celsius": (celsius, "COL,COL", "Fahrenheit becomes Celsius"),
    "scale": (scale, "COL=FACTOR", "another unit"),
    "offset": (offset, "COL=BY", "another zero"),
    "null": (null, "COL[:SHARE]", "values go missing"),
    "fill": (fill, "COL=VALUE[:SHARE]", "a default or a constant instead of values"),
    "rename": (rename, "COL:FROM=TO", "another code for the same thing"),
    "shuffle": (shuffle, "COL", "values stand in the wrong rows"),
    "swap": (swap, "COL,COL", "two columns change places"),
    "drop": (drop, "COL=VALUE", "rows of a slice are gone"),
    "double": (double, "COL=VALUE", "rows of a slice come twice"),
    "shift": (shift, "COL=HOURS", "timestamps of another clock"),
    "round": (round_to, "COL=STEP", "fewer digits"),
    "stale": (stale, "FILE", "an earlier batch under new dates"),
}


def apply(text, faults, seed):
    """`faults`: [(name, spec)]. The broken batch as text."""
    rows, chance = Rows(text), random.Random(seed)
    for name, spec in faults:
        FAULTS[name][0](rows, spec, chance)
    return rows.text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("batch", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="where the broken batch goes (default: in place)")
    parser.add_argument("--seed", type=int, default=1)

    class Note(argparse.Action):
        def __call__(self, _, space, value, option=None):
            space.faults = [*(space.faults or []), (option.removeprefix("--"), value)]

    for name, (_, spec, text) in FAULTS.items():
        parser.add_argument("--" + name, action=Note, dest="faults", metavar=spec, help=text)
    args = parser.parse_args()
    if not args.faults:
        parser.error("name at least one fault, e.g. --celsius temp,dewp")
    text = apply(args.batch.read_text(encoding="utf-8"), args.faults, args.seed)
    out = args.out or args.batch
    beside = out.with_name(out.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, out)
    print(f"{out}: {', '.join(name + ' ' + spec for name, spec in args.faults)}")


if __name__ == "__main__":
    main()
