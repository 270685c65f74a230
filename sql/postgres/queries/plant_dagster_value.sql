-- A mark of the canary in Dagster's own storage, under the plant's name.
INSERT INTO public.kvs (key, value) VALUES (%(name)s, %(word)s)
