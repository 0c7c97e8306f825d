import { runStranger } from './run-stranger.ts';

runStranger({ bus: 'redis', program: 'redis-cli' });
