SELECT audit.visible_from(%(table)s::text::regclass);
