import assert from 'node:assert/strict';
import type { StreamId } from '../../kernel/message.ts';
import { collect, commit, newEvent, oddTexts, withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

export const streamIdCases: readonly StoreCase[] = [
  {
    name: 'odd types and ids neither collide nor inject',
    async run({ store, name }) {
      const unique = name('odd');
      const streams = oddTexts.flatMap((odd): StreamId[] => [
        { type: 'Account', id: `${odd}${unique}` },
        { type: 'Account', id: `${unique}${odd}` },
        { type: `${unique}${odd}`, id: odd },
        { type: odd, id: `${unique}${odd}` },
      ]);
      const outcomes = await store.events.append(
        streams.map((stream) => ({ stream, expected: 'none' as const, events: [newEvent('Made', stream)] })),
      );
      for (const [at, outcome] of outcomes.entries())
        assert.equal(outcome.kind, 'committed', JSON.stringify(streams[at]));
      for (const stream of streams) {
        const read = await collect(store.events.readStream(stream));
        assert.deepEqual(
          read.map((event) => [event.stream, event.data]),
          [[stream, stream]],
        );
      }
    },
  },
  {
    name: 'type and id are two columns: moving a character from one to the other makes another stream',
    async run({ store, name }) {
      const unique = name('split');
      const streams = [
        { type: `${unique}a`, id: 'b' },
        { type: unique, id: 'ab' },
        { type: `${unique}-a`, id: 'b' },
        { type: unique, id: '-a-b' },
        { type: `${unique}/a`, id: 'b' },
        { type: unique, id: '/a/b' },
      ];
      for (const stream of streams) await commit(store, stream, 'none');
    },
  },
  {
    name: 'ids differ by case, by surrounding spaces and by unicode form',
    async run({ store, name }) {
      const unique = name('form');
      const ids = [
        unique,
        ` ${unique}`,
        `${unique} `,
        `${unique}\t`,
        unique.toUpperCase(),
        `${unique}é`,
        `${unique}e\u0301`,
      ];
      for (const id of ids) await commit(store, { type: 'Account', id }, 'none');
    },
  },
  {
    name: 'an id of 512 bytes is fine, in ASCII and in wide characters',
    async run({ store, name }) {
      const unique = name('');
      const room = 512 - unique.length;
      const wide = `${unique}${'x'.repeat(room % 4)}${'🦉'.repeat(Math.floor(room / 4))}`;
      for (const id of [unique.padEnd(512, 'x'), wide]) {
        assert.equal(Buffer.byteLength(id), 512);
        await commit(store, { type: 'Account', id }, 'none');
        assert.equal((await store.events.streamHead({ type: 'Account', id })).version, 1);
      }
    },
  },
  {
    name: 'an id that is empty, longer than 512 bytes or not storable as text is refused, and nothing is stored',
    async run({ store, stream }) {
      const good = stream();
      const bad = ['', 'x'.repeat(513), '漢'.repeat(171), 'nul\u0000', 'half \ud83e'];
      for (const text of bad) {
        for (const one of [
          { type: 'Account', id: text },
          { type: text, id: 'x' },
        ]) {
          const entries = [good, one].map((each) => ({ stream: each, expected: 'any' as const, events: [newEvent()] }));
          await assert.rejects(store.events.append(entries), withCode('INVALID_ID'), JSON.stringify(text));
        }
      }
      assert.deepEqual(await store.events.streamHead(good), { version: 0 });
    },
  },
];
