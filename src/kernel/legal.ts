import type { AnyMachineSnapshot } from 'xstate';
import { commandMeta } from './emissions.ts';
import type { Refused } from './message.ts';
import { enabled, stateName } from './statechart.ts';

/** What would become of a command now. */
export type LegalCommand =
  | { readonly type: string; readonly verdict: 'accepted' }
  /** A guard looks at the command, or the aggregate decides by it. */
  | { readonly type: string; readonly verdict: 'depends-on-data' }
  | ({ readonly type: string; readonly verdict: 'refused' } & Refused);

/** Each command with its verdict, in the order given; guards are evaluated. Claims are not looked at: the store
 * knows them. */
export function legalCommands(
  snapshot: AnyMachineSnapshot,
  types: readonly string[],
  version: number,
): readonly LegalCommand[] {
  const verdicts = types.map((type) => verdict(snapshot, type));
  const taken = types.filter((_, index) => verdicts[index]?.verdict !== 'refused');
  const refusal = untaken(snapshot, taken, version);
  return verdicts.map((each) =>
    each.verdict === 'untaken' ? { type: each.type, verdict: 'refused', ...refusal } : each,
  );
}

/** The refusal of a command that no transition takes, or that decides nothing. */
export function notAccepted(snapshot: AnyMachineSnapshot, types: readonly string[], version: number): Refused {
  const taken = types.filter((type) => ['accepted', 'depends-on-data'].includes(verdict(snapshot, type).verdict));
  return untaken(snapshot, taken, version);
}

function untaken(snapshot: AnyMachineSnapshot, taken: readonly string[], version: number): Refused {
  const name = snapshot.machine.id;
  if (version === 0) return { code: 'NOT_FOUND', because: `There is no such ${name}.` };
  const accepts = taken.length === 0 ? 'nothing' : taken.join(', ');
  return { code: 'NOT_ACCEPTED', because: `${name} is ${stateName(snapshot)}, which accepts ${accepts}.` };
}

type Verdict = LegalCommand | { readonly type: string; readonly verdict: 'untaken' };

function verdict(snapshot: AnyMachineSnapshot, type: string): Verdict {
  const probe = createProbe(type);
  try {
    const metas = enabled(snapshot, probe.event).map(commandMeta);
    if (probe.touched()) return { type, verdict: 'depends-on-data' };
    const refusal = metas.find((meta) => meta?.kind === 'refuses');
    if (refusal?.kind === 'refuses') return { type, verdict: 'refused', code: refusal.code, because: refusal.because };
    if (metas.length === 0) return { type, verdict: 'untaken' };
    return { type, verdict: metas.every((meta) => meta?.kind === 'emits') ? 'accepted' : 'depends-on-data' };
  } catch {
    // The guard looked at the command, or fails by itself: either way only sending tells.
    return { type, verdict: 'depends-on-data' };
  }
}

/** A command that notices when a guard looks at more than its type. */
function createProbe(type: string): { readonly event: { readonly type: string }; touched(): boolean } {
  let touched = false;
  const touch = {
    get(): never {
      touched = true;
      throw new Error('the guard looks at the command');
    },
  };
  const event = Object.defineProperties({ type }, { data: touch, meta: touch, aggregateId: touch });
  return { event, touched: () => touched };
}
