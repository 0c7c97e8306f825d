import type { Fence, LeaseRecord, LeaseStore } from '../../../ports/coordination.ts';
import type { Connection } from './connection.ts';
import type { LeaseState, LeaseStates } from './lease-states.ts';

export function mongodbLeases({ call }: Connection, states: LeaseStates): LeaseStore {
  return {
    read: (name) => call(async () => recordOf((await states.read(name)).state)),

    take: (name, holder, seen) =>
      call(() =>
        states.change<Awaited<ReturnType<LeaseStore['take']>>>(name, ({ state }) => {
          if (state.token !== seen.token || state.beat !== seen.beat) {
            return { result: { taken: false, record: recordOf(state) } };
          }
          const next: LeaseState = { ...state, token: state.token + 1, holder };
          return { result: { taken: true, record: recordOf(next) }, state: next };
        }),
      ),

    beat: (fence) =>
      call(() =>
        states.change(fence.lease, ({ state }) =>
          isHeld(state, fence) ? { result: true, state: { ...state, beat: state.beat + 1 } } : { result: false },
        ),
      ),

    release: (fence) =>
      call(() =>
        states.change(fence.lease, ({ state }) => {
          const { holder, ...free } = state;
          return isHeld(state, fence) ? { result: undefined, state: free } : { result: undefined };
        }),
      ),
  };
}

const isHeld = ({ token, holder }: LeaseState, fence: Fence) => token === fence.token && holder !== undefined;

const recordOf = ({ token, beat, holder }: LeaseState): LeaseRecord => ({
  token,
  beat,
  ...(holder !== undefined && { holder }),
});
