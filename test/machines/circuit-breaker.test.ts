import { describe, expect, it } from 'vitest';
import { type CircuitBreakerEvent, circuitBreakerMachine } from '../../machines/circuit-breaker.machine.ts';
import { run, stateName } from '../../src/kernel/statechart.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { unreached } from './paths.ts';

const input = { threshold: 3, halfOpenAfterMs: 1_000 };

function started() {
  const clock = createSimulatedClock();
  const machine = run(circuitBreakerMachine, clock, { input });
  return {
    clock,
    told(...types: readonly CircuitBreakerEvent['type'][]) {
      for (const type of types) machine.send({ type });
      return stateName(machine.snapshot());
    },
  };
}

async function halfOpen() {
  const breaker = started();
  breaker.told('call.failed', 'call.failed', 'call.failed');
  await breaker.clock.advance(1_000);
  return breaker;
}

describe('the circuit-breaker machine', () => {
  it('has no state or transition that no path reaches', () => {
    expect(unreached(circuitBreakerMachine, { inputs: [input], apart: ({ failures }) => failures })).toEqual([]);
  });

  it('opens at the threshold of failures in a row, and a success starts the row again', () => {
    const { told } = started();
    expect(told('call.failed', 'call.failed')).toBe('closed');
    expect(told('call.succeeded', 'call.failed', 'call.failed')).toBe('closed');
    expect(told('call.failed')).toBe('open');
  });

  it('is half open after its time, not before, whatever late calls tell', async () => {
    const { clock, told } = started();
    told('call.failed', 'call.failed', 'call.failed');
    await clock.advance(999);
    expect(told('call.failed', 'call.succeeded', 'probe.succeeded')).toBe('open');
    await clock.advance(1);
    expect(told()).toBe('halfOpen.ready');
  });

  it('waits for its probe as long as it takes until one comes', async () => {
    const { clock, told } = await halfOpen();
    await clock.advance(60_000);
    expect(told()).toBe('halfOpen.ready');
    expect(told('probe.started')).toBe('halfOpen.probing');
  });

  it('closes when the probe is answered, with the count at nothing', async () => {
    const { told } = await halfOpen();
    expect(told('probe.started', 'probe.succeeded')).toBe('closed');
    expect(told('call.failed', 'call.failed')).toBe('closed');
    expect(told('call.failed')).toBe('open');
  });

  it('opens for the whole time again when the probe fails', async () => {
    const { clock, told } = await halfOpen();
    expect(told('probe.started', 'probe.failed')).toBe('open');
    await clock.advance(999);
    expect(told()).toBe('open');
    await clock.advance(1);
    expect(told()).toBe('halfOpen.ready');
  });

  it('takes a probe that never ends for a failed one', async () => {
    const { clock, told } = await halfOpen();
    told('probe.started');
    await clock.advance(999);
    expect(told()).toBe('halfOpen.probing');
    await clock.advance(1);
    expect(told()).toBe('open');
  });

  it('lets another probe through after one that was abandoned', async () => {
    const { told } = await halfOpen();
    expect(told('probe.started', 'probe.abandoned')).toBe('halfOpen.ready');
  });
});
