/** Texts that a script's arguments point to by number, so that each is sent once. */
export interface Numbers {
  /** All of them, in order. */
  readonly names: readonly string[];
  /** The number of a text, from 1; a new one is added. */
  of(name: string): number;
}

export function createNumbers(first: readonly string[] = []): Numbers {
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
