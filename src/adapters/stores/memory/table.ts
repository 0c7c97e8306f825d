import type { StreamId } from '../../../kernel/message.ts';

/** Values by stream: type and id are two keys, never one joined text. */
export interface Table<Value> {
  get(stream: StreamId): Value | undefined;
  /** The value, made first when there is none; `make` gets a frozen id to keep. */
  getOrMake(stream: StreamId, make: (stream: StreamId) => Value): Value;
  set(stream: StreamId, value: Value): void;
  delete(stream: StreamId): void;
  values(): Iterable<Value>;
}

export function createTable<Value>(): Table<Value> {
  const types = new Map<string, Map<string, Value>>();
  const ofType = (type: string) => {
    const known = types.get(type);
    if (known) return known;
    const made = new Map<string, Value>();
    types.set(type, made);
    return made;
  };
  return {
    get: ({ type, id }) => types.get(type)?.get(id),
    getOrMake({ type, id }, make) {
      const values = ofType(type);
      const known = values.get(id);
      if (known !== undefined) return known;
      const made = make(Object.freeze({ type, id }));
      values.set(id, made);
      return made;
    },
    set({ type, id }, value) {
      ofType(type).set(id, value);
    },
    delete({ type, id }) {
      types.get(type)?.delete(id);
    },
    *values() {
      for (const values of types.values()) yield* values.values();
    },
  };
}
