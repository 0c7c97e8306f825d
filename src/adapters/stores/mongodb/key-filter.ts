/**
 * Which keys the log has ever had: surely not, or maybe. Most new aggregates need not be looked for. Takes the same memory
 * always (a Bloom filter, CACM 13/7, 1970): of two million keys it takes one new key in 2,000 for an old one.
 */
export interface KeyFilter {
  add(key: string): void;
  /** False when it was told of all keys and this is none of them. */
  mayHave(key: string): boolean;
  /** From now on it knows all keys. */
  isComplete(): void;
}

const bits = 2 ** 25;
const probes = 5;

export function createKeyFilter(): KeyFilter {
  const words = new Uint32Array(bits / 32);
  let complete = false;
  return {
    add(key) {
      const [first, step] = hashes(key);
      for (let at = 0; at < probes; at += 1) {
        const place = (first + at * step) % bits;
        words[place >>> 5] = (words[place >>> 5] ?? 0) | (1 << (place & 31));
      }
    },
    mayHave(key) {
      if (!complete) return true;
      const [first, step] = hashes(key);
      for (let at = 0; at < probes; at += 1) {
        const place = (first + at * step) % bits;
        if (((words[place >>> 5] ?? 0) & (1 << (place & 31))) === 0) return false;
      }
      return true;
    },
    isComplete() {
      complete = true;
    },
  };
}

/** Two numbers of 32 bits that have little to do with each other: FNV-1a, mixed as in MurmurHash3. */
function hashes(key: string): readonly [number, number] {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return [mixed(hash), (mixed(hash ^ 0x9e3779b9) | 1) >>> 0];
}

function mixed(hash: number): number {
  let value = hash ^ (hash >>> 16);
  value = Math.imul(value, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
