/** The keys of a script whose arguments point to keys by number, so that each is sent once. */
export interface KeyNumbers {
  /** All of them, in order. */
  readonly names: readonly string[];
  /** The number of a key, from 1; a new one is added. */
  of(name: string): number;
}

export function createKeyNumbers(first: readonly string[]): KeyNumbers {
  const names = [...first];
  const numbers = new Map<string, number>();
  return {
    names,
    of(name) {
      const known = numbers.get(name);
      if (known !== undefined) return known;
      const number = names.push(name);
      numbers.set(name, number);
      return number;
    },
  };
}
