-- How well each medium plays, of all whole UTC days from `since` until before `until`, which are one group;
--   small groups withheld.
--
-- The rule is `is_group_shown`; a group's place among those of one total decides which of them goes with a small one.
-- Only days that have ended, and of which nothing has expired: of a day that goes on, two looks would tell one person.
CREATE OR REPLACE VIEW media_health_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            base.media_id AS media_id,
            sum(base.sessions) AS size,
            shown_mean(sum(base.completed), sum(base.sessions)) AS completed_share,
            shown_mean(sum(base.abandoned), sum(base.sessions)) AS abandoned_share,
            shown_mean(sum(base.fatal_sessions), sum(base.sessions)) AS fatal_share,
            shown_mean(sum(base.stalled_sessions), sum(base.sessions)) AS stalled_share,
            shown_mean(sum(base.stall_count), sum(base.sessions)) AS stalls_per_session,
            shown_mean(sum(base.completion_sum), sum(base.completion_count)) AS mean_completion,
            shown_mean(sum(base.ttfb_ms_sum), sum(base.ttfb_ms_count)) AS mean_ttfb_ms,
            shown_quantile(0.5, sumForEach(base.ttfb_ms_histogram)) AS p50_ttfb_ms,
            shown_quantile(0.95, sumForEach(base.ttfb_ms_histogram)) AS p95_ttfb_ms,
            shown_mean(sum(base.load_ms_sum), sum(base.load_ms_count)) AS mean_load_ms,
            shown_quantile(0.95, sumForEach(base.load_ms_histogram)) AS p95_load_ms,
            shown_mean(sum(base.startup_ms_sum), sum(base.startup_ms_count)) AS mean_startup_ms,
            shown_quantile(0.5, sumForEach(base.startup_ms_histogram)) AS p50_startup_ms,
            shown_quantile(0.95, sumForEach(base.startup_ms_histogram)) AS p95_startup_ms,
            groupUniqArrayArray(base.few_actors) AS marks
        FROM media_health_hourly AS base
        WHERE base.dimension = 'all'
            AND toDate(base.hour) > toDate(telemetry_now() - toIntervalYear(2))
            AND toDate(base.hour) < toDate(telemetry_now())
            AND toDate(base.hour) >= {since:Date}
            AND toDate(base.hour) < {until:Date}
        GROUP BY org_id, media_id
    ),
    placed AS
    (
        SELECT
            *,
            groupUniqArrayArray(marks) OVER earlier AS marks_before,
            max(largest_epoch_count(marks) < 5) OVER earlier AS small_before
        FROM gathered
        WINDOW earlier AS (
            PARTITION BY org_id
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, media_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    media_id,
    shown_count(size) AS sessions,
    completed_share,
    abandoned_share,
    fatal_share,
    stalled_share,
    stalls_per_session,
    mean_completion,
    mean_ttfb_ms,
    p50_ttfb_ms,
    p95_ttfb_ms,
    mean_load_ms,
    p95_load_ms,
    mean_startup_ms,
    p50_startup_ms,
    p95_startup_ms
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
