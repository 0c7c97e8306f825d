import { describe, expect, it } from 'vitest';
import { prometheusTelemetry } from '../../../src/adapters/telemetry/prometheus.ts';

const quiet = () => prometheusTelemetry({ processMetrics: false });
const lines = async (telemetry: ReturnType<typeof quiet>) =>
  (await telemetry.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('prometheusTelemetry', () => {
  it('adds counters up by their labels, under names that end in _total', async () => {
    const telemetry = quiet();
    telemetry.count('events.published');
    telemetry.count('events.published', undefined, 4);
    telemetry.count('races_lost_total', { aggregate: 'User' });
    telemetry.count('races_lost_total', { aggregate: 'Order' }, 2);
    expect(await lines(telemetry)).toEqual([
      'statewright_events_published_total 5',
      'statewright_races_lost_total{aggregate="User"} 1',
      'statewright_races_lost_total{aggregate="Order"} 2',
    ]);
  });

  it('observes durations in seconds', async () => {
    const telemetry = quiet();
    telemetry.observeMs('append_duration_ms', 30);
    const told = await lines(telemetry);
    expect(told).toContain('statewright_append_duration_seconds_sum 0.03');
    expect(told).toContain('statewright_append_duration_seconds_bucket{le="0.025"} 0');
    expect(told).toContain('statewright_append_duration_seconds_bucket{le="0.05"} 1');
  });

  it('reads gauges when somebody looks, and forgets the values that are gone', async () => {
    const telemetry = quiet();
    let parked = [{ labels: { subscription: 'a' }, value: 3 }];
    telemetry.gauge('parked', () => parked);
    telemetry.gauge('inFlight', () => [{ value: 7 }]);
    expect(await lines(telemetry)).toEqual(['statewright_parked{subscription="a"} 3', 'statewright_in_flight 7']);
    parked = [];
    expect(await lines(telemetry)).toEqual(['statewright_in_flight 7']);
  });

  it('leaves out a label that the first use did not have, and never throws for it', async () => {
    const telemetry = quiet();
    telemetry.count('c', { a: '1' });
    telemetry.count('c', { a: '1', b: '2' });
    telemetry.count('c');
    expect(await lines(telemetry)).toEqual(['statewright_c_total{a="1"} 2', 'statewright_c_total 1']);
  });

  it('escapes what a label may hold', async () => {
    const telemetry = quiet();
    telemetry.count('c', { a: 'x"y\n' });
    expect(await lines(telemetry)).toEqual(['statewright_c_total{a="x\\"y\\n"} 1']);
  });

  it('tells of the process itself, in a registry of its own', async () => {
    const [one, two] = [prometheusTelemetry(), prometheusTelemetry({ prefix: 'mine_' })];
    expect(await one.render()).toContain('statewright_process_cpu_seconds_total');
    expect(await two.render()).toContain('mine_process_cpu_seconds_total');
    expect(await two.render()).not.toContain('statewright_');
  });
});
