import { Type } from 'typebox';

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
