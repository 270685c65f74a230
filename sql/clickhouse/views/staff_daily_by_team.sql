-- Figures of staff by team and metric, by UTC day; small groups withheld.
--
-- The rule is `is_group_shown`; a group's place among those of one total decides which of them goes with a small one.
-- Only days that have ended, and of which nothing has expired: of a day that goes on, two looks would tell one person.
CREATE OR REPLACE VIEW staff_daily_by_team
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            toDate(base.day) AS day,
            base.team_id AS team_id,
            base.metric AS metric,
            base.unit AS unit,
            sum(base.figures) AS size,
            shown_mean(sum(base.value_sum), sum(base.figures)) AS mean_value,
            groupUniqArrayArray(base.few_actors) AS marks
        FROM staff_daily AS base
        WHERE toDate(base.day) > toDate(telemetry_now() - toIntervalYear(1))
            AND toDate(base.day) < toDate(telemetry_now())
        GROUP BY org_id, day, team_id, metric, unit
    ),
    placed AS
    (
        SELECT
            *,
            groupUniqArrayArray(marks) OVER earlier AS marks_before,
            max(largest_epoch_count(marks) < 5) OVER earlier AS small_before
        FROM gathered
        WINDOW earlier AS (
            PARTITION BY org_id, day, metric, unit
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, team_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    day,
    team_id,
    metric,
    unit,
    shown_count(size) AS figures,
    mean_value
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
