-- One row a flight: everything known one hour before its scheduled departure, and (for training) what became of it.
-- The stages `training` and `requests` run this same text, so a model is asked what it was taught.
--
--   $first_day     flights scheduled before this day are history only
--   $landed_only   true leaves out cancelled and diverted flights (their counts: outcomes.sql)
--   $horizon       the month before this day is the test, the month before that calibrates, all before teaches
--
-- Time is counted in whole minutes since 1970 in UTC (`..._at`): integers add up the same on every machine.
-- Three things are known at a moment: the published schedule, flights that have LANDED by then, and weather records whose
-- hour is over. A number that is not known is -1; every feature that is known is 0 or more.
WITH scheduled AS (
  SELECT
    f.year, f.month, f.day, f.carrier, f.flight, f.origin, f.dest, f.tailnum, f.sched_dep_time, f.distance,
    f.dep_time, f.arr_delay,
    make_date(f.year, f.month, f.day) AS sched_day,
    f.hour * 60 + f.minute AS dep_minute,
    f.sched_arr_time // 100 * 60 + f.sched_arr_time % 100 AS arr_minute,
    epoch_us(f.time_hour) // 60000000 + f.minute AS dep_at,
    a.tz AS dest_tz, a.dst AS dest_dst
  FROM flights f
  LEFT JOIN airports a ON a.faa = f.dest
), clocks AS (
  -- Summer time: New York's is the difference between its own clock and UTC; a destination with dst 'A' has the same.
  -- An airport that is not in the table gets the westernmost clock of the United States, so that its flights count
  -- as landed too late (by up to six hours) and never too early.
  SELECT *,
    CASE WHEN dest_tz IS NULL THEN -600
         ELSE dest_tz * 60 + CASE WHEN dest_dst = 'A'
           THEN (sched_day - DATE '1970-01-01') * 1440 + dep_minute - dep_at + 300 ELSE 0 END
    END AS dest_offset
  FROM scheduled
), timed AS (
  -- A flight lands on the first occasion after its departure at which the destination's clock shows the scheduled time.
  SELECT * EXCLUDE (dest_tz, dest_dst, dest_offset, arr_minute),
    dep_at - 60 AS predict_at,
    CASE WHEN dest_tz IS NOT NULL THEN (arr_minute - (dep_at + dest_offset) % 1440 + 1440) % 1440 END AS sched_minutes,
    dep_at + (arr_minute - (dep_at + dest_offset) % 1440 + 1440) % 1440 AS sched_arr_at
  FROM clocks
), landed AS (
  SELECT *,
    sched_arr_at + arr_delay AS landed_at,
    CASE WHEN arr_delay >= 30 THEN 1 ELSE 0 END AS late,
    least(greatest(arr_delay, 0), 180) AS late_minutes
  FROM timed
  WHERE arr_delay IS NOT NULL
), asked AS (
  SELECT * FROM timed
  WHERE sched_day >= CAST($first_day AS DATE)
    AND (arr_delay IS NOT NULL OR NOT CAST($landed_only AS BOOLEAN))
), sky AS (
  -- The record stamped with an hour is made in the course of that hour: it is known when the hour is over.
  SELECT origin, epoch_us(time_hour) // 60000000 + 60 AS known_at, temp, humid, wind_speed, wind_gust, precip, pressure, visib
  FROM weather
), timeline AS (
  -- One line of time a key, with what became known on it and with the questions, which weigh nothing. A window that ends
  -- at a question holds what was known by then.
  SELECT k.kind, k.key, l.landed_at AS moment, NULL AS carrier, NULL AS flight, NULL AS origin, NULL AS sched_dep_at,
    l.landed_at AS known_at, 1 AS landings, l.late, l.late_minutes, 0 AS due
  FROM landed l, LATERAL (VALUES ('origin', l.origin), ('carrier', l.carrier), ('dest', l.dest), ('tailnum', l.tailnum),
    ('flight', l.carrier || l.flight), ('hub', l.origin || l.carrier)) k(kind, key)
  WHERE k.key IS NOT NULL
  UNION ALL
  SELECT 'origin', t.origin, t.sched_arr_at, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 1
  FROM timed t
  UNION ALL
  SELECT 'sky', s.origin, s.known_at, NULL, NULL, NULL, NULL, s.known_at, 0, 0, 0, 0
  FROM sky s
  UNION ALL
  SELECT k.kind, k.key, q.predict_at, q.carrier, q.flight, q.origin, q.dep_at, NULL, 0, 0, 0, 0
  FROM asked q, LATERAL (VALUES ('origin', q.origin), ('carrier', q.carrier), ('dest', q.dest), ('tailnum', q.tailnum),
    ('flight', q.carrier || q.flight), ('hub', q.origin || q.carrier), ('sky', q.origin)) k(kind, key)
  WHERE k.key IS NOT NULL
), counted AS (
  SELECT kind, carrier, flight, origin, sched_dep_at,
    max(known_at) OVER h6 AS last_6h, max(known_at) OVER d1 AS last_1d,
    sum(landings) OVER h3 AS n_3h, sum(late) OVER h3 AS late_3h, sum(late_minutes) OVER h3 AS minutes_3h, sum(due) OVER h3 AS due_3h,
    sum(landings) OVER d1 AS n_1d, sum(late) OVER d1 AS late_1d, sum(late_minutes) OVER d1 AS minutes_1d,
    sum(landings) OVER d7 AS n_7d, sum(late) OVER d7 AS late_7d,
    sum(landings) OVER d28 AS n_28d, sum(late) OVER d28 AS late_28d
  FROM timeline
  WINDOW
    h3 AS (PARTITION BY kind, key ORDER BY moment RANGE BETWEEN 180 PRECEDING AND CURRENT ROW),
    h6 AS (PARTITION BY kind, key ORDER BY moment RANGE BETWEEN 360 PRECEDING AND CURRENT ROW),
    d1 AS (PARTITION BY kind, key ORDER BY moment RANGE BETWEEN 1440 PRECEDING AND CURRENT ROW),
    d7 AS (PARTITION BY kind, key ORDER BY moment RANGE BETWEEN 10080 PRECEDING AND CURRENT ROW),
    d28 AS (PARTITION BY kind, key ORDER BY moment RANGE BETWEEN 40320 PRECEDING AND CURRENT ROW)
  QUALIFY sched_dep_at IS NOT NULL
), rates AS (
  SELECT kind, carrier, flight, origin, sched_dep_at, last_6h, last_1d,
    late_3h / nullif(n_3h, 0) AS rate_3h, minutes_3h / nullif(n_3h, 0) AS mean_3h, least(n_3h / nullif(due_3h, 0), 3) AS share_3h,
    late_1d / nullif(n_1d, 0) AS rate_1d, minutes_1d / nullif(n_1d, 0) AS mean_1d,
    late_7d / nullif(n_7d, 0) AS rate_7d, late_28d / nullif(n_28d, 0) AS rate_28d
  FROM counted
), history AS (
  SELECT carrier, flight, origin, sched_dep_at,
    max(CASE WHEN kind = 'sky' THEN last_6h END) AS sky_known_at,
    max(CASE WHEN kind = 'tailnum' THEN last_1d END) AS leg_landed_at,
    max(CASE WHEN kind = 'origin' THEN share_3h END) AS origin_landed_share_3h,
    max(CASE WHEN kind = 'origin' THEN rate_3h END) AS origin_late_rate_3h,
    max(CASE WHEN kind = 'origin' THEN mean_3h END) AS origin_late_minutes_3h,
    max(CASE WHEN kind = 'origin' THEN rate_7d END) AS origin_late_rate_7d,
    max(CASE WHEN kind = 'origin' THEN rate_28d END) AS origin_late_rate_28d,
    max(CASE WHEN kind = 'carrier' THEN mean_3h END) AS carrier_late_minutes_3h,
    max(CASE WHEN kind = 'carrier' THEN rate_1d END) AS carrier_late_rate_1d,
    max(CASE WHEN kind = 'carrier' THEN rate_7d END) AS carrier_late_rate_7d,
    max(CASE WHEN kind = 'carrier' THEN rate_28d END) AS carrier_late_rate_28d,
    max(CASE WHEN kind = 'hub' THEN mean_3h END) AS hub_late_minutes_3h,
    max(CASE WHEN kind = 'hub' THEN rate_1d END) AS hub_late_rate_1d,
    max(CASE WHEN kind = 'dest' THEN mean_3h END) AS dest_late_minutes_3h,
    max(CASE WHEN kind = 'dest' THEN mean_1d END) AS dest_late_minutes_1d,
    max(CASE WHEN kind = 'dest' THEN rate_7d END) AS dest_late_rate_7d,
    max(CASE WHEN kind = 'dest' THEN rate_28d END) AS dest_late_rate_28d,
    max(CASE WHEN kind = 'flight' THEN rate_7d END) AS flight_late_rate_7d,
    max(CASE WHEN kind = 'flight' THEN rate_28d END) AS flight_late_rate_28d,
    max(CASE WHEN kind = 'tailnum' THEN rate_7d END) AS tailnum_late_rate_7d,
    max(CASE WHEN kind = 'tailnum' THEN rate_28d END) AS tailnum_late_rate_28d
  FROM rates
  GROUP BY carrier, flight, origin, sched_dep_at
), legs AS (
  SELECT tailnum, landed_at, max(late_minutes) AS late_minutes
  FROM landed
  WHERE tailnum IS NOT NULL
  GROUP BY tailnum, landed_at
), load AS (
  SELECT carrier, flight, origin, dep_at,
    count(*) OVER (PARTITION BY origin ORDER BY dep_at RANGE BETWEEN 30 PRECEDING AND 30 FOLLOWING) AS origin_load
  FROM timed
), joined AS (
  SELECT q.*, b.origin_load, h.* EXCLUDE (carrier, flight, origin, sched_dep_at),
    s.temp, s.humid, s.wind_speed, s.wind_gust, s.precip, s.pressure, s.visib,
    p.year AS plane_year, p.seats, l.late_minutes AS leg_late
  FROM asked q
  JOIN load b ON b.carrier = q.carrier AND b.flight = q.flight AND b.origin = q.origin AND b.dep_at = q.dep_at
  JOIN history h ON h.carrier = q.carrier AND h.flight = q.flight AND h.origin = q.origin AND h.sched_dep_at = q.dep_at
  LEFT JOIN planes p ON p.tailnum = q.tailnum
  LEFT JOIN sky s ON s.origin = q.origin AND s.known_at = h.sky_known_at
  LEFT JOIN legs l ON l.tailnum = q.tailnum AND l.landed_at = h.leg_landed_at
)
SELECT
  -- which flight, when it is asked about, and its answer (none for a flight that never landed)
  year, month, day, sched_dep_time, flight, coalesce(tailnum, 'unknown') AS tailnum,
  make_timestamp(predict_at * 60000000) AS event_time,
  CASE WHEN sched_day >= CAST($horizon AS DATE) THEN 'later'
       WHEN sched_day >= CAST($horizon AS DATE) - INTERVAL 1 MONTH THEN 'test'
       WHEN sched_day >= CAST($horizon AS DATE) - INTERVAL 2 MONTH THEN 'calibrate' ELSE 'train' END AS split,
  CASE WHEN arr_delay IS NOT NULL THEN CAST(arr_delay >= 30 AS INTEGER) END AS late_30,
  -- the published schedule
  carrier, origin, dest,
  CAST(dep_minute AS BIGINT) AS dep_minute,
  CAST(isodow(sched_day) AS BIGINT) AS weekday,
  CAST(distance AS FLOAT) AS distance,
  CAST(coalesce(sched_minutes, -1) AS BIGINT) AS sched_minutes,
  CAST(origin_load AS BIGINT) AS origin_load,
  -- the sky over the origin: the last record known, at most six hours old
  CAST(coalesce(greatest(temp, 0), -1) AS FLOAT) AS temp,
  CAST(coalesce(humid, -1) AS FLOAT) AS humid,
  CAST(coalesce(wind_speed, -1) AS FLOAT) AS wind_speed,
  CAST(coalesce(wind_gust, -1) AS FLOAT) AS wind_gust,
  CAST(coalesce(precip, -1) AS FLOAT) AS precip,
  CAST(coalesce(pressure, -1) AS FLOAT) AS pressure,
  CAST(coalesce(visib, -1) AS FLOAT) AS visib,
  -- the aircraft, and its last flight from New York that landed in the day before
  CAST(coalesce(year - plane_year, -1) AS BIGINT) AS plane_age,
  CAST(coalesce(seats, -1) AS BIGINT) AS seats,
  CAST(coalesce(predict_at - leg_landed_at, -1) AS BIGINT) AS leg_landed_minutes,
  CAST(coalesce(leg_late, -1) AS BIGINT) AS leg_late_minutes,
  -- what landed in the 3 hours and the 1, 7 and 28 days before, by origin, carrier, both (hub), destination, flight, aircraft
  CAST(coalesce(origin_landed_share_3h, -1) AS FLOAT) AS origin_landed_share_3h,
  CAST(coalesce(origin_late_rate_3h, -1) AS FLOAT) AS origin_late_rate_3h,
  CAST(coalesce(origin_late_minutes_3h, -1) AS FLOAT) AS origin_late_minutes_3h,
  CAST(coalesce(origin_late_rate_7d, -1) AS FLOAT) AS origin_late_rate_7d,
  CAST(coalesce(origin_late_rate_28d, -1) AS FLOAT) AS origin_late_rate_28d,
  CAST(coalesce(carrier_late_minutes_3h, -1) AS FLOAT) AS carrier_late_minutes_3h,
  CAST(coalesce(carrier_late_rate_1d, -1) AS FLOAT) AS carrier_late_rate_1d,
  CAST(coalesce(carrier_late_rate_7d, -1) AS FLOAT) AS carrier_late_rate_7d,
  CAST(coalesce(carrier_late_rate_28d, -1) AS FLOAT) AS carrier_late_rate_28d,
  CAST(coalesce(hub_late_minutes_3h, -1) AS FLOAT) AS hub_late_minutes_3h,
  CAST(coalesce(hub_late_rate_1d, -1) AS FLOAT) AS hub_late_rate_1d,
  CAST(coalesce(dest_late_minutes_3h, -1) AS FLOAT) AS dest_late_minutes_3h,
  CAST(coalesce(dest_late_minutes_1d, -1) AS FLOAT) AS dest_late_minutes_1d,
  CAST(coalesce(dest_late_rate_7d, -1) AS FLOAT) AS dest_late_rate_7d,
  CAST(coalesce(dest_late_rate_28d, -1) AS FLOAT) AS dest_late_rate_28d,
  CAST(coalesce(flight_late_rate_7d, -1) AS FLOAT) AS flight_late_rate_7d,
  CAST(coalesce(flight_late_rate_28d, -1) AS FLOAT) AS flight_late_rate_28d,
  CAST(coalesce(tailnum_late_rate_7d, -1) AS FLOAT) AS tailnum_late_rate_7d,
  CAST(coalesce(tailnum_late_rate_28d, -1) AS FLOAT) AS tailnum_late_rate_28d
FROM joined
ORDER BY year, month, day, sched_dep_time, carrier, flight, origin
