SELECT count() FROM restore_marks WHERE mark_id = {mark_id:UUID};
