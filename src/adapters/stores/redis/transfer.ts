import { isFailure } from '../../../kernel/errors.ts';
import type { LogPart, LogRecord, LogTransfer } from '../../../ports/transfer.ts';
import { checkPart } from '../restoring.ts';
import { decodeCheckpoint } from './checkpoints.ts';
import type { Connection } from './connection.ts';
import { decodeCursor } from './cursors.ts';
import { decodeCommand } from './event-records.ts';
import { type Keys, streamOf } from './keys.ts';
import { encodeRestore } from './restore-arguments.ts';
import { commandsScript, restoreScript } from './restore-script.ts';
import { freshPart, readTarget } from './restore-target.ts';

const sliceRecords = 500;

export function redisTransfer(connection: Connection, keys: Keys): LogTransfer {
  /** The fields of a hash and their values, some at a time; one that changes meanwhile may come twice. */
  async function* pairsOf(key: string): AsyncGenerator<readonly [field: string, value: string]> {
    const seen = new Set<string>();
    for (let cursor = '0'; ; ) {
      const [next, list] = await connection.send<[string, string[]]>('HSCAN', key, cursor, 'COUNT', sliceRecords);
      for (let at = 0; at < list.length; at += 2) {
        const [field = '', value = ''] = list.slice(at, at + 2);
        if (!seen.has(field)) yield [field, value];
        seen.add(field);
      }
      if (next === '0') return;
      cursor = next;
    }
  }

  async function* commands(): AsyncGenerator<LogRecord> {
    for (let given = 0; ; ) {
      const names = [keys.log, keys.commands, keys.commandOrder];
      type Reply = [given: number, fields: string[], records: (string | null)[]];
      const [next, fields, records] = await connection.run<Reply>(commandsScript, names, [given, sliceRecords]);
      for (const [at, field] of fields.entries()) {
        const text = records[at];
        if (typeof text === 'string') {
          const { type, id } = streamOf(field);
          const stream = { type, id: streamOf(id).type };
          yield { kind: 'command', stream, record: decodeCommand(text) };
        }
      }
      if (fields.length < sliceRecords) return;
      given = next;
    }
  }

  const attempt = async (part: LogPart): Promise<boolean> => {
    const target = await readTarget(connection, keys, part);
    try {
      const { names, args } = encodeRestore(freshPart(part, target), target, keys);
      return (await connection.run<number>(restoreScript, names, args)) === 1;
    } catch (error) {
      // It was read in several steps: somebody may have written between them.
      const revision = await connection.send<string | null>('HGET', keys.log, 'revision');
      if (isFailure(error, 'IMPORT_CONFLICT') && (revision ?? '0') !== target.revision) return false;
      throw error;
    }
  };

  return {
    async *records() {
      connection.assertOpen();
      for await (const [name, text] of pairsOf(keys.checkpoints)) {
        yield { kind: 'checkpoint', name, checkpoint: decodeCheckpoint(text) };
      }
      for (const subscription of await connection.send<string[]>('SMEMBERS', keys.subscriptions)) {
        for await (const [, text] of pairsOf(keys.cursors(subscription))) {
          yield { kind: 'cursor', cursor: decodeCursor(text) };
        }
      }
      yield* commands();
      for await (const [claim, stream] of pairsOf(keys.claims)) {
        yield { kind: 'claim', claim, stream: streamOf(stream) };
      }
    },

    async restore(part) {
      connection.assertOpen();
      checkPart(part);
      while (!(await attempt(part)));
    },
  };
}
