import { expect, test } from 'vitest';
import { openBus, openChannels, openStore, type StoreSettings } from '../../src/adapters/registry.ts';

test('a provider that is not built is told with those that are', async () => {
  for (const open of [openStore, openBus]) {
    await expect(open({ provider: 'etcd' } as unknown as StoreSettings & { provider: 'memory' })).rejects.toMatchObject(
      {
        code: 'UNKNOWN_PROVIDER',
        message: expect.stringMatching(/memory.*"etcd"/),
      },
    );
  }
});

test('the chosen provider is opened', async () => {
  const [store, bus] = [await openStore({ provider: 'memory' }), await openBus({ provider: 'memory' })];
  expect([store.provider, bus.provider]).toEqual(['memory', 'memory']);
  await Promise.all([store.close(), bus.close()]);
});

test('whatever is configured, each kind of notification has exactly one channel', async () => {
  const smtp = {
    url: 'smtp://127.0.0.1:1',
    from: 'a@example.com',
    render: () => ({ subject: '', text: '', html: '' }),
  };
  const webhook = { url: 'http://127.0.0.1:1', secret: `whsec_${Buffer.alloc(24).toString('base64')}` };
  const directory = '/nowhere';
  const kindsBy = async (settings: Parameters<typeof openChannels>[0]) => {
    const channels = await openChannels(settings);
    await Promise.all(channels.map((channel) => channel.close()));
    return Object.fromEntries(channels.map(({ name, kinds }) => [name, kinds]));
  };
  expect(await kindsBy({ directory })).toEqual({ file: ['email', 'push'] });
  expect(await kindsBy({ directory, smtp })).toEqual({ smtp: ['email'], file: ['push'] });
  expect(await kindsBy({ directory, webhook })).toEqual({ webhook: ['email', 'push'] });
  expect(await kindsBy({ directory, smtp, webhook })).toEqual({ smtp: ['email'], webhook: ['push'] });
});
