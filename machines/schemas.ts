import { Type } from 'typebox';
import type { Json } from '../src/kernel/message.ts';

/** No data. */
export const Nothing = Type.Object({});

/** One line a person wrote. */
export const Text = Type.String({ minLength: 1, maxLength: 500 });

/** An address as it was spelled; blanks around it do not count when two are compared. */
export const Email = Type.String({ pattern: '^ *[^\\s@]+@[^\\s@]+ *$', maxLength: 320 });

/** ISO 8601 in UTC. */
export const Time = Type.String({ format: 'date-time' });

/** Money in minor units (cents), never negative. */
export const Minor = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** An address in the web. */
export const WebAddress = Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 2000 });

/** Named values of any kind that JSON has. */
export const Values = Type.Record(Type.String(), Type.Unsafe<Json>(Type.Unknown()));
