-- What became of the scheduled flights, by month: the landed ones are in the training table, the others are left out of it.
-- A diverted flight left and never arrived at its destination as planned; a cancelled one never left.
SELECT year, month,
  CAST(count(*) AS BIGINT) AS scheduled,
  CAST(count(arr_delay) AS BIGINT) AS landed,
  CAST(count(*) FILTER (WHERE dep_time IS NULL) AS BIGINT) AS cancelled,
  CAST(count(*) FILTER (WHERE dep_time IS NOT NULL AND arr_delay IS NULL) AS BIGINT) AS diverted
FROM flights
GROUP BY year, month
ORDER BY year, month
