/**
 * The append: one call for a whole batch, so one round trip. Whoever calls it names each stream, type, command and claim
 * once, and speaks of them by number (`batch.ts`); what is stored of them is loaded at once, the entries are judged in order on
 * these arrays, and what passed is written at once.
 *
 * The one row of `head` is locked from the first line to the commit, so that appends come one after the other: positions are
 * dense and become visible in their order, and nothing that is judged by can change meanwhile. In READ COMMITTED every
 * statement sees what was committed before it began, so those after the lock see all earlier appends.
 *
 * Plans are kept as long as a connection, so none may depend on how large a table was when it was made: what is looked up
 * stands in a subquery of its own (OFFSET 0 keeps it one), for which there is one index and no other way.
 *
 * Expected versions: -1 any, -2 exists, else the version. Kinds: 0 committed, 1 duplicate, 2 conflict, 3 claimed. Numbers:
 * the version reached; the entry of this batch that recorded the command, or 0 when it is stored; the actual version; the
 * claim's number.
 */
export const appendFunction = `
  CREATE FUNCTION $.append(
    now_ms bigint,
    s_type text[], s_id text[],
    y_stream_type text[], y_type text[],
    c_stream integer[], c_id text[],
    k_claim text[], k_exact text[],
    e_stream integer[], e_expected integer[], e_last text[], e_count integer[],
    e_command integer[], e_fingerprint text[], e_refused text[],
    e_takes integer[], t_claim integer[], e_releases integer[], r_claim integer[],
    v_entry integer[], v_at integer[], v_type integer[], v_id text[], v_correlation text[], v_meta text[], v_data text[],
    OUT head bigint, OUT recorded_at bigint, OUT kinds integer[], OUT numbers integer[], OUT known json, OUT holders json
  ) LANGUAGE plpgsql AS $body$
  DECLARE
    entries CONSTANT integer := cardinality(e_stream);
    has_claims CONSTANT boolean := cardinality(k_claim) > 0;
    types integer[]; keys bigint[]; versions integer[]; lasts text[]; touched integer[];
    commands integer[];
    held bigint[]; holding bigint[]; blockers bigint[];
    ends bigint[];
    reached bigint; last_stream bigint; last_command bigint; last_recorded bigint;
    events integer := 0; takes integer := 0; releases integer := 0; first_take integer; first_release integer;
    i integer; j integer; s integer; c integer; v integer;
    repeated boolean := false; claimed boolean := false;
  BEGIN
    PERFORM FROM $.head FOR UPDATE;
    SELECT e.position, e.recorded_at INTO head, recorded_at FROM $.events e ORDER BY e.position DESC LIMIT 1;
    SELECT d.key, d.recorded_at INTO last_command, last_recorded FROM $.commands d ORDER BY d.key DESC LIMIT 1;
    last_stream := coalesce((SELECT t.key FROM $.streams t ORDER BY t.key DESC LIMIT 1), 0);
    head := coalesce(head, 0);
    recorded_at := greatest(recorded_at, last_recorded, now_ms);
    reached := head;

    SELECT array_agg(x.key), array_agg(x.version), array_agg(x.id) INTO keys, versions, lasts FROM (
      SELECT coalesce(t.key, last_stream + w.at) AS key, coalesce(e.version, 0) AS version, e.id
      FROM unnest(s_type, s_id) WITH ORDINALITY AS w(type, id, at)
      LEFT JOIN LATERAL (SELECT t.key FROM $.streams t WHERE t.type = w.type AND t.id = w.id OFFSET 0) t ON true
      LEFT JOIN LATERAL (SELECT e.version, e.id FROM $.events e WHERE e.stream = t.key
        ORDER BY e.version DESC LIMIT 1) e ON true
      ORDER BY w.at) x;
    touched := array_fill(0, ARRAY[cardinality(s_type)]);
    IF cardinality(c_id) > 0 THEN
      SELECT array_agg(x.stored) INTO commands FROM (
        SELECT coalesce((SELECT 0 FROM $.commands d WHERE d.stream = keys[w.stream] AND d.id = w.id), -1) AS stored
        FROM unnest(c_stream, c_id) WITH ORDINALITY AS w(stream, id, at) ORDER BY w.at) x;
    END IF;
    IF has_claims THEN
      SELECT array_agg(x.stream) INTO held FROM (
        SELECT coalesce((SELECT d.stream FROM $.claims d WHERE d.claim = w.claim), 0) AS stream
        FROM unnest(k_claim) WITH ORDINALITY AS w(claim, at) ORDER BY w.at) x;
      holding := held;
    END IF;
    kinds := array_fill(0, ARRAY[entries]);
    numbers := kinds;
    ends := kinds::bigint[];
    blockers := ends;

    FOR i IN 1..entries LOOP
      s := e_stream[i];
      c := e_command[i];
      v := versions[s];
      events := events + e_count[i];
      IF has_claims THEN
        first_take := takes + 1;
        takes := e_takes[i];
        first_release := releases + 1;
        releases := e_releases[i];
      END IF;

      IF c > 0 AND commands[c] >= 0 THEN
        kinds[i] := 1;
        numbers[i] := commands[c];
        repeated := repeated OR commands[c] = 0;
        CONTINUE;
      END IF;
      IF (CASE e_expected[i] WHEN -1 THEN false WHEN -2 THEN v = 0
          ELSE v <> e_expected[i] OR (e_last[i] <> '' AND lasts[s] IS DISTINCT FROM e_last[i]) END) THEN
        kinds[i] := 2;
        numbers[i] := v;
        CONTINUE;
      END IF;
      IF has_claims THEN
        FOR j IN first_take..takes LOOP
          IF holding[t_claim[j]] <> 0 AND holding[t_claim[j]] <> keys[s] THEN
            kinds[i] := 3;
            numbers[i] := t_claim[j];
            blockers[i] := holding[t_claim[j]];
            claimed := true;
            EXIT;
          END IF;
        END LOOP;
        CONTINUE WHEN kinds[i] = 3;
        FOR j IN first_release..releases LOOP
          IF holding[r_claim[j]] = keys[s] THEN
            holding[r_claim[j]] := 0;
          END IF;
        END LOOP;
        FOR j IN first_take..takes LOOP
          holding[t_claim[j]] := keys[s];
          touched[s] := 1;
        END LOOP;
      END IF;

      IF e_count[i] > 0 THEN
        reached := reached + e_count[i];
        v := v + e_count[i];
        versions[s] := v;
        lasts[s] := v_id[events];
        touched[s] := 1;
      END IF;
      IF c > 0 THEN
        commands[c] := i;
        touched[s] := 1;
      END IF;
      numbers[i] := v;
      ends[i] := reached;
    END LOOP;

    IF 1 = ANY (touched) OR held IS DISTINCT FROM holding THEN
      INSERT INTO $.streams (key, type, id) SELECT keys[w.s], s_type[w.s], s_id[w.s]
        FROM generate_series(1, cardinality(keys)) AS w(s) WHERE touched[w.s] = 1 AND keys[w.s] > last_stream;
      IF reached > head THEN
        types := $.event_type_keys(y_stream_type, y_type);
        INSERT INTO $.events (position, stream, recorded_at, version, type, id, correlation_id, meta, data)
          SELECT ends[w.entry] - e_count[w.entry] + w.at, keys[e_stream[w.entry]], append.recorded_at,
            numbers[w.entry] - e_count[w.entry] + w.at, types[w.type], w.id, w.correlation, w.meta, w.data
          FROM unnest(v_entry, v_at, v_type, v_id, v_correlation, v_meta, v_data)
            AS w(entry, at, type, id, correlation, meta, data)
          WHERE kinds[w.entry] = 0;
      END IF;
      INSERT INTO $.commands (key, stream, recorded_at, position, version, count, id, fingerprint, refused)
        SELECT coalesce(last_command, 0) + w.at, keys[w.stream], append.recorded_at, ends[w.at], numbers[w.at], w.count,
          c_id[w.command], w.fingerprint, nullif(w.refused, '')
        FROM unnest(e_stream, e_count, e_command, e_fingerprint, e_refused) WITH ORDINALITY
          AS w(stream, count, command, fingerprint, refused, at)
        WHERE w.command > 0 AND kinds[w.at] = 0;
      IF has_claims THEN
        DELETE FROM $.claims WHERE claim = ANY (ARRAY(SELECT k_claim[w.k]
          FROM generate_series(1, cardinality(held)) AS w(k) WHERE held[w.k] <> 0 AND holding[w.k] = 0));
        INSERT INTO $.claims (claim, stream, exact) SELECT k_claim[w.k], holding[w.k], nullif(k_exact[w.k], '')
          FROM generate_series(1, cardinality(held)) AS w(k) WHERE holding[w.k] <> 0 AND holding[w.k] <> held[w.k]
          ON CONFLICT (claim) DO UPDATE SET stream = excluded.stream;
      END IF;
      IF reached > head THEN
        PERFORM pg_notify($NAMESPACE, '');
      END IF;
    END IF;

    IF repeated THEN
      SELECT json_agg(json_build_array(w.at, d.fingerprint, d.version, d.count, d.position, d.recorded_at, d.refused))
        INTO known FROM unnest(c_stream, c_id) WITH ORDINALITY AS w(stream, id, at)
        CROSS JOIN LATERAL (SELECT * FROM $.commands d WHERE d.stream = keys[w.stream] AND d.id = w.id OFFSET 0) d
        WHERE commands[w.at] = 0;
    END IF;
    IF claimed THEN
      SELECT json_agg(json_build_array(w.i, t.type, t.id)) INTO holders
        FROM generate_series(1, entries) AS w(i)
        CROSS JOIN LATERAL (SELECT * FROM $.streams t WHERE t.key = blockers[w.i] OFFSET 0) t WHERE kinds[w.i] = 3;
    END IF;
  END $body$;

  -- Under the lock of head. The numbers of these types, made where there are none.
  CREATE FUNCTION $.event_type_keys(stream_types text[], types text[]) RETURNS integer[] LANGUAGE plpgsql AS $body$
  DECLARE
    keys integer[];
  BEGIN
    FOR attempt IN 1..2 LOOP
      SELECT array_agg(x.key) INTO keys FROM (
        SELECT (SELECT t.key FROM $.event_types t WHERE t.stream_type = w.stream_type AND t.type = w.type) AS key
        FROM unnest(stream_types, types) WITH ORDINALITY AS w(stream_type, type, at) ORDER BY w.at) x;
      EXIT WHEN array_position(keys, NULL) IS NULL;
      INSERT INTO $.event_types (key, stream_type, type)
        SELECT (SELECT coalesce(max(t.key), 0) FROM $.event_types t) + row_number() OVER (), w.stream_type, w.type
        FROM (SELECT DISTINCT u.stream_type, u.type FROM unnest(stream_types, types, keys) AS u(stream_type, type, key)
          WHERE u.key IS NULL) AS w;
    END LOOP;
    RETURN keys;
  END $body$;
`;
