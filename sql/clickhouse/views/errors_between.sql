-- Errors by fingerprint, of all whole UTC days from `since` until before `until`, which are one group;
--   small groups withheld.
--
-- The rule is `is_group_shown`; a group's place among those of one total decides which of them goes with a small one.
-- Only days that have ended, and of which nothing has expired: of a day that goes on, two looks would tell one person.
CREATE OR REPLACE VIEW errors_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            base.source AS source,
            base.fingerprint AS fingerprint,
            sum(base.errors) AS size,
            min(base.error_code) AS error_code,
            shown_mean(sum(base.fatal), sum(base.errors)) AS fatal_share,
            shown_mean(sum(base.status_4xx), sum(base.errors)) AS status_4xx_share,
            shown_mean(sum(base.status_5xx), sum(base.errors)) AS status_5xx_share,
            groupUniqArrayArray(base.few_actors) AS marks
        FROM errors_hourly AS base
        WHERE toDate(base.hour) > toDate(telemetry_now() - toIntervalYear(1))
            AND toDate(base.hour) < toDate(telemetry_now())
            AND toDate(base.hour) >= {since:Date}
            AND toDate(base.hour) < {until:Date}
        GROUP BY org_id, source, fingerprint
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
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, source, fingerprint
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    source,
    fingerprint,
    shown_count(size) AS errors,
    error_code,
    fatal_share,
    status_4xx_share,
    status_5xx_share
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
