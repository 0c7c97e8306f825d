import { type BusAdapter, busSubject } from '../../../src/testing/bus-subject.ts';
import { eventBusSuite } from '../../../src/testing/event-bus.suite.ts';
import { runSuite, type Unreachable } from '../run-suite.ts';

/**
 * Runs the suite of buses on a broker that all share, and what stops the broker on one that is the case's own.
 * @param shared without the feature `restartable`.
 * @param own with it: each location is a broker started for it; these cases are few and run in plain form.
 */
export function runBusSuite<Shared, Own>(shared: BusAdapter<Shared> | Unreachable, own: BusAdapter<Own> | Unreachable) {
  const { cases, name } = eventBusSuite;
  const stopsBroker = ({ needs }: { readonly needs?: readonly string[] }) => needs?.includes('restartable') ?? false;
  runSuite(
    { name, cases: cases.filter((one) => !stopsBroker(one)) },
    'unreachable' in shared ? shared : busSubject(shared),
  );
  runSuite(
    { name: `${name}, with its broker stopped`, cases: cases.filter(stopsBroker) },
    'unreachable' in own ? own : busSubject(own),
  );
}
