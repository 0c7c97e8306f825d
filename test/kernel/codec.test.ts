import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseClaim, normaliseClaims } from '../../src/kernel/claims.ts';
import { canonicalJson, fingerprint, shortCode, toJson } from '../../src/kernel/codec.ts';
import type { Json } from '../../src/kernel/message.ts';

const json = fc.jsonValue({ noUnicodeString: false }).map((value) => value as Json);

describe('toJson', () => {
  it('gives what JSON.parse of JSON.stringify gives', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(toJson(value)).toStrictEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('forgets undefined fields, keeps odd keys, and makes minus zero a zero', () => {
    expect(toJson({ a: undefined, b: 1 })).toStrictEqual({ b: 1 });
    const odd = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}');
    expect(JSON.stringify(toJson(odd))).toBe(JSON.stringify(odd));
    expect(toJson(-0)).toBe(0);
  });

  const holes = [1, 2, 3];
  delete holes[1];
  const loop: { self?: unknown } = {};
  loop.self = loop;
  it.each<[string, unknown, string]>([
    ['a date', { at: new Date() }, "data.at is a Date, which JSON can't hold"],
    ['a hole', { list: holes }, "data.list[1] is undefined, which JSON can't hold"],
    ['infinity', { n: Number.POSITIVE_INFINITY }, "data.n is Infinity, which JSON can't hold"],
    ['a function', { f: () => {} }, "data.f is a function, which JSON can't hold"],
    ['a bigint', { n: 1n }, "data.n is a bigint, which JSON can't hold"],
    ['a class', { m: new Map() }, "data.m is a Map, which JSON can't hold"],
    ['half a character', { t: '\ud800' }, "data.t has half a character (a lone surrogate), which UTF-8 can't hold"],
    ['a cycle', loop, 'is nested deeper than 100 levels'],
  ])('throws at %s, with its path', (_, value, message) => {
    expect(() => toJson(value)).toThrow(message);
  });
});

describe('canonicalJson', () => {
  const reversed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, reversed(inner)]),
    );
  };

  it('is JSON of the same value, whatever the order of keys', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(fingerprint(reversed(value))).toBe(fingerprint(value));
      }),
    );
  });
});

describe('shortCode', () => {
  it('is the same for the same text, and of letters that people do not confuse', () => {
    expect(shortCode('order-1')).toBe(shortCode('order-1'));
    expect(shortCode('order-1')).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(new Set(Array.from({ length: 10_000 }, (_, n) => shortCode(`order-${n}`))).size).toBe(10_000);
  });
});

describe('normaliseClaim', () => {
  it('compares texts trimmed, in lower case and NFKC', () => {
    const same = ['email:ada@example.org', 'Email: ADA@Example.org ', 'email:ａｄａ@example.org'];
    expect(normaliseClaims(same)).toEqual(['email:ada@example.org']);
    expect(normaliseClaim('url:https://x:1')).toBe('url:https://x:1');
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        fc.pre(value.normalize('NFKC').trim() !== '');
        const claim = normaliseClaim(`kind:${value}`);
        expect(normaliseClaim(claim)).toBe(claim);
      }),
    );
  });

  it.each(['email', ':x', 'email:', 'email:  '])('throws at %j, which is not kind:value', (claim) => {
    expect(() => normaliseClaim(claim)).toThrowError(expect.objectContaining({ code: 'DECIDE_FAILED' }));
  });
});
