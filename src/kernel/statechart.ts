import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  createActor,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';
import type { Clock, TimerHandle } from './clock.ts';
import type { Json } from './message.ts';

/** What one macrostep did. */
export interface Step<Snapshot> {
  /** The identical object when nothing changed. */
  readonly next: Snapshot;
  /** What was emitted, in document order. */
  readonly emitted: readonly { readonly type: string }[];
  /** The transitions that the event itself took; none when it is not handled. */
  readonly taken: readonly AnyTransitionDefinition[];
  /** The transitions that followed by themselves: `always` and `onDone`. */
  readonly followed: readonly AnyTransitionDefinition[];
}

/** Takes one macrostep without an actor; pure, and shares snapshots freely.
 * Effects other than `emit` (delays, invocations, custom actions) are not run. */
export function advance<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: SnapshotFrom<Machine>,
  event: { readonly type: string },
): Step<SnapshotFrom<Machine>> {
  const outer = collected;
  const mine: Collected = { emitted: [], taken: undefined, followed: none };
  collected = mine;
  try {
    const next = inDocumentOrder(machine.transition(snapshot, event, scope)) as SnapshotFrom<Machine>;
    return { next, emitted: mine.emitted, taken: mine.taken ?? none, followed: mine.followed };
  } finally {
    collected = outer;
  }
}

/** The state after `event`: for machines that are stepped, not run. Their effects are the caller's. */
export function step<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: SnapshotFrom<Machine>,
  event: EventFromLogic<Machine>,
): SnapshotFrom<Machine> {
  return advance(machine, snapshot, event).next;
}

/** The state that a machine starts in. Status `error` when its entry threw. */
export function initial<Machine extends AnyStateMachine>(
  machine: Machine,
  input?: InputFrom<Machine>,
): SnapshotFrom<Machine> {
  return machine.getInitialSnapshot(scope, input) as SnapshotFrom<Machine>;
}

/** The transitions that `event` would take; evaluates guards, changes nothing. */
export function enabled(
  snapshot: AnyMachineSnapshot,
  event: { readonly type: string },
): readonly AnyTransitionDefinition[] {
  return snapshot.machine.getTransitionData(snapshot, event);
}

/** Whether some transition takes `event` in this state. */
export function can<Machine extends AnyStateMachine>(
  snapshot: SnapshotFrom<Machine>,
  event: EventFromLogic<Machine>,
): boolean {
  return enabled(snapshot, event).length > 0;
}

/** Where it is, for a sentence: `active.verified`, regions joined by `and`. */
export function stateName(snapshot: AnyMachineSnapshot): string {
  const leaves = snapshot._nodes.filter(({ states }) => Object.keys(states).length === 0);
  return leaves.map(({ path }) => path.join('.')).join(' and ');
}

/** A snapshot as JSON: where it is, what it knows and what its history states remember. */
export function persist(snapshot: AnyMachineSnapshot): Json {
  const remembered = Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]);
  return {
    value: snapshot.value as Json,
    context: snapshot.context as Json,
    ...(remembered.length === 0 ? {} : { history: Object.fromEntries(remembered) as Json }),
  };
}

/** The snapshot that `persist` wrote.
 * @throws Error when the machine has no such state. */
export function restore<Machine extends AnyStateMachine>(machine: Machine, persisted: Json): SnapshotFrom<Machine> {
  const { value, context, history = {} } = persisted as unknown as Persisted;
  const historyValue = Object.fromEntries(
    Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => machine.getStateNodeById(`#${node}`))]),
  );
  const snapshot = machine.resolveState({ value, context, historyValue });
  if (!sameValue(snapshot.value, value)) throw new Error(`No such state: ${JSON.stringify(value)}`);
  return inDocumentOrder(snapshot) as SnapshotFrom<Machine>;
}

/** A machine's structure without its functions: what its hash and its diagrams are made of. */
export function structure(machine: AnyStateMachine): Json {
  return withoutFunctions(machine.config);
}

/** A machine that lives: it has delays and invocations. */
export interface Running<Machine extends AnyStateMachine> {
  snapshot(): SnapshotFrom<Machine>;
  send(event: EventFromLogic<Machine>): void;
  /** Calls `listener` after each change; returns the way to end it. */
  subscribe(listener: (snapshot: SnapshotFrom<Machine>) => void): () => void;
  /** Cancels its timers and invocations. Twice is fine. */
  stop(): void;
}

/** Starts a machine of the runtime's own on this clock.
 * @param options.onError told what an action threw, or an invocation that no transition answers: the machine has then
 * stopped with status `error`. Default: the error is thrown outside any handler, which ends the process. */
export function run<Machine extends AnyStateMachine>(
  machine: Machine,
  clock: Clock,
  options: { readonly input?: InputFrom<Machine>; readonly onError?: (error: unknown) => void } = {},
): Running<Machine> {
  // XState types the timer as any: ours is an opaque handle, handed back as it was given.
  const timers = {
    setTimeout: (task: (...args: never[]) => void, delayMs: number): TimerHandle =>
      clock.setTimeout(task as () => void, delayMs),
    clearTimeout: (timer: TimerHandle | undefined) => {
      if (timer !== undefined) clock.clearTimeout(timer);
    },
  };
  const actor = createActor(machine as AnyStateMachine, {
    clock: timers,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  if (options.onError !== undefined) actor.subscribe({ error: options.onError });
  actor.start();
  return {
    snapshot: () => actor.getSnapshot() as SnapshotFrom<Machine>,
    send: (event) => actor.send(event),
    subscribe(listener) {
      // An observer without `error` would make XState throw what onError is told anyway.
      const subscription = actor.subscribe({
        next: (snapshot) => listener(snapshot as SnapshotFrom<Machine>),
        ...(options.onError === undefined ? {} : { error: nothing }),
      });
      return () => subscription.unsubscribe();
    },
    stop: () => {
      actor.stop();
    },
  };
}

/** Resolves when the machine has come to a final state. */
export function ended(running: Running<AnyStateMachine>): Promise<void> {
  return new Promise((resolve) => {
    if (running.snapshot().status !== 'active') return resolve();
    running.subscribe(({ status }) => {
      if (status !== 'active') resolve();
    });
  });
}

interface Collected {
  readonly emitted: { readonly type: string }[];
  taken: readonly AnyTransitionDefinition[] | undefined;
  followed: readonly AnyTransitionDefinition[];
}

interface Persisted {
  readonly value: AnyMachineSnapshot['value'];
  readonly context: object;
  readonly history?: Readonly<Record<string, readonly string[]>>;
}

const none: readonly AnyTransitionDefinition[] = [];

let collected: Collected = { emitted: [], taken: undefined, followed: none };

const nothing = () => {};

/** The scope that XState's interpreter works in, made once by hand: `transition()` of XState makes an actor for each
 * call, which is three to five times slower. It collects what is emitted and does nothing else. */
const scope = {
  id: '',
  sessionId: '',
  self: {},
  logger: nothing,
  defer: nothing,
  emit: nothing,
  stopChild: nothing,
  actionExecutor(action: { readonly type: string; readonly params: unknown }) {
    if (action.type === 'xstate.emit') collected.emitted.push((action.params as { event: { type: string } }).event);
  },
  system: {
    // The first microstep is the event's own.
    _sendInspectionEvent(inspected: { readonly _transitions: readonly AnyTransitionDefinition[] }) {
      if (collected.taken === undefined) collected.taken = inspected._transitions;
      else collected.followed = [...collected.followed, ...inspected._transitions];
    },
  },
} as unknown as AnyActorScope;

/** XState orders regions as they were entered, and restores them as they were written: both decide the order of what
 * they emit and assign. Here it is always the order in which the machine was written. */
function inDocumentOrder(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const nodes = snapshot._nodes;
  if (nodes.every((node, index) => index === 0 || (nodes[index - 1]?.order ?? 0) < node.order)) return snapshot;
  const value = orderedValue(snapshot.machine.root, snapshot.value);
  return { ...snapshot, value, _nodes: nodes.toSorted((a, b) => a.order - b.order) };
}

function orderedValue(node: AnyStateMachine['root'], value: AnyMachineSnapshot['value']): AnyMachineSnapshot['value'] {
  if (typeof value === 'string') return value;
  const active = Object.entries(node.states).flatMap(([key, child]) => {
    const inner = value[key];
    return inner === undefined ? [] : [[key, orderedValue(child, inner)] as const];
  });
  return Object.fromEntries(active);
}

function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}

function withoutFunctions(value: unknown): Json {
  if (typeof value === 'function') return `ƒ ${'type' in value ? value.type : ''}`.trim();
  if (typeof value !== 'object' || value === null) return (value ?? null) as Json;
  if (Array.isArray(value)) return value.map(withoutFunctions);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutFunctions(inner)]));
}
