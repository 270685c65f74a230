-- Figures of staff by team and metric, of all whole UTC days from `since` until before `until`, which are one group;
--   small groups withheld.
--
-- The rule is `is_group_shown`; a group's place among those of one total decides which of them goes with a small one.
-- Only days that have ended, and of which nothing has expired: of a day that goes on, two looks would tell one person.
CREATE OR REPLACE VIEW staff_by_team_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            base.team_id AS team_id,
            base.metric AS metric,
            base.unit AS unit,
            sum(base.figures) AS size,
            shown_mean(sum(base.value_sum), sum(base.figures)) AS mean_value,
            groupUniqArrayArray(base.few_actors) AS marks
        FROM staff_daily AS base
        WHERE toDate(base.day) > toDate(telemetry_now() - toIntervalYear(1))
            AND toDate(base.day) < toDate(telemetry_now())
            AND toDate(base.day) >= {since:Date}
            AND toDate(base.day) < {until:Date}
        GROUP BY org_id, team_id, metric, unit
    ),
    placed AS
    (
        SELECT
            *,
            groupUniqArrayArray(marks) OVER earlier AS marks_before,
            max(largest_epoch_count(marks) < 5) OVER earlier AS small_before
        FROM gathered
        WINDOW earlier AS (
            PARTITION BY org_id, metric, unit
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, team_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    team_id,
    metric,
    unit,
    shown_count(size) AS figures,
    mean_value
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
