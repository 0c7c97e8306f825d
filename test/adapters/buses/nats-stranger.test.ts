import { spawnSync } from 'node:child_process';
import { pythonPackages } from '../../servers/python-packages.ts';
import { runStranger } from './run-stranger.ts';

runStranger({
  bus: 'nats',
  program: 'nats-py',
  available: () => spawnSync('sh', ['-c', 'command -v pip3']).status === 0,
  environment: async () => ({ PYTHONPATH: await pythonPackages(['nats-py==2.11.0']) }),
});
