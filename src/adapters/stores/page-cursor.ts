import { failure } from '../../kernel/errors.ts';

/** The place in a page order after which the next page begins, as opaque text. */
export interface PagePlace {
  readonly order: string;
  readonly id: string;
}

/** Opaque and safe in a URL. */
export function encodePageCursor({ order, id }: PagePlace): string {
  return Buffer.from(JSON.stringify([order, id])).toString('base64url');
}

/** The place a cursor stands for. @throws MALFORMED_REQUEST */
export function decodePageCursor(cursor: string): PagePlace {
  const place = parsed(Buffer.from(cursor, 'base64url').toString());
  if (Array.isArray(place) && place.length === 2) {
    const [order, id]: unknown[] = place;
    if (typeof order === 'string' && typeof id === 'string') return { order, id };
  }
  throw failure('MALFORMED_REQUEST', {
    expected: 'a cursor from the page before',
    found: JSON.stringify(cursor.slice(0, 80)),
    remedy: 'Leave the cursor out to start from the first page.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
