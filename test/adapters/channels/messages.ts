import type { ChannelMessage } from '../../../src/ports/channel.ts';

/** A message as the runtime gives it to a channel. */
export function message(facts: Partial<ChannelMessage> = {}): ChannelMessage {
  return {
    id: '0b0c6c9e-2a38-5d0e-9c0a-6f8f3f0a1b2c',
    kind: 'email',
    to: 'ada@example.com',
    template: 'welcome',
    data: { firstName: 'Ada' },
    metadata: { eventId: 'e1', userId: 'u1' },
    requestedAt: '2026-01-02T03:04:05.678Z',
    ...facts,
  };
}
