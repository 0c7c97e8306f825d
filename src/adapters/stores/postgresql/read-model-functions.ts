/**
 * Read models: what changes them under a fence, each in one call and one transaction. A row is found by `generation + 0`
 * so that no plan, made when the table was small, reads the whole generation by the index of its places.
 */
export const readModelFunctions = `
  -- The number of a new generation; what was being built is dropped.
  CREATE FUNCTION $.begin_generation(model text, wanted text, lease text, fence bigint,
    OUT number integer, OUT reached bigint, OUT event text) LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM $.check_fence(lease, fence);
    PERFORM pg_advisory_xact_lock(hashtextextended($NAMESPACE || ' ' || model, 1));
    UPDATE $.generations SET state = 'dropped' WHERE read_model = model AND state = 'building';
    INSERT INTO $.generations (read_model, hash, state) VALUES (model, wanted,
      CASE WHEN EXISTS (SELECT FROM $.generations WHERE read_model = model AND state = 'live') THEN 'building' ELSE 'live' END)
      RETURNING generations.number, position INTO number, reached;
  END $body$;

  -- The live one or the one being built when it has this hash, else a new one.
  CREATE FUNCTION $.open_generation(model text, wanted text, lease text, fence bigint,
    OUT number integer, OUT reached bigint, OUT event text) LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM $.check_fence(lease, fence);
    PERFORM pg_advisory_xact_lock(hashtextextended($NAMESPACE || ' ' || model, 1));
    SELECT g.number, g.position, g.event_id INTO number, reached, event FROM $.generations g
      WHERE g.read_model = model AND g.state = 'live' AND g.hash = wanted;
    IF number IS NULL THEN
      SELECT g.number, g.position, g.event_id INTO number, reached, event FROM $.generations g
        WHERE g.read_model = model AND g.state = 'building' AND g.hash = wanted;
    END IF;
    IF number IS NULL THEN
      SELECT b.number, b.reached, b.event INTO number, reached, event
        FROM $.begin_generation(model, wanted, lease, fence) b;
    END IF;
  END $body$;

  -- False when the generation neither is live nor being built.
  CREATE FUNCTION $.swap_generation(model text, wanted integer, lease text, fence bigint) RETURNS boolean
  LANGUAGE plpgsql AS $body$
  DECLARE
    found text;
  BEGIN
    PERFORM $.check_fence(lease, fence);
    PERFORM pg_advisory_xact_lock(hashtextextended($NAMESPACE || ' ' || model, 1));
    SELECT state INTO found FROM $.generations
      WHERE number = wanted AND read_model = model AND state IN ('live', 'building');
    IF found = 'building' THEN
      UPDATE $.generations SET state = 'dropped' WHERE read_model = model AND state = 'live';
      UPDATE $.generations SET state = 'live' WHERE number = wanted;
    ELSIF found = 'live' THEN
      UPDATE $.generations SET state = 'dropped' WHERE read_model = model AND state = 'building';
    END IF;
    RETURN found IS NOT NULL;
  END $body$;

  -- Rows, totals by difference and the checkpoint; each id once. It counts only on top of the checkpoint that the caller
  -- knows: one whose answer was lost is made once, though the caller folds the same events into rows that hold them
  -- already. Gives 'done', 'dropped', or where the generation is.
  CREATE FUNCTION $.commit_rows(wanted integer, lease text, fence bigint, known bigint, known_event text,
    reached bigint, event text, ids text[], places text[], searches text[], row_values text[], indexes text[], row_totals text[], faults text[],
    exacts text[], deleted text[]) RETURNS text
  LANGUAGE plpgsql AS $body$
  DECLARE
    old_totals text;
    old_position bigint;
    old_event text;
  BEGIN
    PERFORM $.check_fence(lease, fence);
    SELECT totals, position, event_id INTO old_totals, old_position, old_event FROM $.generations
      WHERE number = wanted AND state IN ('live', 'building') FOR UPDATE;
    IF old_totals IS NULL THEN
      RETURN 'dropped';
    ELSIF (old_position, old_event) IS DISTINCT FROM (known, known_event) THEN
      RETURN CASE WHEN (old_position, old_event) IS DISTINCT FROM (reached, event) THEN old_position::text ELSE 'done' END;
    END IF;
    UPDATE $.generations SET position = reached, event_id = event WHERE number = wanted;

    WITH incoming AS MATERIALIZED (
        SELECT w.id, w.totals FROM unnest(ids, row_totals) AS w(id, totals)
        UNION ALL SELECT w.id, '{}' FROM unnest(deleted) AS w(id)
      ), changed AS MATERIALIZED (
        SELECT n.totals AS after, coalesce(r.totals, '{}') AS before FROM incoming n
        LEFT JOIN LATERAL (SELECT * FROM $.read_model_rows r WHERE r.id = n.id AND r.generation + 0 = wanted OFFSET 0) r
          ON true WHERE r.totals IS DISTINCT FROM n.totals AND (r.totals IS NOT NULL OR n.totals <> '{}')
      ), amounts AS (
        SELECT t.key, t.value::numeric AS amount FROM changed, json_each_text(after::json) AS t
        UNION ALL SELECT t.key, -t.value::numeric FROM changed, json_each_text(before::json) AS t
        UNION ALL SELECT t.key, t.value::numeric FROM json_each_text(old_totals::json) AS t
        WHERE EXISTS (SELECT FROM changed)
      )
      SELECT json_object_agg(key, amount) INTO old_totals FROM (
        SELECT key, sum(amount) AS amount FROM amounts GROUP BY key) x;
    IF old_totals IS NOT NULL THEN
      UPDATE $.generations SET totals = old_totals WHERE number = wanted;
    END IF;

    WITH incoming AS MATERIALIZED (
        SELECT w.id, w.place, w.indexed FROM unnest(ids, places, indexes) AS w(id, place, indexed)
        UNION ALL SELECT w.id, '', '{}' FROM unnest(deleted) AS w(id)
      ), gone AS (
        SELECT r.place, r.id, r.indexed FROM incoming n CROSS JOIN LATERAL (
          SELECT * FROM $.read_model_rows r WHERE r.id = n.id AND r.generation + 0 = wanted OFFSET 0) r
        WHERE r.indexed <> '{}' AND (r.place <> n.place OR r.indexed <> n.indexed)
      )
      DELETE FROM $.read_model_index WHERE ctid = ANY (ARRAY(
        SELECT i.ctid FROM gone g, json_each_text(g.indexed::json) AS t, LATERAL (
          SELECT i.ctid FROM $.read_model_index i WHERE i.generation = wanted AND i.name = t.key AND i.value = t.value
            AND i.place = g.place AND i.id = g.id OFFSET 0) i));
    INSERT INTO $.read_model_index (generation, name, value, place, id)
      SELECT wanted, t.key, t.value, w.place, w.id
      FROM unnest(ids, places, indexes) AS w(id, place, indexed)
      LEFT JOIN LATERAL (SELECT * FROM $.read_model_rows r WHERE r.id = w.id AND r.generation + 0 = wanted OFFSET 0) r
        ON true, json_each_text(w.indexed::json) AS t
      WHERE r.place IS DISTINCT FROM w.place OR r.indexed IS DISTINCT FROM w.indexed;

    DELETE FROM $.read_model_rows WHERE id = ANY (deleted) AND generation + 0 = wanted;
    INSERT INTO $.read_model_rows AS r (generation, id, place, search, value, indexed, totals, faulty, exact)
      SELECT wanted, w.id, w.place, w.search, w.value, w.indexed, w.totals, w.faulty, w.exact
      FROM unnest(ids, places, searches, row_values, indexes, row_totals, faults, exacts)
        AS w(id, place, search, value, indexed, totals, faulty, exact)
      ON CONFLICT (id, generation) DO UPDATE SET place = excluded.place, search = excluded.search,
        value = excluded.value, indexed = excluded.indexed, totals = excluded.totals, faulty = excluded.faulty,
        exact = excluded.exact;
    RETURN 'done';
  END $body$;
`;
