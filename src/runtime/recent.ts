/** A map that forgets what was set longest ago when it holds more than `maxItems`. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
}

export function createRecent<Value>(maxItems: number): Recent<Value> {
  const items = new Map<string, Value>();
  return {
    get: (key) => items.get(key),
    set(key, value) {
      items.delete(key);
      items.set(key, value);
      if (items.size <= maxItems) return;
      const [oldest] = items.keys();
      if (oldest !== undefined) items.delete(oldest);
    },
    delete(key) {
      items.delete(key);
    },
  };
}
