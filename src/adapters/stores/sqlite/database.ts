import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { failure } from '../../../kernel/errors.ts';
import { migrate } from './schema.ts';
import { directoryFailure, isBusy, storeFailure } from './sqlite-errors.ts';

/** A prepared statement whose rows are arrays of its columns. */
export interface Statement<Row extends readonly SQLOutputValue[]> {
  get(...parameters: SQLInputValue[]): Row | undefined;
  all(...parameters: SQLInputValue[]): Row[];
  /** Leave it (`break`) before the next `await`: an open statement holds its snapshot of the file. */
  iterate(...parameters: SQLInputValue[]): Iterable<Row>;
  run(...parameters: SQLInputValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

/**
 * One connection, used in whole turns of the event loop: no statement and no transaction is open across an `await`, so
 * reads and writes of this process never meet half-way and other processes wait for milliseconds only.
 */
export interface Database {
  prepare<Row extends readonly SQLOutputValue[]>(sql: string): Statement<Row>;
  /** Does the work at once; again, after a pause, while another process keeps the file locked. */
  read<Result>(work: () => Result): Promise<Result>;
  /** Does the work in one transaction that holds the write lock from its start: all of it is on disk, or nothing. */
  write<Result>(work: () => Result): Promise<Result>;
  /** Lets others have their turn, between the slices of something long. */
  pause(): Promise<void>;
  /** @throws STORE_CLOSED */
  assertOpen(): void;
  /** Waits for what is under way, then lets go of the file, and of its WAL when nobody else has it open. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly file: string;
  /** How long a call waits for another process's lock. */
  readonly patienceMs: number;
  /** The size at which the file is full. Default: none but the disk's. */
  readonly maxBytes?: number;
}

/** Opens the file, and makes it with its directory if it isn't there.
 * @throws STORE_CORRUPT, STORE_NEWER, STORE_READ_ONLY, STORE_UNAVAILABLE, INVALID_CONFIGURATION */
export function openDatabase({ file, patienceMs, maxBytes }: DatabaseOptions): Database {
  const path = resolve(file);
  const db = open(path, patienceMs);
  if (maxBytes !== undefined) limitSize(db, maxBytes);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const assertOpen = () => {
    if (closing) throw failure('STORE_CLOSED', { found: path, remedy: 'Open the store again.' });
  };

  /** SQLite would wait inside the call and stop the event loop, so the waiting is done here. */
  const patiently = async <Result>(work: () => Result): Promise<Result> => {
    const deadline = performance.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw storeFailure(error, path);
      }
      await delay(1 + Math.random() * Math.min(tries, 10));
    }
  };

  const transaction = <Result>(work: () => Result): Result => {
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      // A full disk and the like have rolled back already.
      if (db.isTransaction) rollback.run();
      throw storeFailure(error, path);
    }
  };

  const tracked = async <Result>(call: Promise<Result>): Promise<Result> => {
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };

  return {
    prepare<Row extends readonly SQLOutputValue[]>(sql: string) {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement as unknown as Statement<Row>;
    },

    async read(work) {
      assertOpen();
      return tracked(patiently(work));
    },

    async write(work) {
      assertOpen();
      // Only the lock is waited for; once it is held, nothing is done twice.
      const lockAndWork = () => {
        begin.run();
        return transaction(work);
      };
      return tracked(patiently(lockAndWork));
    },

    async pause() {
      await nextTurn();
      assertOpen();
    },

    assertOpen,

    close() {
      closing ??= Promise.allSettled(underWay).then(() => db.close());
      return closing;
    },
  };
}

function open(path: string, patienceMs: number): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw directoryFailure(error, dirname(path));
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: patienceMs });
    // FULL: a commit is on the disk before it is acknowledged, so it survives a loss of power too.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000');
    migrate(db, path);
    db.exec('PRAGMA busy_timeout = 0');
    return db;
  } catch (error) {
    db?.close();
    throw storeFailure(error, path);
  }
}

/** SQLite counts in pages; the limit is this connection's own and stands in no file. */
function limitSize(db: DatabaseSync, maxBytes: number): void {
  const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.page_size);
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
}
