import { expect, test } from 'vitest';
import { createTurns } from '../../../src/adapters/buses/turns.ts';
import { failure } from '../../../src/kernel/errors.ts';
import { someTurns } from '../../../src/testing/bus-fixtures.ts';

/** Calls whose work the test ends. */
function rig() {
  const turns = createTurns();
  const begun: string[] = [];
  return {
    begun,
    call(name: string) {
      const work = Promise.withResolvers<string>();
      let tell = () => {};
      const result = turns.take((sent) => {
        begun.push(name);
        tell = sent;
        return work.promise;
      });
      const outcome = result.then(
        (value) => value,
        (error) => error.code,
      );
      return { outcome, sent: () => tell(), resolve: () => work.resolve(name), reject: work.reject };
    },
  };
}

test('a call begins when all of the one before is on its way, whatever becomes of that', async () => {
  const { begun, call } = rig();
  const [one, two, three] = [call('one'), call('two'), call('three')];
  await someTurns();
  expect(begun).toEqual(['one']);
  one.sent();
  await someTurns();
  expect(begun).toEqual(['one', 'two']);
  one.reject(failure('BUS_UNAVAILABLE'));
  two.resolve();
  await someTurns();
  expect(begun).toEqual(['one', 'two', 'three']);
  three.resolve();
  expect(await Promise.all([one.outcome, two.outcome, three.outcome])).toEqual(['BUS_UNAVAILABLE', 'two', 'three']);
});

test('behind a call that fails before it was sent those that wait fail, and who comes later begins', async () => {
  const { begun, call } = rig();
  const [one, two, three] = [call('one'), call('two'), call('three')];
  one.reject(failure('MESSAGE_TOO_LARGE'));
  expect(await Promise.all([one.outcome, two.outcome, three.outcome])).toEqual([
    'MESSAGE_TOO_LARGE',
    'BUS_UNAVAILABLE',
    'BUS_UNAVAILABLE',
  ]);
  const four = call('four');
  four.resolve();
  expect(await four.outcome).toBe('four');
  expect(begun).toEqual(['one', 'four']);
});
