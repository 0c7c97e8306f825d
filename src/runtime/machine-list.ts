import type { AnyStateMachine } from 'xstate';
import { aggregateLifecycleMachine } from '../../machines/aggregate-lifecycle.machine.ts';
import { circuitBreakerMachine } from '../../machines/circuit-breaker.machine.ts';
import { deliveryMachine } from '../../machines/delivery.machine.ts';
import { retryMachine } from '../../machines/retry.machine.ts';
import { subscriptionMachine } from '../../machines/subscription.machine.ts';
import { supervisorMachine } from '../../machines/supervisor.machine.ts';
import { workerMachine } from '../../machines/worker.machine.ts';
import type { Aggregate } from '../kernel/decider.ts';

/** A machine for whoever looks: the diagrams, the routes, the command line. */
export interface MachineInfo {
  readonly name: string;
  readonly kind: 'domain' | 'runtime';
  readonly machine: AnyStateMachine;
}

/** The aggregates' machines, then the runtime's own. */
export function listMachines(aggregates: Iterable<Aggregate>): readonly MachineInfo[] {
  return [
    ...[...aggregates].map(
      ({ name, definition }): MachineInfo => ({ name, kind: 'domain', machine: definition.machine }),
    ),
    ...runtimeMachines.map((machine): MachineInfo => ({ name: machine.id, kind: 'runtime', machine })),
  ];
}

const runtimeMachines: readonly AnyStateMachine[] = [
  supervisorMachine,
  aggregateLifecycleMachine,
  subscriptionMachine,
  retryMachine,
  circuitBreakerMachine,
  deliveryMachine,
  workerMachine,
];
