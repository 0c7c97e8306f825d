import fc from 'fast-check';
import { describe, it } from 'vitest';
import { notification } from '../../machines/notification.machine.ts';
import { order } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { aggregateLaws } from '../../src/testing/property-kit.ts';

describe.each([user, order, notification])('$name', (definition) => {
  for (const law of aggregateLaws(fc, definition)) it(law.name, law.run);
});
