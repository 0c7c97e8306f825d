import { describe, expect, it } from 'vitest';
import { type SupervisorEvent, supervisorMachine } from '../../machines/supervisor.machine.ts';
import { initial, step } from '../../src/kernel/statechart.ts';
import { unreached } from './paths.ts';

const told = (...types: readonly SupervisorEvent['type'][]) =>
  types.reduce((state, type) => step(supervisorMachine, state, { type }), initial(supervisorMachine));

describe('the supervisor machine', () => {
  it('has no state or transition that no path reaches', () => {
    expect(unreached(supervisorMachine, {})).toEqual([]);
  });

  it('takes commands until it drains', () => {
    expect(told().hasTag('accepting')).toBe(true);
    expect(told('drain').hasTag('accepting')).toBe(false);
  });

  it('stops once the mailboxes are empty, however often it is told to drain', () => {
    expect(told('drain', 'drain').value).toBe('draining');
    expect(told('drain', 'drain', 'mailboxes.empty').status).toBe('done');
  });

  it('does not stop for empty mailboxes while it runs', () => {
    expect(told('mailboxes.empty').value).toBe('running');
  });
});
