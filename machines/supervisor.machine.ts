import { setup } from 'xstate';

/** What `runtime/supervisor` tells its machine. */
export type SupervisorEvent =
  /** No further command is taken. */
  | { readonly type: 'drain' }
  /** No aggregate has a command waiting or in flight. Sent after `drain`, also when it was so already. */
  | { readonly type: 'mailboxes.empty' };

/** All aggregates of one processor. Tag `accepting`: commands are taken; without it they are answered DRAINING. */
export const supervisorMachine = setup({
  types: {} as { events: SupervisorEvent; tags: 'accepting' },
}).createMachine({
  id: 'supervisor',
  initial: 'running',
  states: {
    running: {
      description: 'Finds or wakes an actor for each command.',
      tags: 'accepting',
      on: { drain: 'draining' },
    },
    draining: {
      description: 'Finishes the commands that were taken.',
      on: { 'mailboxes.empty': 'stopped' },
    },
    stopped: { type: 'final' },
  },
});
