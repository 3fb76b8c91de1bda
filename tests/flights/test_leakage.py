"""No feature may know what happens after its prediction time.

A moment is drawn; everything that was not yet known then is altered: departures, arrivals and air times of flights that had
not landed (some of them cancelled, some brought in much later), aircraft of flights not yet asked about, weather records whose
hour was not over. The features of every flight asked about by then must stay as they were. When a flight really landed
is told here from the time zone database, not by the arithmetic of the SQL under test.
"""
import random

import pytest
import support

FIRST_DAY = "2013-06-16"
SEEDS = (1, 2, 3)

# True times in minutes since 1970, UTC. The airports table lacks four airports, all of them in the Atlantic zone.
TRUE_TIMES = """
CREATE TABLE true_times AS
WITH local AS (
  SELECT f.year, f.month, f.day, f.carrier, f.flight, f.origin, f.arr_delay,
    epoch_us(timezone('America/New_York', make_timestamp(f.year, f.month, f.day, f.hour, f.minute, 0))) // 60000000 AS dep_at,
    coalesce(a.tzone, 'America/Puerto_Rico') AS zone,
    make_timestamp(f.year, f.month, f.day, f.sched_arr_time // 100, f.sched_arr_time % 100, 0) AS arrival
  FROM base_flights f LEFT JOIN airports a ON a.faa = f.dest
), arrivals AS (
  SELECT *, list_filter([epoch_us(timezone(zone, arrival + to_days(CAST(d AS INTEGER)))) // 60000000 FOR d IN [-1, 0, 1, 2]],
    lambda x: x > dep_at)[1] AS arr_at
  FROM local
)
SELECT year, month, day, carrier, flight, origin, dep_at, arr_at, arr_at + arr_delay AS landed_at FROM arrivals
"""

# `draw` is a number below 1000 that depends on the seed and the row alone.
ALTER_FLIGHTS = """
CREATE OR REPLACE TABLE altered_flights AS
SELECT f.* REPLACE (
  CASE WHEN NOT unknown THEN f.dep_time WHEN draw < 150 THEN NULL ELSE draw + 1 END AS dep_time,
  CASE WHEN NOT unknown THEN f.dep_delay WHEN draw < 150 THEN NULL ELSE draw END AS dep_delay,
  CASE WHEN NOT unknown THEN f.arr_time WHEN draw < 150 THEN NULL ELSE draw + 2 END AS arr_time,
  CASE WHEN NOT unknown THEN f.arr_delay WHEN draw < 250 THEN NULL ELSE greatest($moment - arr_at, -60) + 1 + draw END AS arr_delay,
  CASE WHEN NOT unknown THEN f.air_time WHEN draw < 250 THEN NULL ELSE draw END AS air_time,
  CASE WHEN unknown AND dep_at - 60 > $moment AND draw > 500 THEN 'N' || draw ELSE f.tailnum END AS tailnum)
FROM (
  SELECT b.* , t.arr_at, t.dep_at, t.landed_at IS NULL OR t.landed_at > $moment AS unknown,
    CAST(hash(b.carrier, b.flight, b.origin, b.day, $seed) % 1000 AS BIGINT) AS draw
  FROM base_flights b JOIN true_times t USING (year, month, day, carrier, flight, origin)
) f
"""
ALTER_WEATHER = """
CREATE OR REPLACE TABLE altered_weather AS
SELECT * REPLACE (
  CASE WHEN unknown THEN draw / 10.0 ELSE temp END AS temp, CASE WHEN unknown THEN draw / 10.0 ELSE humid END AS humid,
  CASE WHEN unknown THEN draw / 10.0 ELSE wind_speed END AS wind_speed, CASE WHEN unknown THEN draw / 10.0 ELSE wind_gust END AS wind_gust,
  CASE WHEN unknown THEN draw / 500.0 ELSE precip END AS precip, CASE WHEN unknown THEN 950 + draw / 10.0 ELSE pressure END AS pressure,
  CASE WHEN unknown THEN draw / 100.0 ELSE visib END AS visib)
FROM (SELECT *, epoch_us(time_hour) // 60000000 + 60 > $moment AS unknown, CAST(hash(origin, time_hour, $seed) % 1000 AS BIGINT) AS draw FROM base_weather)
WHERE NOT (unknown AND draw < 100)
"""

# Each is a plausible mistake. A test that misses one of them proves nothing about the SQL that is used.
LEAKS = {
    "asked at departure": ("dep_at - 60 AS predict_at", "dep_at AS predict_at"),
    "landed when due": ("sched_arr_at + arr_delay AS landed_at", "sched_arr_at AS landed_at"),
    "landed at departure": ("sched_arr_at + arr_delay AS landed_at", "dep_at AS landed_at"),
    "destinations on New York's clock": ("ELSE dest_tz * 60", "ELSE -5 * 60"),
    "weather of the same hour": ("epoch_us(time_hour) // 60000000 + 60 AS known_at", "epoch_us(time_hour) // 60000000 AS known_at"),
    "a window that looks ahead": ("RANGE BETWEEN 180 PRECEDING AND CURRENT ROW", "RANGE BETWEEN 180 PRECEDING AND 60 FOLLOWING"),
    "a month that includes the flight": ("RANGE BETWEEN 40320 PRECEDING AND CURRENT ROW", "RANGE BETWEEN 40320 PRECEDING AND 1440 FOLLOWING"),
    "the flight's own departure": ("CAST(distance AS FLOAT) AS distance", "CAST(coalesce(dep_time, -1) AS FLOAT) AS distance"),
    "cancelled flights are not due": ("FROM timed t\n", "FROM landed t\n"),
}


@pytest.fixture(scope="module")
def tables(data):
    connection = support.open_tables(data, "2013-06")
    for name in ("flights", "weather"):
        connection.execute(f"CREATE TABLE base_{name} AS SELECT * FROM {name} WHERE day >= 9")
    connection.execute(TRUE_TIMES)
    return connection


def features(connection, text, version, into):
    for name in ("flights", "weather"):
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {version}_{name}")
    connection.execute(f"CREATE OR REPLACE TABLE {into} AS {text}", {**support.REQUESTS, "first_day": FIRST_DAY})


def draw_moment(connection, seed):
    """The prediction time of some flight, so that many are near it."""
    times = connection.execute("SELECT DISTINCT dep_at - 60 FROM true_times WHERE day > 17 ORDER BY 1").fetchall()
    return random.Random(seed).choice(times)[0]


def changed_columns(connection, text, seed):
    """Features of flights asked about by the moment that the alterations after it changed."""
    moment = draw_moment(connection, seed)
    for statement in (ALTER_FLIGHTS, ALTER_WEATHER):
        connection.execute(statement, {"moment": moment, "seed": seed})
    features(connection, text, "altered", "after")
    names = [row[0] for row in connection.execute("DESCRIBE before").fetchall()]
    names = [name for name in names if name not in ("late_30", "event_time", "split")]
    counts = ", ".join(f'count(*) FILTER (WHERE b."{n}" IS DISTINCT FROM a."{n}")' for n in names)
    compared, *changed = connection.execute(
        f"""SELECT count(*), {counts} FROM before b
        JOIN true_times t ON t.year = b.year AND t.month = b.month AND t.day = b.day AND t.carrier = b.carrier AND t.flight = b.flight AND t.origin = b.origin
        LEFT JOIN after a ON a.year = b.year AND a.month = b.month AND a.day = b.day AND a.carrier = b.carrier AND a.flight = b.flight AND a.origin = b.origin
        WHERE t.dep_at - 60 <= $moment""", {"moment": moment}).fetchone()
    assert compared > 1000
    return {name: count for name, count in zip(names, changed) if count}


def test_true_times_hold(tables):
    """The yardstick itself: no flight arrives before its air time is over."""
    wrong = tables.execute("SELECT count(*) FROM true_times t JOIN base_flights f USING (year, month, day, carrier, flight, origin) "
                           "WHERE t.landed_at - (t.dep_at + f.dep_delay) NOT BETWEEN f.air_time AND f.air_time + 300").fetchone()[0]
    assert wrong == 0


def test_no_feature_changes_with_what_happens_after_the_prediction(tables):
    text = support.sql("features.sql")
    features(tables, text, "base", "before")
    for seed in SEEDS:
        assert changed_columns(tables, text, seed) == {}, f"seed {seed}"


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leaking_query_is_caught(tables, leak):
    honest, leaking = LEAKS[leak]
    text = support.sql("features.sql")
    assert text.count(honest) == 1, f"features.sql no longer says: {honest}"
    text = text.replace(honest, leaking)
    features(tables, text, "base", "before")
    assert any(changed_columns(tables, text, seed) for seed in SEEDS)
