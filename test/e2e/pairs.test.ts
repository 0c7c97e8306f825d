import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { describeWithServer, type ServerVariable } from '../servers/environment.ts';
import { environmentOf, type Placed, serverBuses, serverStores } from '../servers/providers.ts';
import { liveALife } from './user-life.ts';

interface Provider {
  readonly name: string;
  readonly variable?: ServerVariable;
  readonly told?: string;
}

const stores: readonly Provider[] = [{ name: 'memory' }, { name: 'sqlite' }, ...serverStores];
const buses: readonly Provider[] = [{ name: 'memory' }, ...serverBuses];

for (const store of stores) {
  for (const bus of buses) {
    describe(`the life of one user with ${store.name} and the bus ${bus.name}`, () => {
      placed(store, (storeThere) =>
        placed(bus, (busThere) =>
          liveALife({
            environment: environmentOf({
              store: storeThere,
              bus: busThere,
              namespace: `pair-${randomUUID().slice(0, 8)}`,
            }),
            durable: store.name !== 'memory',
          }),
        ),
      );
    });
  }
}

function placed(provider: Provider, tests: (there: Placed) => void): void {
  const { name, variable } = provider;
  if (variable === undefined) tests({ provider });
  else describeWithServer(variable, name, (address) => tests({ provider, address }));
}
