import fc from 'fast-check';
import { type TSchema, Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { closed, compileSchema } from '../../src/kernel/schema.ts';
import { schemaArbitrary } from '../../src/testing/schema-arbitrary.ts';

const A = Type.Object({ a: Type.String() });
const B = Type.Object({ b: Type.Integer() });

describe('closed', () => {
  it('refuses fields that are not declared, at any depth, unless the schema says otherwise', () => {
    const schema = closed(
      Type.Object({
        in: A,
        list: Type.Array(A),
        either: Type.Union([A, B]),
        free: Type.Object({}, { additionalProperties: true }),
      }),
    );
    const { fits } = compileSchema(schema);
    const value = { in: { a: '' }, list: [{ a: '' }], either: { b: 1 }, free: { x: 1 } };
    expect(fits(value)).toBe(true);
    expect(fits({ ...value, x: 1 })).toBe(false);
    expect(fits({ ...value, in: { a: '', x: 1 } })).toBe(false);
    expect(fits({ ...value, list: [{ a: '', x: 1 }] })).toBe(false);
    expect(fits({ ...value, either: { b: 1, x: 1 } })).toBe(false);
  });

  it('closes an intersection as a whole', () => {
    const { fits } = compileSchema(Type.Intersect([A, B]));
    expect(fits({ a: '', b: 1 })).toBe(true);
    expect(fits({ a: '', b: 1, c: 1 })).toBe(false);
  });

  it('leaves what it was given as it was, and is the same the second time', () => {
    const before = JSON.stringify(A);
    const once = closed(A);
    expect(JSON.stringify(A)).toBe(before);
    expect(JSON.stringify(closed(once))).toBe(JSON.stringify(once));
  });

  it('takes data that look like schemas for data', () => {
    const { fits } = compileSchema(
      Type.Object({ type: Type.Literal('object'), properties: Type.Object({ default: Type.String() }) }),
    );
    expect(fits({ type: 'object', properties: { default: 'x' } })).toBe(true);
    expect(fits({ type: 'object', properties: { default: 'x', y: 1 } })).toBe(false);
  });
});

describe('misfits', () => {
  it.each<[TSchema, unknown, object]>([
    [A, {}, { path: 'data.a', expected: 'a value', found: 'nothing' }],
    [A, { a: 1 }, { path: 'data.a', expected: 'a value of type string', found: '1' }],
    [A, 'x', { path: 'data', expected: 'a value of type object', found: '"x"' }],
    [A, { a: '', x: [1] }, { path: 'data.x', expected: 'no such field', found: '[1]' }],
    [
      Type.Object({ list: Type.Array(B) }),
      { list: [{ b: 1 }, { b: 1.5 }] },
      { path: 'data.list[1].b', expected: 'a value of type integer', found: '1.5' },
    ],
    [
      Type.Object({ n: Type.Integer({ minimum: 1 }) }),
      { n: 0 },
      { path: 'data.n', expected: 'a number >= 1', found: '0' },
    ],
    [
      Type.Object({ k: Type.Union([Type.Literal('x'), Type.Literal('y')]) }),
      { k: 'z' },
      { path: 'data.k', expected: 'one of "x", "y"', found: '"z"' },
    ],
    [
      Type.Object({ at: Type.String({ format: 'date-time' }) }),
      { at: 'now' },
      { path: 'data.at', expected: 'a valid date-time', found: '"now"' },
    ],
    [
      Type.Object({ 'a/b~c': Type.Null() }),
      { 'a/b~c': 1 },
      { path: 'data.a/b~c', expected: 'a value of type null', found: '1' },
    ],
    [
      Type.Object({ t: Type.String({ maxLength: 3 }) }),
      { t: 'x'.repeat(100) },
      { path: 'data.t', expected: 'at most 3 characters', found: `"${'x'.repeat(59)}…` },
    ],
    [Type.Intersect([A, B]), { a: '', b: 1, c: 1 }, { path: 'data.c', expected: 'no such field', found: '1' }],
  ])('say where, what was expected and what was found: %j %j', (schema, value, misfit) => {
    expect(compileSchema(schema).misfits(value)).toEqual([misfit]);
  });

  it('are none for what fits, and five at most', () => {
    expect(compileSchema(A).misfits({ a: '' })).toEqual([]);
    const many = Type.Object(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, Type.Null()])));
    expect(
      compileSchema(many).misfits(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, 1]))),
    ).toHaveLength(5);
  });
});

describe('schemaArbitrary', () => {
  it.each<[string, TSchema]>([
    [
      'texts',
      Type.Object({ a: Type.String({ minLength: 2, maxLength: 4 }), b: Type.String({ pattern: '^[a-z]{3}$' }) }),
    ],
    [
      'formats',
      Type.Object({
        a: Type.String({ format: 'email' }),
        b: Type.String({ format: 'date-time' }),
        c: Type.String({ format: 'uuid' }),
        d: Type.String({ format: 'uri' }),
        e: Type.String({ format: 'date' }),
      }),
    ],
    [
      'numbers',
      Type.Object({
        a: Type.Integer({ minimum: 3, exclusiveMaximum: 9 }),
        b: Type.Number({ maximum: 0 }),
        c: Type.Integer({ multipleOf: 5 }),
      }),
    ],
    [
      'lists',
      Type.Object({
        a: Type.Array(A, { minItems: 9 }),
        b: Type.Tuple([Type.Null(), Type.Boolean()]),
        c: Type.Array(Type.Integer(), { uniqueItems: true }),
      }),
    ],
    ['choices', Type.Object({ a: Type.Union([A, B]), b: Type.Literal(1), c: Type.Enum(['x', 'y']) })],
    [
      'maps and optional fields',
      Type.Object({ a: Type.Optional(A), b: Type.Record(Type.String(), B), c: Type.Unknown() }),
    ],
    ['intersections', Type.Intersect([A, B])],
  ])('makes %s that fit', (_, schema) => {
    const { fits } = compileSchema(schema);
    fc.assert(fc.property(schemaArbitrary(fc, schema), fits));
  });

  it('says what it cannot read', () => {
    expect(() => schemaArbitrary(fc, { not: {} })).toThrowError(
      expect.objectContaining({ code: 'INVALID_DEFINITION' }),
    );
  });
});
