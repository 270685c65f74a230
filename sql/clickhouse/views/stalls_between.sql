-- Stalls by one dimension and cause, of all whole UTC days from `since` until before `until`, which are one group;
--   small groups withheld.
--
-- The rule is `is_group_shown`; a group's place among those of one total decides which of them goes with a small one.
-- Only days that have ended, and of which nothing has expired: of a day that goes on, two looks would tell one person.
CREATE OR REPLACE VIEW stalls_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            base.dimension AS dimension,
            base.value AS value,
            base.cause AS cause,
            sum(base.stalls) AS size,
            shown_mean(sum(base.duration_ms_sum), sum(base.stalls) - sum(base.open_stalls)) AS mean_stall_ms,
            shown_quantile(0.5, sumForEach(base.duration_ms_histogram)) AS p50_stall_ms,
            shown_quantile(0.95, sumForEach(base.duration_ms_histogram)) AS p95_stall_ms,
            groupUniqArrayArray(base.few_actors) AS marks
        FROM stalls_hourly AS base
        WHERE toDate(base.hour) > toDate(telemetry_now() - toIntervalYear(1))
            AND toDate(base.hour) < toDate(telemetry_now())
            AND toDate(base.hour) >= {since:Date}
            AND toDate(base.hour) < {until:Date}
        GROUP BY org_id, dimension, value, cause
    ),
    placed AS
    (
        SELECT
            *,
            groupUniqArrayArray(marks) OVER earlier AS marks_before,
            max(largest_epoch_count(marks) < 5) OVER earlier AS small_before
        FROM gathered
        WINDOW earlier AS (
            PARTITION BY org_id, dimension, cause
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, value
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    dimension,
    value,
    cause,
    shown_count(size) AS stalls,
    mean_stall_ms,
    p50_stall_ms,
    p95_stall_ms
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
