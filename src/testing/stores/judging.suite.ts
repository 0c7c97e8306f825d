import assert from 'node:assert/strict';
import type { CommandId, StreamId } from '../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, ExpectedVersion } from '../../ports/event-store.ts';
import { type AppendModel, createAppendModel, noTime } from '../append-model.ts';
import { createRandom, type Random } from '../random.ts';
import { collect, newEvents } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';

const streams: readonly [StreamId, ...StreamId[]] = [
  { type: 'User', id: 'a' },
  { type: 'User', id: 'b' },
  { type: 'Order', id: 'a' },
];
const claims = ['email:a', 'email:b', 'number:a', 'number:b'];

export const judgingCases: readonly StoreCase[] = [1, 2, 3, 4, 5].map((seed) => ({
  name: `judges random batches as the model does (seed ${seed})`,
  alone: true,
  async run({ store, second }) {
    const stores = [store, await second()];
    const random = createRandom(seed);
    const model = createAppendModel();
    for (let round = 0; round < 80; round += 1) {
      const batch = Array.from({ length: 1 + random.below(6) }, () => anyEntry(random, model));
      const outcomes = await (stores[round % 2] ?? store).events.append(batch);
      assert.deepEqual(outcomes.map(withoutTime), model.append(batch), `round ${round}: ${JSON.stringify(batch)}`);
    }
    const read = await collect(store.events.readAll());
    assert.deepEqual(
      read.map(({ stream, id }) => ({ stream, id })),
      model.log,
    );
    assert.deepEqual(new Map(await store.events.claimHolders(claims)), model.claims);
  },
}));

function anyEntry(random: Random, model: AppendModel): AppendEntry {
  const stream = random.pick(streams);
  const count = random.pick([0, 1, 1, 2, 3]);
  const command = random.below(3) > 0 && {
    id: `command ${random.below(40)}` as CommandId,
    fingerprint: `fingerprint ${random.below(3)}`,
    ...(count === 0 && { refused: { code: 'NO', because: `No ${random.below(3)}.` } }),
  };
  return {
    stream,
    expected: anyExpected(random, model, stream),
    events: newEvents(count),
    ...(command && { command }),
    ...(random.below(2) > 0 && { take: anyClaims(random) }),
    ...(random.below(2) > 0 && { release: anyClaims(random) }),
  };
}

/** Mostly what holds before the batch, so that entries of it fit, or just don't any more. */
function anyExpected(random: Random, { log }: AppendModel, stream: StreamId): ExpectedVersion {
  const events = log.filter((event) => event.stream === stream);
  const version = Math.max(0, events.length - random.below(3) + 1);
  const eventId = events[version - 1]?.id;
  const versions: readonly ExpectedVersion[] = ['any', 'exists', version, ...(eventId ? [{ version, eventId }] : [])];
  return random.pick([
    'any',
    events.length === 0 ? 'none' : 'exists',
    random.pick(['none', ...versions]),
    events.length,
  ]);
}

const anyClaims = (random: Random) => claims.filter(() => random.below(3) === 0);

function withoutTime(outcome: AppendOutcome): AppendOutcome {
  if (outcome.kind === 'duplicate') return { ...outcome, first: { ...outcome.first, recordedAt: noTime } };
  return outcome.kind === 'committed' ? { ...outcome, recordedAt: noTime } : outcome;
}
