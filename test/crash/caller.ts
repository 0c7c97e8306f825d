import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';

/** A command and its definite answer. */
export interface Answered {
  readonly path: string;
  readonly status: number;
  readonly body: Answer;
}

/** What the checks read of an answer; a refusal has no events. */
export interface Answer {
  readonly code?: string;
  readonly commandId: string;
  readonly aggregateId: string;
  readonly version: number;
  readonly position: number;
  readonly events?: readonly { readonly id: string; readonly type: string; readonly version: number }[];
}

/** A command as a client gives it; without `body` it has no data. */
export interface Outgoing {
  readonly method?: 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: object;
}

/** Sends a command until it is answered, under one key, to whichever server is up. */
export async function call(fleet: Fleet, preferred: number, key: string, outgoing: Outgoing): Promise<Answered> {
  const { method = 'POST', path, body = {} } = outgoing;
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  for (let at = preferred; ; at += 1) {
    const answer = await attempt(`${await fleet.url(at)}${path}`, { method, headers, body: JSON.stringify(body) });
    // The connection broke: it may have been done, or not.
    if (answer === undefined) continue;
    const { status, retryAfter, json } = answer;
    if (status === 202 || status === 409) return { path, status, body: json };
    assert.ok(status === 503 || status === 429, `${path} under ${key}: ${status} ${JSON.stringify(json)}`);
    await delay(Math.min(retryAfter, 1) * 1_000);
  }
}

async function attempt(url: string, init: RequestInit) {
  try {
    const response = await fetch(url, init);
    const json = (await response.json()) as Answer;
    return { status: response.status, retryAfter: Number(response.headers.get('retry-after')), json };
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
