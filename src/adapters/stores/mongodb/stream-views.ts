import type { CommandId, EventId, StreamId } from '../../../kernel/message.ts';
import { streamKey } from './commit-documents.ts';
import type { Documents } from './documents.ts';
import type { KeyFilter } from './key-filter.ts';

/**
 * Some of a stream's commits, found by its key and a number: 1, 2, 3 … as far as somebody put them there. Written once,
 * after the commits, never changed; each continues where the one before ended.
 */
export interface StreamDocument {
  readonly _id: string;
  /** The last commit that it tells of. */
  readonly n: number;
  /** The stream's last event as of then; empty when it has none. */
  readonly last: string;
  /** JSON of `[commit, version after it]`. */
  readonly commits: string;
  /** JSON of `[command id, commit]`. */
  readonly commands: string;
}

/** What is known of one stream: all of it once `loaded`, else only what the commits say that were read. */
export interface StreamView {
  readonly key: string;
  readonly stream: StreamId;
  loaded: boolean;
  /** How many are loading it: meanwhile nothing is forgotten of it. */
  loading: number;
  /** The commits that have something of it, ascending, and the version after each. */
  commits: number[];
  versions: number[];
  /** The last event, and the commit as of which that is known; `undefined` while it is not. */
  last: EventId | '' | undefined;
  lastAt: number;
  /** In which commit each command id was recorded. */
  readonly commands: Map<CommandId, number>;
  /** How many documents were read or written, and up to which commit they tell. */
  docs: number;
  indexed: number;
  /** Others have written documents that were not read. */
  behind: boolean;
  /** It was forgotten: whoever needs it must ask for it anew. */
  forgotten: boolean;
}

/** The streams that an instance has to do with. */
export interface StreamViews {
  /** The view as it is; an empty one that is not loaded when there is none. */
  of(stream: StreamId): StreamView;
  /** Reads what the documents say, if that was not done yet. */
  load(view: StreamView): Promise<void>;
  /** Reads the documents that others have written since. */
  catchUp(view: StreamView): Promise<void>;
  forget(view: StreamView): void;
  /** Forgets those that were not asked for lately, when there are too many. */
  trim(): void;
}

/** How many documents are asked for at once: most streams have a few. */
const firstStep = 1;
const maxStep = 64;

/** The most commits and command ids that are kept of all streams together. */
const maxWeight = 600_000;

export const versionOf = ({ versions }: StreamView): number => versions.at(-1) ?? 0;

export const streamDocumentId = (key: string, number: number): string => `${key}|${String(number).padStart(9, '0')}`;

export function createStreamViews(documents: Documents<StreamDocument>, filter: KeyFilter): StreamViews {
  const views = new Map<string, StreamView>();

  const add = (view: StreamView, docs: readonly StreamDocument[]) => {
    const last = docs.at(-1);
    if (last === undefined) return;
    const told = docs.flatMap(({ commits }): [number, number][] => JSON.parse(commits));
    const known = view.commits.map((commit, at): [number, number] => [commit, view.versions[at] ?? 0]);
    const first = told[0]?.[0] ?? 0;
    const merged = [
      ...known.filter(([commit]) => commit < first),
      ...told,
      ...known.filter(([commit]) => commit > last.n),
    ];
    view.commits = merged.map(([commit]) => commit);
    view.versions = merged.map(([, version]) => version);
    for (const { commands } of docs) {
      for (const [id, commit] of JSON.parse(commands) as [CommandId, number][]) view.commands.set(id, commit);
    }
    if (view.last === undefined || view.lastAt <= last.n) {
      view.last = last.last as EventId | '';
      view.lastAt = last.n;
    }
    view.docs += docs.length;
    view.indexed = Math.max(view.indexed, last.n);
  };

  const read = async (view: StreamView) => {
    view.loading += 1;
    try {
      let step = firstStep;
      for (let from = view.docs + 1; ; from = view.docs + 1, step = Math.min(step * 4, maxStep)) {
        const numbers = Array.from({ length: step }, (_, at) => from + at);
        const found = await Promise.all(numbers.map((number) => documents.get(streamDocumentId(view.key, number))));
        const end = found.indexOf(undefined);
        // Another call may have read the same meanwhile.
        const docs = (end === -1 ? found : found.slice(0, end))
          .slice(view.docs + 1 - from)
          .filter((doc) => doc !== undefined);
        add(view, docs);
        if (end !== -1) break;
      }
      view.last ??= '';
      view.loaded = true;
      view.behind = false;
    } finally {
      view.loading -= 1;
    }
  };

  return {
    of(stream) {
      const key = streamKey(stream);
      const known = views.get(key);
      if (known) {
        views.delete(key);
        views.set(key, known);
        return known;
      }
      const view: StreamView = {
        key,
        stream: { type: stream.type, id: stream.id },
        loaded: false,
        loading: 0,
        commits: [],
        versions: [],
        last: undefined,
        lastAt: 0,
        commands: new Map(),
        docs: 0,
        indexed: 0,
        behind: false,
        forgotten: false,
      };
      views.set(key, view);
      return view;
    },

    async load(view) {
      if (view.loaded) return;
      if (filter.mayHave(view.key)) return read(view);
      view.last = '';
      view.loaded = true;
    },

    catchUp: read,

    forget(view) {
      view.forgotten = true;
      if (views.get(view.key) === view) views.delete(view.key);
    },

    trim() {
      let weight = 0;
      for (const { commits, commands } of views.values()) weight += 4 + commits.length + commands.size;
      for (const view of views.values()) {
        if (weight <= maxWeight) return;
        if (view.loading > 0 || (view.commits.at(-1) ?? 0) > view.indexed) continue;
        weight -= 4 + view.commits.length + view.commands.size;
        view.forgotten = true;
        views.delete(view.key);
      }
    },
  };
}
