import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Checkpoint } from '../../../ports/coordination.ts';
import type { LogRecord, LogTransfer } from '../../../ports/transfer.ts';
import { checkPart, freshEvents, isFreshClaim, isFreshCommand } from '../restoring.ts';
import type { MemoryCursors } from './cursors.ts';
import type { LogState } from './log-state.ts';
import { encodePayload, firstOutcome } from './records.ts';

/** After how many records others have their turn. */
const sliceRecords = 1_000;

export function memoryTransfer(
  state: LogState,
  cursors: MemoryCursors,
  checkpoints: Map<string, Checkpoint>,
  assertOpen: () => void,
): LogTransfer {
  const { log, streams, claims, remembered } = state;

  function* everything(): Generator<LogRecord> {
    for (const [name, checkpoint] of checkpoints) yield { kind: 'checkpoint', name, checkpoint };
    for (const cursor of cursors.all()) yield { kind: 'cursor', cursor };
    // A copy, since old commands are forgotten from its beginning.
    for (const { stream, command } of remembered.slice()) {
      yield { kind: 'command', stream: stream.id, record: firstOutcome(command) };
    }
    for (const [claim, stream] of claims) yield { kind: 'claim', claim, stream: stream.id };
  }

  const isFresh = (record: LogRecord) => {
    switch (record.kind) {
      case 'command': {
        const stored = streams.get(record.stream)?.commands.get(record.record.id);
        return isFreshCommand(record.stream, record.record, stored && firstOutcome(stored));
      }
      case 'claim':
        return isFreshClaim(record.claim, record.stream, claims.get(record.claim)?.id);
      case 'cursor':
        return !cursors.has(record.cursor);
      case 'checkpoint':
        return !checkpoints.has(record.name);
    }
  };

  const write = (record: LogRecord) => {
    switch (record.kind) {
      case 'command':
        return state.remember(state.streamOf(record.stream), record.record);
      case 'claim':
        return void claims.set(record.claim, state.streamOf(record.stream));
      case 'cursor':
        return cursors.restore(record.cursor);
      case 'checkpoint':
        return void checkpoints.set(record.name, Object.freeze({ ...record.checkpoint }));
    }
  };

  return {
    async *records() {
      assertOpen();
      let given = 0;
      for (const record of everything()) {
        yield record;
        given += 1;
        if (given % sliceRecords > 0) continue;
        await nextTurn();
        assertOpen();
      }
    },

    async restore(part) {
      assertOpen();
      checkPart(part);
      // All that can throw comes before the first change.
      const fresh = freshEvents(part.events, {
        head: log.length,
        recordedAt: log.at(-1)?.recordedAt ?? '',
        eventIdAt: (position) => log[position - 1]?.id,
        versionOf: (stream) => streams.get(stream)?.records.length ?? 0,
      });
      const texts = fresh.map(encodePayload);
      const records = part.records.filter(isFresh);
      for (const [at, event] of fresh.entries()) {
        state.add(state.streamOf(event.stream), event, texts[at] ?? '', event.recordedAt);
      }
      for (const record of records) write(record);
    },
  };
}
