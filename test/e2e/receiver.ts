import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What a webhook brought, as far as tests look. */
export interface Delivered {
  readonly type: string;
  readonly data: { readonly id: string; readonly to: string };
}

/** A webhook's receiver on loopback, with the environment that sends notifications there. */
export async function receiver(answer: (response: ServerResponse, delivered: Delivered) => void) {
  const received: Delivered[] = [];
  const server = createServer(async (request, response) => {
    const delivered = (await json(request)) as Delivered;
    received.push(delivered);
    answer(response, delivered);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    received,
    environment: {
      WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
      WEBHOOK_SECRET: `whsec_${randomBytes(24).toString('base64')}`,
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
