import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asFailure, failure } from '../../kernel/errors.ts';
import type { Channel, ChannelMessage, NotificationKind } from '../../ports/channel.ts';

export interface FileChannelOptions {
  /** Where `notifications.jsonl` lies; made when it is missing. */
  readonly directory: string;
  /** Default: all kinds. */
  readonly kinds?: readonly NotificationKind[];
}

/** The file's name in its directory. */
export const notificationsFile = 'notifications.jsonl';

/**
 * Writes each message as one line of JSON, on the disk (fsync) before `deliver` resolves; messages that wait together
 * share one sync. The file is the owner's alone (0600): mails carry links that sign a user in. Several processes may
 * write to one file: every line is part of one write in append mode, and one that another's crash left half written is
 * ended first. A repeat is a second line with the same id; an empty line means nothing.
 */
export function fileChannel({ directory, kinds = ['email', 'push'] }: FileChannelOptions): Channel {
  const path = join(directory, notificationsFile);
  let file: Promise<FileHandle> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let waiting: string[] = [];
  let next: Promise<void> | undefined;
  let closed = false;

  async function flush(): Promise<void> {
    const lines = waiting;
    waiting = [];
    next = undefined;
    try {
      file ??= openFile(directory, path);
      const handle = await file;
      const bytes = Buffer.from(`${(await endsHalfway(handle)) ? '\n' : ''}${lines.join('')}`);
      const { bytesWritten } = await handle.write(bytes);
      if (bytesWritten < bytes.length) throw failure('CHANNEL_UNAVAILABLE', { found: `no room left for ${path}` });
      await handle.datasync();
    } catch (error) {
      // The next try opens the file anew: the old one may be on a disk that is gone.
      const broken = file;
      file = undefined;
      await broken?.then((handle) => handle.close()).catch(() => {});
      throw asFailure(error, 'CHANNEL_UNAVAILABLE', { remedy: `See that ${directory} can be written.` });
    }
  }

  return {
    name: 'file',
    kinds,
    async deliver(message) {
      if (closed) throw failure('CHANNEL_UNAVAILABLE', { found: 'a closed channel' });
      waiting.push(line(message));
      if (next === undefined) {
        next = writing.then(flush);
        writing = next.catch(() => {});
      }
      return next;
    },
    async close() {
      closed = true;
      await writing;
      const handle = file;
      file = undefined;
      await handle?.then((open) => open.close());
    },
  };
}

function line(message: ChannelMessage): string {
  return `${JSON.stringify({ ...message, deliveredAt: new Date().toISOString() })}\n`;
}

async function openFile(directory: string, path: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true });
  const handle = await open(path, 'a+', 0o600);
  try {
    if ((await handle.stat()).size === 0) await syncDirectory(directory);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Whether the last line is one that a crash left half written; kill -9 ends a long write at any page. */
async function endsHalfway(handle: FileHandle): Promise<boolean> {
  for (let before = 0; ; await delay(patienceMs)) {
    const { size } = await handle.stat();
    if (size === 0) return false;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === newline) return false;
    // It did not grow: it is not another process's that is being written.
    if (size === before) return true;
    before = size;
  }
}

const newline = 0x0a;
const patienceMs = 5;

/** A new file's name is on the disk only after its directory is. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
