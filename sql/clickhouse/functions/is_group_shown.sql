-- Whether a group may be shown: it has five persons of one epoch, and so have all groups that are withheld beside it,
-- taken together, since what is shown can be taken away from the total.
--
-- Groups of one total are placed with the small ones first, then by size. small_before: whether a small one comes
--   before this one. marks_before: the persons of all groups before it. Groups are withheld until those are five.
CREATE OR REPLACE FUNCTION is_group_shown AS (marks, small_before, marks_before) ->
    largest_epoch_count(marks) >= 5 AND (small_before = 0 OR largest_epoch_count(marks_before) >= 5);
