/**
 * Checkpoints, leases and cursors, each in one call. A fence locks the lease's row by FOR KEY SHARE: a takeover, which
 * locks it FOR UPDATE, waits until what was fenced is committed, and a beat does not.
 */
export const coordinationFunctions = `
  CREATE FUNCTION $.check_fence(lease text, fence bigint) RETURNS void LANGUAGE plpgsql AS $body$
  DECLARE
    found bigint;
  BEGIN
    SELECT l.token INTO found FROM $.leases l WHERE l.name = lease FOR KEY SHARE;
    IF found > fence THEN
      RAISE EXCEPTION USING ERRCODE = 'SW001', MESSAGE = 'fenced', DETAIL = found;
    END IF;
  END $body$;

  CREATE FUNCTION $.save_checkpoint(checkpoint text, reached bigint, event text, lease text, fence bigint) RETURNS void
  LANGUAGE plpgsql AS $body$
  BEGIN
    PERFORM $.check_fence(lease, fence);
    INSERT INTO $.checkpoints (name, position, event_id) VALUES (checkpoint, reached, event)
      ON CONFLICT (name) DO UPDATE SET position = excluded.position, event_id = excluded.event_id;
  END $body$;

  CREATE FUNCTION $.take_lease(lease text, taker text, seen_token bigint, seen_beat bigint,
    OUT taken boolean, OUT token bigint, OUT beat bigint, OUT holder text) LANGUAGE plpgsql AS $body$
  BEGIN
    INSERT INTO $.leases (name, token, beat) VALUES (lease, 0, 0) ON CONFLICT (name) DO NOTHING;
    SELECT l.token, l.beat, l.holder INTO token, beat, holder FROM $.leases l WHERE l.name = lease FOR UPDATE;
    taken := token = seen_token AND beat = seen_beat;
    IF taken THEN
      token := token + 1;
      holder := taker;
      UPDATE $.leases l SET token = take_lease.token, holder = taker WHERE l.name = lease;
    END IF;
  END $body$;

  CREATE FUNCTION $.stream_keys(s_type text[], s_id text[]) RETURNS bigint[] LANGUAGE plpgsql AS $body$
  DECLARE
    keys bigint[];
    last_stream bigint;
  BEGIN
    SELECT array_agg(x.key) INTO keys FROM (
      SELECT (SELECT t.key FROM $.streams t WHERE t.type = w.type AND t.id = w.id) AS key
      FROM unnest(s_type, s_id) WITH ORDINALITY AS w(type, id, at) ORDER BY w.at) x;
    IF array_position(keys, NULL) IS NULL THEN
      RETURN keys;
    END IF;
    -- Streams get their numbers under the lock of the appends.
    PERFORM FROM $.head FOR UPDATE;
    last_stream := coalesce((SELECT t.key FROM $.streams t ORDER BY t.key DESC LIMIT 1), 0);
    INSERT INTO $.streams (key, type, id) SELECT last_stream + row_number() OVER (), w.type, w.id
      FROM (SELECT DISTINCT u.type, u.id FROM unnest(s_type, s_id) AS u(type, id)) AS w
      WHERE NOT EXISTS (SELECT FROM $.streams t WHERE t.type = w.type AND t.id = w.id);
    RETURN (SELECT array_agg(x.key) FROM (
      SELECT (SELECT t.key FROM $.streams t WHERE t.type = w.type AND t.id = w.id) AS key
      FROM unnest(s_type, s_id) WITH ORDINALITY AS w(type, id, at) ORDER BY w.at) x);
  END $body$;

  -- Each cursor once: ON CONFLICT changes no row twice. In the order of their keys, so that two callers never wait for
  -- each other. Gives the stream of each change, and subscription and stream of each cursor that it moved.
  CREATE FUNCTION $.advance(subscriptions text[], s_type text[], s_id text[], revisions bigint[], versions integer[],
    states text[], parked_ids text[], parkeds text[],
    OUT keys bigint[], OUT moved_subscriptions text[], OUT moved_streams bigint[]) LANGUAGE plpgsql AS $body$
  BEGIN
    keys := $.stream_keys(s_type, s_id);
    WITH wanted AS (
        SELECT w.subscription, keys[w.at] AS stream, w.revision, w.version, w.state, w.parked_id, w.parked
        FROM unnest(subscriptions, revisions, versions, states, parked_ids, parkeds) WITH ORDINALITY
          AS w(subscription, revision, version, state, parked_id, parked, at)
      ), moved AS (
        INSERT INTO $.cursors AS c (subscription, stream, revision, version, state, parked_id, parked)
        SELECT w.subscription, w.stream, w.revision + 1, w.version, w.state, w.parked_id, w.parked FROM wanted w
        WHERE w.revision = 0
          OR (SELECT true FROM $.cursors d WHERE d.subscription = w.subscription AND d.stream = w.stream)
        ORDER BY w.subscription, w.stream
        ON CONFLICT (subscription, stream) DO UPDATE SET revision = excluded.revision, version = excluded.version,
          state = excluded.state, parked_id = excluded.parked_id, parked = excluded.parked
        WHERE c.revision = excluded.revision - 1
        RETURNING c.subscription, c.stream)
      SELECT coalesce(array_agg(moved.subscription), '{}'), coalesce(array_agg(moved.stream), '{}')
        INTO moved_subscriptions, moved_streams FROM moved;
  END $body$;
`;
