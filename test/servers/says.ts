import { connect } from 'node:net';

/** Resolves when the port answers the greeting with this; rejects with what it did instead. */
export function says(port: number, greeting: string, pattern: RegExp, timeoutMs = 2000): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = '';
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(greeting, 'latin1'));
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`silent for ${timeoutMs} ms`)));
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
    if (pattern.test(said)) resolve();
    else if (said.includes('\n')) reject(new Error(`it says ${said}`));
    if (pattern.test(said) || said.includes('\n')) socket.destroy();
  });
  socket.on('error', reject).on('close', () => reject(new Error('it closed the connection')));
  return promise;
}
