import { connect } from 'node:net';

const silenceMs = 500;

/** Resolves when the port answers the greeting with this; rejects when it refuses, closes, or says no more without it. */
export function says(port: number, greeting: string, pattern: RegExp): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = '';
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(greeting, 'latin1'));
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
    if (!pattern.test(said)) return;
    resolve();
    socket.destroy();
  });
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('error', reject).on('close', () => reject(new Error(`it says no more than ${JSON.stringify(said)}`)));
  return promise;
}
