-- What a live table counted of the last 24 hours, and how many rows its base has of them, each row once. The last minutes are
-- left out: a batch may be on its way.
SELECT
    (
        SELECT toUInt64(sum({counted:Identifier}))
        FROM {live:Identifier}
        WHERE minute >= toStartOfMinute(toDateTime({now:DateTime64(3, 'UTC')}, 'UTC')) - toIntervalHour(24)
            AND minute < toStartOfMinute(toDateTime({now:DateTime64(3, 'UTC')}, 'UTC')) - toIntervalMinute(5)
    ) AS counted,
    (
        SELECT uniqExact(org_id, event_id)
        FROM {base:Identifier}
        WHERE occurred_at >= toStartOfMinute(toDateTime({now:DateTime64(3, 'UTC')}, 'UTC')) - toIntervalHour(24)
            AND occurred_at < toStartOfMinute(toDateTime({now:DateTime64(3, 'UTC')}, 'UTC')) - toIntervalMinute(5)
    ) AS there;
