SELECT mark_id, number FROM restore_marks ORDER BY number DESC LIMIT 1;
