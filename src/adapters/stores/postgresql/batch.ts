import type { AppendEntry, ExpectedVersion } from '../../../ports/event-store.ts';
import { integers, joinedJson, texts } from './array-literal.ts';
import { isPlain, keyText } from './key-text.ts';

/** A batch as the function `append` takes it: columns instead of objects, and numbers from 1 for what is named often. */
export interface Batch {
  readonly entries: readonly AppendEntry[];
  /** Per entry its command's number; 0 when it has none. */
  readonly commands: readonly number[];
  /** By number - 1. */
  readonly claims: readonly string[];
  /** What `append` takes after the time, in its order; an empty text is none. */
  readonly columns: readonly unknown[];
}

/** @param data of each event, as JSON. */
export function encodeBatch(entries: readonly AppendEntry[], data: readonly (readonly string[])[]): Batch {
  const streams = pairNumbers();
  const types = pairNumbers();
  const commands = new Map<string, number>();
  const claims = new Map<string, number>();
  const c = { stream: [] as number[], id: [] as string[] };
  const e = {
    stream: [] as number[],
    expected: [] as number[],
    last: [] as string[],
    count: [] as number[],
    command: [] as number[],
    fingerprint: [] as string[],
    refused: [] as string[],
    takes: [] as number[],
    releases: [] as number[],
  };
  const v = {
    entry: [] as number[],
    at: [] as number[],
    type: [] as number[],
    id: [] as string[],
    correlation: [] as string[],
    meta: [] as string[],
    data: [] as string[],
  };
  const [takes, releases]: [number[], number[]] = [[], []];

  const commandNumber = (stream: number, id: string): number => {
    const key = `${stream} ${id}`;
    const known = commands.get(key);
    if (known !== undefined) return known;
    c.stream.push(stream);
    commands.set(key, c.id.push(id));
    return c.id.length;
  };
  const claimNumber = (claim: string): number => {
    const known = claims.get(claim) ?? claims.size + 1;
    claims.set(claim, known);
    return known;
  };

  for (const [index, { stream, expected, events, command, take, release }] of entries.entries()) {
    const number = streams.of(stream.type, stream.id);
    e.stream.push(number);
    e.expected.push(expectedNumber(expected));
    e.last.push(typeof expected === 'object' ? expected.eventId : '');
    e.count.push(events.length);
    e.command.push(command === undefined ? 0 : commandNumber(number, command.id));
    e.fingerprint.push(command?.fingerprint ?? '');
    e.refused.push(command?.refused === undefined ? '' : JSON.stringify(command.refused));
    for (const claim of take ?? []) takes.push(claimNumber(claim));
    for (const claim of release ?? []) releases.push(claimNumber(claim));
    e.takes.push(takes.length);
    e.releases.push(releases.length);
    for (const [at, { id, type, meta }] of events.entries()) {
      v.entry.push(index + 1);
      v.at.push(at + 1);
      v.type.push(types.of(stream.type, type));
      v.id.push(id);
      v.correlation.push(keyText(meta.correlationId));
      v.meta.push(JSON.stringify(meta));
      v.data.push(data[index]?.[at] ?? 'null');
    }
  }

  const claimed = [...claims.keys()];
  return {
    entries,
    commands: e.command,
    claims: claimed,
    columns: [
      ...[texts(streams.firsts), texts(streams.seconds), texts(types.firsts), texts(types.seconds)],
      ...[integers(c.stream), texts(c.id)],
      ...[texts(claimed.map(keyText)), texts(claimed.map((claim) => (isPlain(claim) ? '' : JSON.stringify(claim))))],
      ...[integers(e.stream), integers(e.expected), texts(e.last), integers(e.count)],
      ...[integers(e.command), texts(e.fingerprint), texts(e.refused)],
      ...[integers(e.takes), integers(takes), integers(e.releases), integers(releases)],
      ...[integers(v.entry), integers(v.at), integers(v.type), texts(v.id), texts(v.correlation)],
      ...[joinedJson(v.meta), joinedJson(v.data)],
    ],
  };
}

/** Numbers pairs of texts as they come, from 1. */
function pairNumbers() {
  const numbers = new Map<string, Map<string, number>>();
  const [firsts, seconds]: [string[], string[]] = [[], []];
  return {
    firsts,
    seconds,
    of(first: string, second: string): number {
      const own = numbers.get(first) ?? new Map<string, number>();
      numbers.set(first, own);
      const known = own.get(second);
      if (known !== undefined) return known;
      firsts.push(first);
      own.set(second, seconds.push(second));
      return seconds.length;
    },
  };
}

/** What no version reaches: for numbers that are none. */
const never = 2 ** 31 - 1;

function expectedNumber(expected: ExpectedVersion): number {
  switch (expected) {
    case 'any':
      return -1;
    case 'exists':
      return -2;
    case 'none':
      return 0;
    default: {
      const version = typeof expected === 'number' ? expected : expected.version;
      return Number.isInteger(version) && version >= 0 && version < never ? version : never;
    }
  }
}
